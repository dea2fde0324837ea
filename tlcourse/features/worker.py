"""What a worker does, in whatever process: reads images, predicts, writes shards."""

import time

import numpy as np

from tlcourse._util.quiet import import_keras
from tlcourse.data.pictures import UnreadablePicture
from tlcourse.features.extraction import compute, good_batch
from tlcourse.features.job import NETWORK
from tlcourse.features.shard_files import write_shard


class Worker:
    """Computes shards of a job with one copy of its network."""

    def __init__(self, job):
        self.job, path = job, job.folder / NETWORK
        self.model = import_keras().saving.load_model(path, compile=False)
        most = good_batch(self.model.input_shape[1:])
        size = min(job.notes["shard_size"], job.notes["n"])
        self.batch_size = -(-size // -(-size // most))  # even batches: little padding

    def compute_shard(self, shard):
        """Computes a shard and writes it, unless another worker was faster."""
        if self.job.is_done(shard):
            return
        start = time.perf_counter()
        images, positions, skipped = self._read(shard)
        between, source = time.perf_counter(), self.job.source
        found = compute(self.model, images, self.batch_size, disable=True)
        arrays = {
            "features": found[: len(positions)].astype(self.job.notes["dtype"]),
            "labels": np.array([source.labels[k] for k in positions], "int64"),
            "keys": np.array([source.keys[k] for k in positions], "str"),
            "skipped": np.array(skipped, "str").reshape(-1, 2),
        }
        seconds = between - start, time.perf_counter() - between
        write_shard(self.job, shard, arrays, seconds)

    def _read(self, shard):
        """The images of a shard in whole batches, their positions, what was skipped."""
        source, read, skipped = self.job.source, [], []
        positions, shape = self.job.positions(shard), self.model.input_shape[1:]
        images = np.zeros((len(positions) + self.batch_size, *shape), "uint8")
        for k in positions:
            try:
                images[len(read)] = source.read_image(k)
            except UnreadablePicture as error:
                skipped.append((source.keys[k], str(error)))
            else:
                read.append(k)
        # All batches have one size, so that the network is compiled once.
        full = -(-len(read) // self.batch_size) * self.batch_size
        return images[:full], read, skipped
