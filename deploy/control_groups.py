"""Linux control groups, one for each learner: limits, and what was used."""

import os
import pathlib

ROOT = pathlib.Path("/sys/fs/cgroup")
PERIOD = 100_000  # microseconds, of which a group may use so many


class LearnerGroup:
    """The processes of one learner; versions 1 and 2 of control groups.

    Args:
        name: String, the account.
        root: `pathlib.Path` where control groups are mounted.

    Raises:
        OSError: If there are none that can be written.
    """

    def __init__(self, name, root=ROOT):
        self.root, self.unified = root, (root / "cgroup.controllers").is_file()
        parts = [root] if self.unified else [root / "memory", root / "cpu"]
        if not all(os.access(part, os.W_OK) for part in parts):
            raise OSError(
                "Expected control groups that can be written. Received: "
                f"{', '.join(map(str, parts))}, which cannot. Run it as root, on "
                "Linux, and not in a container without rights."
            )
        self.folders = [part / f"tlcourse-{name}" for part in parts]

    def limit(self, memory, cores):
        """Makes the group, and sets what it may use.

        Args:
            memory: Integer, bytes; beyond them the kernel ends one of its processes.
            cores: Float, CPU seconds a second.
        """
        quota = round(cores * PERIOD)
        for folder in self.folders:
            folder.mkdir(exist_ok=True)
        if self.unified:
            (self.root / "cgroup.subtree_control").write_text("+memory +cpu")
            self._write("memory.max", memory)
            self._write("cpu.max", f"{quota} {PERIOD}")
        else:
            self._write("memory.limit_in_bytes", memory)
            self._write("cpu.cfs_period_us", PERIOD)
            self._write("cpu.cfs_quota_us", quota)

    def enter(self):
        """Moves the process that calls it into the group."""
        for folder in self.folders:
            (folder / "cgroup.procs").write_text(str(os.getpid()))

    def memory(self):
        """Bytes in use now, without files that the system may drop at any time.

        Returns:
            Integer.
        """
        key = "anon" if self.unified else "rss"
        return self._numbers("memory.stat")[key]

    def kills(self):
        """How many processes were ended because the group was at its limit.

        Returns:
            Integer.
        """
        name = "memory.events" if self.unified else "memory.oom_control"
        return self._numbers(name)["oom_kill"]

    def processes(self):
        """Their numbers.

        Returns:
            list of integers.
        """
        return [int(line) for line in self._read("cgroup.procs").split()]

    def remove(self):
        """Removes the group, which must be empty. It may be gone already."""
        for folder in self.folders:
            if folder.is_dir():
                folder.rmdir()

    def _write(self, name, value):
        if name.startswith("cpu"):
            (self.folders[-1] / name).write_text(str(value))
        else:
            (self.folders[0] / name).write_text(str(value))

    def _read(self, name):
        path = self.folders[0] / name
        return path.read_text() if path.is_file() else ""

    def _numbers(self, name):
        pairs = [line.split() for line in self._read(name).splitlines()]
        return {"anon": 0, "rss": 0, "oom_kill": 0} | {
            key: int(value) for key, value in pairs
        }
