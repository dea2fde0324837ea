"""What a worker does, in whatever process: reads images, predicts, writes shards."""

import re
import time

import numpy as np

from tlcourse._util.quiet import import_keras
from tlcourse.data.decoding import UnreadablePicture
from tlcourse.features.extraction import compute, good_batch
from tlcourse.features.job import NETWORK
from tlcourse.features.shard_files import write_shard


def load_network(path):
    """Loads a network, and runs no code that its file brings along."""
    try:
        return import_keras().saving.load_model(path, compile=False)
    except Exception as error:  # of whatever class, with all settings in its text
        foreign = re.search(r"Could not locate \w+ ('.*?')", str(error))
        received = "a file that is damaged, or not one of Keras's"
        if foreign:
            received = f"{foreign[1]}, which is not Keras's"
        elif "lambda" in str(error):
            received = "a Lambda layer with Python code, which was not run"
        raise ValueError(
            f"Expected in {path} a network of Keras's own layers. Received: "
            f"{received}. Build it of those and begin a new job, or compute the "
            "features with `features.extract`."
        ) from None


class Worker:
    """Computes shards of a job with one copy of its network."""

    def __init__(self, job):
        self.job, self.model = job, load_network(job.folder / NETWORK)
        self.shape = (*job.source.size, 3)
        most = good_batch(self.shape)
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
        positions, shape = self.job.positions(shard), self.shape
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
