"""What a worker does, in whatever process: reads images, asks the network, writes."""

import functools
import time

import numpy as np

from tlcourse import features
from tlcourse._util.quiet import import_keras
from tlcourse.data.folder_report import Skipped
from tlcourse.features import shard_files


class Worker:
    """Computes shards of a job. It reads the network once.

    Args:
        job: `shards.Job`.
    """

    def __init__(self, job):
        self.job, self.source = job, job.source()
        self.model = import_keras().saving.load_model(
            job.folder / shard_files.NETWORK, compile=False
        )
        most = features.good_batch(self.model.input_shape[1:])
        size = min(job.shard_size, job.about["n"])
        self.batch = -(-size // -(-size // most))  # even ones: little is filled up

    def compute(self, shard):
        """Computes a shard and writes it, unless another worker was faster.

        Args:
            shard: Integer.
        """
        if self.job.is_done(shard):
            return
        start, passed, rows, skipped = time.perf_counter(), 0.0, [], []
        found, pixels = [], []
        for row in self.source.read(*self.job.stretch(shard)):
            if isinstance(row, Skipped):
                skipped.append((row.name, row.reason))
                continue
            rows.append((row.key, row.label))
            pixels.append(row.image)
            if len(pixels) == self.batch:
                passed += self._ask(pixels, found)
        passed += self._ask(pixels, found)
        reading = time.perf_counter() - start - passed
        self._write(shard, found, rows, skipped, (reading, passed))

    def _ask(self, pixels, found):
        """Appends the features of a batch, and empties it; gives the seconds."""
        start, n = time.perf_counter(), len(pixels)
        if n:
            # All batches have one size: nothing is compiled twice.
            filled = pixels + pixels[-1:] * (self.batch - n)
            found.append(self.model.predict_on_batch(np.stack(filled))[:n])
            pixels.clear()
        return time.perf_counter() - start

    def _write(self, shard, found, rows, skipped, seconds):
        about = self.job.about
        nothing = np.empty((0, *about["shape"]), about["dtype"])
        arrays = {
            "features": np.concatenate([nothing, *found]),
            "labels": np.array([label for _, label in rows], "int64"),
            "keys": np.array([key for key, _ in rows], "str"),
            "skipped": np.array(skipped, "str").reshape(-1, 2),
        }
        shard_files.write(self.job, shard, arrays, seconds)


@functools.lru_cache(maxsize=1)  # one network in a process, whoever asks for it
def worker(folder, key):
    """The worker of a job in this process.

    Args:
        folder: String.
        key: String, the job's, as a folder may get another job.

    Returns:
        `Worker`.
    """
    return Worker(shard_files.load(folder))
