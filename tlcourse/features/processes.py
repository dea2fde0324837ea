"""Workers as processes of this machine; one that dies is replaced."""

import contextlib
import json
import os
import subprocess
import sys
import tempfile
import threading
import time

from tlcourse.features import shard_files
from tlcourse.features.worker import worker

CHILD = "from tlcourse.features import processes; processes.child()"
THREADS = ("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS", "OMP_NUM_THREADS")
PATIENCE = 2  # deaths one after the other without a shard in between


def compute(job, missing, options=None):
    """Computes shards in this process.

    Args:
        job: `shards.Job`.
        missing: list of integers.
        options: dict for Beam's `PipelineOptions`, or None to do without Beam.
    """
    if options is None:
        for shard in missing:
            worker(str(job.folder), job.key).compute(shard)
        return
    from tlcourse.features import beam

    beam.run(job, missing, options)


def child():
    """What a process does: reads its task from its input, and works."""
    task = json.loads(sys.stdin.readline())
    threading.Thread(target=_follow_parent, daemon=True).start()
    compute(shard_files.load(task["folder"]), task["shards"], task["options"])


def _follow_parent():
    """Ends this process when the one that began it is gone."""
    sys.stdin.read()
    os._exit(1)


class _Share:
    """The shards of one worker, whichever process computes them."""

    def __init__(self, job, mine, options, environment):
        self.job, self.left, self.options = job, mine, options
        self.environment, self.deaths, self.in_vain = environment, 0, 0
        self.log = tempfile.TemporaryFile()  # noqa: SIM115  (closed with the share)
        self.start()

    def start(self):
        command = [sys.executable, "-c", CHILD]
        self.process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=self.log,
            stderr=self.log,
            env=self.environment,
        )
        folder, options = str(self.job.folder), self.options
        task = {"folder": folder, "shards": self.left, "options": options}
        with contextlib.suppress(BrokenPipeError):  # it is dead already: see `is_over`
            self.process.stdin.write(json.dumps(task).encode() + b"\n")
            self.process.stdin.flush()

    def is_over(self):
        """Whether all is computed; starts another process if this one died."""
        if self.process.poll() is None:
            return False
        if self.process.returncode == 0:
            return True
        before = len(self.left)
        self.left = [shard for shard in self.left if not self.job.is_done(shard)]
        self.deaths += 1
        self.in_vain = self.in_vain + 1 if len(self.left) == before else 0
        if self.in_vain > PATIENCE:
            raise RuntimeError(self._why())
        self.close()
        self.start()
        return False

    def _why(self):
        self.log.seek(0)
        lines = self.log.read().decode(errors="replace").splitlines()
        return (
            f"Expected a worker to compute shard {self.left[0]}, at the latest at the "
            f"attempt number {PATIENCE + 1}. Received: exit code "
            f"{self.process.returncode}. What is done stays; the last it said was: "
            + "\n".join(["", *lines[-5:]])
        )

    def close(self):
        """Ends the process."""
        self.process.kill()
        self.process.wait()
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.close()


def run(job, missing, workers, threads, options=None):
    """Computes shards in several processes.

    Args:
        job: `shards.Job`.
        missing: list of integers.
        workers: Integer, processes.
        threads: Integer, threads of the backend in each; None shares out the cores.
        options: dict for Beam's `PipelineOptions`, or None to do without Beam.

    Returns:
        Integer, workers that died and were replaced.

    Raises:
        RuntimeError: If workers die again and again and nothing gets done.
    """
    import keras

    threads = threads or max(1, (os.cpu_count() or 1) // workers)
    environment = os.environ | dict.fromkeys(THREADS, str(threads))
    environment["KERAS_BACKEND"] = keras.backend.backend()
    mine = [missing[k::workers] for k in range(min(workers, len(missing)))]
    with contextlib.ExitStack() as stack:
        shares = []
        for each in mine:
            shares.append(_Share(job, each, options, environment))
            stack.callback(shares[-1].log.close)
            stack.callback(shares[-1].close)
        while not all([share.is_over() for share in shares]):
            time.sleep(0.1)
        return sum(share.deaths for share in shares)
