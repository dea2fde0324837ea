"""What a worker does, in whatever process: reads images, predicts, writes shards."""

import functools
import time

import numpy as np

from tlcourse._util.quiet import import_keras
from tlcourse.data.folder_report import Skipped
from tlcourse.features.job import NETWORK, load_job
from tlcourse.features.shard_files import write_shard

BATCH = 256  # images at the most
PIXELS = 32 * 224 * 224  # per batch at the most: more is no faster


class Worker:
    """Computes shards of a job with one copy of its network."""

    def __init__(self, job):
        self.job, path = job, job.folder / NETWORK
        self.model = import_keras().saving.load_model(path, compile=False)
        height, width = self.model.input_shape[1:3]
        most = max(1, min(BATCH, PIXELS // (height * width)))
        size = min(job.notes["shard_size"], job.notes["n"])
        self.batch_size = -(-size // -(-size // most))  # even batches: little padding

    def compute_shard(self, shard):
        """Computes a shard and writes it, unless another worker was faster."""
        if self.job.is_done(shard):
            return
        start, predicting = time.perf_counter(), 0.0
        rows, skipped, images, outputs = [], [], [], []
        for row in self.job.source.read_rows(*self.job.positions(shard)):
            if isinstance(row, Skipped):
                skipped.append((row.name, row.reason))
                continue
            rows.append((row.key, row.label))
            images.append(row.image)
            if len(images) == self.batch_size:
                predicting += self._predict(images, outputs)
        predicting += self._predict(images, outputs)
        reading = time.perf_counter() - start - predicting
        arrays = self._collect(outputs, rows, skipped)
        write_shard(self.job, shard, arrays, (reading, predicting))

    def _predict(self, images, outputs):
        """Moves a batch from images to outputs; returns the seconds it took."""
        start, n = time.perf_counter(), len(images)
        if n:
            # All batches have one size, so that the network is compiled once.
            padded = images + images[-1:] * (self.batch_size - n)
            outputs.append(self.model.predict_on_batch(np.stack(padded))[:n])
            images.clear()
        return time.perf_counter() - start

    def _collect(self, outputs, rows, skipped):
        notes = self.job.notes
        nothing = np.empty((0, *notes["shape"]), notes["dtype"])
        return {
            "features": np.concatenate([nothing, *outputs], dtype=notes["dtype"]),
            "labels": np.array([label for _, label in rows], "int64"),
            "keys": np.array([key for key, _ in rows], "str"),
            "skipped": np.array(skipped, "str").reshape(-1, 2),
        }


@functools.lru_cache(maxsize=1)  # one network per process, whoever asks for it
def open_worker(folder, key):
    """The worker of the job in `folder` in this process; another key, another job."""
    return Worker(load_job(folder))
