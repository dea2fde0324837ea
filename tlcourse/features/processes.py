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
from tlcourse.features.worker import open_worker

CHILD = "from tlcourse.features import processes; processes.run_child()"
THREADS = ("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS", "OMP_NUM_THREADS")
INTERVAL = 0.2  # seconds between two looks at the files that are there
MAX_DEATHS = 3  # one after the other without a shard in between


def compute_here(job, missing, options=None):
    """Computes shards in this process, with Beam if there are options for it."""
    if options is None:
        for shard in missing:
            open_worker(str(job.folder), job.key).compute_shard(shard)
    else:
        from tlcourse.features import beam

        beam.run_pipeline(job, missing, options)


def run_child():
    """Reads a task from the input of this process, and computes its shards."""
    task = json.loads(sys.stdin.readline())
    threading.Thread(target=_follow_parent, daemon=True).start()
    compute_here(load_job(task["folder"]), task["shards"], task["options"])


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
        command = [sys.executable, "-c", CHILD]
        streams = {"stdin": subprocess.PIPE, "stdout": self.log, "stderr": self.log}
        self.process = subprocess.Popen(command, env=self.environment, **streams)
        folder, options = str(self.job.folder), self.options
        task = {"folder": folder, "shards": self.shards, "options": options}
        with contextlib.suppress(BrokenPipeError):  # dead already: see `is_over`
            self.process.stdin.write(json.dumps(task).encode() + b"\n")
            self.process.stdin.flush()

    def is_over(self):
        """Whether all is computed; starts another process if this one died."""
        if self.process.poll() is None:
            return False
        if self.process.returncode == 0:
            return True
        left = [shard for shard in self.shards if not self.job.is_done(shard)]
        self.vain_deaths = self.vain_deaths + 1 if left == self.shards else 0
        self.deaths, self.shards = self.deaths + 1, left
        if self.vain_deaths == MAX_DEATHS:
            raise RuntimeError(self._explain())
        self.stop()
        self.start()
        return False

    def _explain(self):
        self.log.seek(0)
        lines = self.log.read().decode(errors="replace").splitlines()
        return (
            f"Expected a worker to compute shard {self.shards[0]}, at the latest at "
            f"attempt number {MAX_DEATHS}. Received: exit code "
            f"{self.process.returncode}. What is done stays. Its last words were: "
            + "\n".join(["", *lines[-5:]])
        )

    def stop(self):
        self.process.kill()
        self.process.wait()
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.close()


def compute_in_processes(job, missing, workers, options=None, threads=None):
    """Computes shards in processes that share out the cores.

    Returns how many died and were replaced; raises RuntimeError if that does not help.
    """
    threads = threads or max(1, (os.cpu_count() or 1) // workers)
    environment = os.environ | dict.fromkeys(THREADS, str(threads))
    environment["KERAS_BACKEND"] = keras.backend.backend()
    shares = [missing[k::workers] for k in range(min(workers, len(missing)))]
    with contextlib.ExitStack() as stack:
        running = [
            _Share(job, shards, options, environment, stack) for shards in shares
        ]
        while not all([share.is_over() for share in running]):
            time.sleep(0.1)
        return sum(share.deaths for share in running)


@contextlib.contextmanager
def show_progress(job, n):
    """Shows a bar for n shards; it follows their files, whoever writes them."""
    over, before = threading.Event(), job.n_shards - n

    def update():
        done = len(job.list_files()) - before
        if done:
            line.set_description_str("Computing", refresh=False)
        line.update(done - line.n)

    def follow():
        while not over.wait(INTERVAL):
            update()

    with bar(n, "Starting", unit="shards", miniters=0) as line:
        thread = threading.Thread(target=follow, daemon=True)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()
            update()
