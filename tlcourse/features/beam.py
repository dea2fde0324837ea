"""A job as an Apache Beam pipeline. Importing this module imports Beam."""

import apache_beam as beam
from apache_beam.options.pipeline_options import PipelineOptions

from tlcourse.features.job import load_job
from tlcourse.features.worker import Worker


class ComputeShard(beam.DoFn):
    """Computes shards of the job in a folder."""

    def __init__(self, folder):
        super().__init__()
        self.folder = folder

    def setup(self):
        """Loads the network, once per process."""
        self.worker = Worker(load_job(self.folder))

    def process(self, shard):
        """Writes a shard, and yields its number."""
        self.worker.compute_shard(shard)
        yield shard


def run_pipeline(job, missing, options):
    """Computes shards by a pipeline; `options` is a dict for `PipelineOptions`."""
    with beam.Pipeline(options=PipelineOptions([], **options)) as pipeline:
        (
            pipeline
            | "Missing shards" >> beam.Create(missing)
            | "Any worker may take any" >> beam.Reshuffle()
            | "Compute" >> beam.ParDo(ComputeShard(str(job.folder)))
        )
