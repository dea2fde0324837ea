"""Workers as processes of this machine; one that dies is replaced."""

import contextlib
import json
import os
import subprocess
import sys
import tempfile
import threading
import time

import keras

from tlcourse._util.progress import bar
from tlcourse.features.job import load_job
from tlcourse.features.worker import Worker

CHILD = "from tlcourse.features import processes; processes.run_child()"
THREADS = ("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS", "OMP_NUM_THREADS")
INTERVAL = 0.1  # seconds between two looks at the processes and their files
MAX_DEATHS = 3  # one after the other without a shard in between


def compute_here(job, missing):
    """Computes shards in this process, one after the other."""
    worker = Worker(job)
    with bar(len(missing), "Computing", unit="shards") as line:
        for shard in missing:
            worker.compute_shard(shard)
            line.update()


def run_child():
    """Reads a task from the input of this process, and computes its shards."""
    task = json.loads(sys.stdin.readline())
    threading.Thread(target=_follow_parent, daemon=True).start()
    job = load_job(task["folder"])
    if task["options"] is None:
        compute_here(job, task["shards"])
    else:
        from tlcourse.features import beam

        beam.run_pipeline(job, task["shards"], task["options"])


def _follow_parent():
    """Ends this process when the one that began it is gone."""
    sys.stdin.read()
    os._exit(1)


class _Share:
    """The shards of one process; another process takes over if it dies."""

    def __init__(self, job, shards, options, environment, stack):
        self.job, self.shards, self.options = job, shards, options
        self.environment, self.deaths, self.vain_deaths = environment, 0, 0
        self.log = stack.enter_context(tempfile.TemporaryFile())
        self.start()
        stack.callback(self.stop)

    def start(self):
        folder, options = str(self.job.folder), self.options
        task = {"folder": folder, "shards": self.shards, "options": options}
        command, log = [sys.executable, "-c", CHILD], self.log
        streams = {"stdin": subprocess.PIPE, "stdout": log, "stderr": log}
        self.process = subprocess.Popen(
            command, env=self.environment, text=True, **streams
        )
        with contextlib.suppress(BrokenPipeError):  # dead already: see `is_over`
            print(json.dumps(task), file=self.process.stdin, flush=True)

    def is_over(self):
        """Whether all is computed; starts another process if this one died."""
        code = self.process.poll()
        if not code:
            return code == 0
        left = [shard for shard in self.shards if not self.job.is_done(shard)]
        self.vain_deaths = self.vain_deaths + 1 if left == self.shards else 0
        self.deaths, self.shards = self.deaths + 1, left
        if self.vain_deaths == MAX_DEATHS:
            self.log.seek(0)
            lines = self.log.read().decode(errors="replace").splitlines()
            raise RuntimeError(
                f"Expected a worker to compute shard {left[0]}, at the latest at "
                f"attempt number {MAX_DEATHS}. Received: exit code {code}. What is "
                "done stays. Its last words were: " + "\n".join(["", *lines[-5:]])
            )
        self.stop()
        self.start()
        return False

    def stop(self):
        self.process.kill()
        self.process.communicate()  # closes its input, and waits


def compute_in_processes(job, missing, workers, options=None, threads=None):
    """Computes shards in processes that share out the cores, by Beam if with options.

    Returns how many died and were replaced; raises RuntimeError if that does not help.
    """
    threads = threads or max(1, (os.cpu_count() or 1) // workers)
    environment = os.environ | dict.fromkeys(THREADS, str(threads))
    environment["KERAS_BACKEND"] = keras.backend.backend()
    parts = filter(None, [missing[k::workers] for k in range(workers)])
    with contextlib.ExitStack() as stack:
        line = stack.enter_context(bar(len(missing), "Computing", unit="shards"))
        shares = [_Share(job, part, options, environment, stack) for part in parts]
        while not all([share.is_over() for share in shares]):
            time.sleep(INTERVAL)
            line.update(sum(job.path(k).is_file() for k in missing) - line.n)
        return sum(share.deaths for share in shares)
