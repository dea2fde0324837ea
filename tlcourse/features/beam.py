"""A job as an Apache Beam pipeline. Importing this module imports Beam."""

import contextlib
import logging

from tlcourse._util.quiet import held_back_stderr
from tlcourse.features.worker import worker


@contextlib.contextmanager
def _quiet_log():
    """Leaves logging as it was: Beam warns of parts that are not there, and sets it up.

    Returns:
        A context manager.
    """
    handlers, level = list(logging.root.handlers), logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        yield
    finally:
        logging.disable(level)
        logging.root.handlers[:] = handlers


with _quiet_log():
    import apache_beam as beam
    from apache_beam.options.pipeline_options import PipelineOptions


class ComputeShard(beam.DoFn):
    """Computes shards of features.

    Args:
        folder: String, the job's.
        key: String, the job's.
    """

    def __init__(self, folder, key):
        super().__init__()
        self.folder, self.key = folder, key

    def setup(self):
        """Reads the network, once in a process."""
        self.worker = worker(self.folder, self.key)

    def process(self, shard):
        """Writes a feature file.

        Args:
            shard: Integer.

        Yields:
            The same integer.
        """
        self.worker.compute(shard)
        yield shard


def run(job, missing, options):
    """Computes shards with Beam, and waits until it is done.

    Args:
        job: `shards.Job`.
        missing: list of integers.
        options: dict for Beam's `PipelineOptions`.
    """
    chosen = PipelineOptions([], **options)
    with _quiet_log(), held_back_stderr(), beam.Pipeline(options=chosen) as pipeline:
        (
            pipeline
            | "Missing shards" >> beam.Create(missing)
            | "Any worker may take any" >> beam.Reshuffle()
            | "Compute" >> beam.ParDo(ComputeShard(str(job.folder), job.key))
        )
