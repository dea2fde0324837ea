"""A job as an Apache Beam pipeline. Importing this module imports Beam."""

import contextlib
import logging

from tlcourse._util.quiet import held_back_stderr
from tlcourse.features.worker import open_worker


@contextlib.contextmanager
def _quiet_logging():
    """Silences Beam's warnings of missing extras; leaves logging as it was."""
    handlers, level = list(logging.root.handlers), logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        yield
    finally:
        logging.disable(level)
        logging.root.handlers[:] = handlers


with _quiet_logging():
    import apache_beam as beam
    from apache_beam.options.pipeline_options import PipelineOptions


class ComputeShard(beam.DoFn):
    """Computes shards of the job in `folder`, whose key is `key`."""

    def __init__(self, folder, key):
        super().__init__()
        self.folder, self.key = folder, key

    def setup(self):
        """Loads the network, once per process."""
        self.worker = open_worker(self.folder, self.key)

    def process(self, shard):
        """Writes a shard, and yields its number."""
        self.worker.compute_shard(shard)
        yield shard


def run_pipeline(job, missing, options):
    """Computes shards by a pipeline; `options` is a dict for `PipelineOptions`."""
    chosen = PipelineOptions([], **options)
    with (
        _quiet_logging(),
        held_back_stderr(),
        beam.Pipeline(options=chosen) as pipeline,
    ):
        (
            pipeline
            | "Missing shards" >> beam.Create(missing)
            | "Any worker may take any" >> beam.Reshuffle()
            | "Compute" >> beam.ParDo(ComputeShard(str(job.folder), job.key))
        )
