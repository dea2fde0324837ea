"""What a load run has seen: the memory meanwhile, and a table at the end."""

import dataclasses
import os
import threading

import psutil
from control_groups import LearnerGroup

GB, MB = 1e9, 1e6
HEAD = (
    "CPU minutes",
    "cells",
    "errors",
    "largest kernel, MB",
    "all processes, MB",
    "ended at the limit",
)


@dataclasses.dataclass
class LessonRun:
    """One lesson of one learner.

    Args:
        path: String, the notebook.
        cells: Integer, code cells that ran.
        errors: list of strings.
        seconds: Float, from opening the notebook on.
        memory: Integer, bytes, the most that the kernel had.
        cpu: Float, seconds of one core.
    """

    path: str
    cells: int = 0
    errors: list = dataclasses.field(default_factory=list)
    seconds: float = 0.0
    memory: int = 0
    cpu: float = 0.0


class MemoryWatch(threading.Thread):
    """Watches what learners and machine use, where this machine runs the hub.

    Args:
        names: list of strings, the learners.

    Attributes:
        peaks: dict, name to bytes of all processes of a learner, without files.
        kills: dict, name to how many processes were ended at the limit.
        machine: Integer, bytes in use on the whole machine at most.
    """

    def __init__(self, names):
        super().__init__(daemon=True)
        self.peaks, self.kills, self.machine = dict.fromkeys(names, 0), {}, 0
        self.ended = threading.Event()

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.ended.set()
        self.join()

    def run(self):
        """Looks twice a second until the block ends."""
        while not self.ended.wait(0.5):
            for name in self.peaks:
                self.look(name)
            memory = psutil.virtual_memory()
            self.machine = max(self.machine, memory.total - memory.available)

    def look(self, name):
        """Notes what one learner uses now.

        Args:
            name: String.
        """
        group = LearnerGroup(name)
        self.peaks[name] = max(self.peaks[name], group.memory())
        self.kills[name] = group.kills()


@dataclasses.dataclass
class Report:
    """A load run.

    Args:
        runs: dict, learner to list of `LessonRun`.
        arrival: Float, seconds until the last server was up.
        watch: `MemoryWatch` that has ended.
        looked_at: dict, what to a pair: what was seen, and whether that is right.
    """

    runs: dict
    arrival: float
    watch: MemoryWatch
    looked_at: dict = dataclasses.field(default_factory=dict)

    @property
    def is_well(self):
        """Boolean: every cell ran, nobody with lessons was ended, no attempt went."""
        errors = list(self._errors())
        killed = [name for name in self.runs if self.watch.kills.get(name)]
        return not (errors or killed) and all(ok for _, ok in self.looked_at.values())

    def __str__(self):
        parts = [self._machine(), "", *self._table(), "", *self._errors()]
        for what, (seen, right) in self.looked_at.items():
            parts.append(f"- {what}: {seen} ({'as it must be' if right else 'WRONG'})")
        parts.append("All went well." if self.is_well else "Not all went well.")
        return "\n".join(parts)

    def _machine(self):
        text = (
            f"{len(self.runs)} learners at once; all servers were up after "
            f"{self.arrival:.0f} s."
        )
        if not self.watch.peaks:  # the hub is elsewhere
            return text
        total = psutil.virtual_memory().total
        return (
            f"{os.cpu_count()} cores, {total / GB:.1f} GB: {text} At most "
            f"{self.watch.machine / GB:.1f} GB of the machine were in use."
        )

    def _table(self):
        lessons = [
            run.path.split("/")[-1][:2] for run in next(iter(self.runs.values()))
        ]
        head = ["learner", *(f"lesson {lesson}, minutes" for lesson in lessons), *HEAD]
        yield row(head)
        yield row(["---"] * len(head))
        yield from (row(self._cells(name)) for name in self.runs)

    def _cells(self, name):
        runs, peak = self.runs[name], self.watch.peaks.get(name)
        return [
            name,
            *(f"{run.seconds / 60:.1f}" for run in runs),
            f"{sum(run.cpu for run in runs) / 60:.1f}",
            sum(run.cells for run in runs),
            sum(len(run.errors) for run in runs),
            f"{max(run.memory for run in runs) / MB:.0f}",
            "-" if peak is None else f"{peak / MB:.0f}",
            self.watch.kills.get(name, "-"),
        ]

    def _errors(self):
        for name, runs in self.runs.items():
            for run in runs:
                yield from (f"{name} {run.path} {each}" for each in run.errors)


def row(cells):
    """A row of a Markdown table.

    Args:
        cells: iterable of values.

    Returns:
        String.
    """
    return f"| {' | '.join(map(str, cells))} |"
