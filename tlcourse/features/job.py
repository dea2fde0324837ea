"""A job: a folder with a network, notes on its images, and files of features."""

import dataclasses
import functools
import json
import pathlib
import zipfile

import keras

from tlcourse._util import atomic
from tlcourse.features.fingerprints import compare_files, digest, digest_file
from tlcourse.features.network_settings import digest_network
from tlcourse.features.sources import DatasetSource, FolderSource

FORMAT = 4
NOTES = "job.json"
NETWORK = "network.keras"
SOURCES = {source.kind: source for source in (DatasetSource, FolderSource)}


@dataclasses.dataclass(frozen=True)
class Job:
    """What there is to compute; `notes` is what `job.json` in the `folder` says."""

    folder: pathlib.Path
    notes: dict

    @property
    def n_shards(self):
        """Integer, shards in all."""
        return -(-self.notes["n"] // self.notes["shard_size"])

    def path(self, shard):
        """The path of a shard's file; `shard` counts from 0."""
        return self.folder / f"features-{shard:06}-of-{self.n_shards:06}.npz"

    def positions(self, shard):
        """The range of a shard's positions in the source."""
        size = self.notes["shard_size"]
        return range(self.notes["n"])[shard * size : (shard + 1) * size]

    @functools.cached_property
    def source(self):
        """The images, opened once, so that what was checked is what is read."""
        return SOURCES[self.notes["kind"]].load(self.folder, self.notes)

    def is_done(self, shard):
        """Whether a shard's file is there and not cut off."""
        return zipfile.is_zipfile(self.path(shard))

    def missing(self):
        """The list of the shards that still have to be computed."""
        return [k for k in range(self.n_shards) if not self.is_done(k)]


def begin(model, source, folder, shard_size):
    """Begins a job in a folder, or finds the same one there; returns the `Job`."""
    folder = pathlib.Path(folder).expanduser().absolute()
    wanted = json.loads(json.dumps(_describe(model, source, shard_size)))
    if (folder / NOTES).is_file():
        return _find_same(folder, wanted)
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise ValueError(
            "Expected a folder that is new, empty, or holds the features of the same "
            f"job. Received: {folder}, which holds other things. Name another one."
        )
    with atomic.make_folder(folder) as partial:
        source.save(partial)
        model.save(partial / NETWORK)
        _check_saved(partial / NETWORK, wanted["network"])
        notes = wanted | {"files": {x.name: digest_file(x) for x in partial.iterdir()}}
        notes["key"] = _digest_notes(notes)
        (partial / NOTES).write_text(json.dumps(notes))
    return Job(folder, notes)


def _check_saved(path, expected):
    """Refuses a network that is another one when it is loaded."""
    if digest_network(keras.saving.load_model(path, compile=False)) != expected:
        raise ValueError(
            "Expected a network that Keras saves as it is. Received: one that is "
            "another when it is loaded, as if a setting had been changed in a layer "
            "that was built already. Build the network with this setting."
        )


def _describe(model, source, shard_size):
    """What makes two jobs the same."""
    dtype = str(model.outputs[0].dtype)
    return {
        "format": FORMAT,
        "keras": [keras.__version__, keras.backend.backend()],
        "network": digest_network(model),
        "dtype": "float32" if dtype == "bfloat16" else dtype,  # not NumPy's
        "shard_size": int(shard_size),
        "kind": source.kind,
        "images": source.identify(),
        "n": len(source.keys),
        "class_names": source.class_names,
        "skipped": source.skipped,
    }


def _find_same(folder, wanted):
    job = load_job(folder)
    differ = [name for name, value in wanted.items() if job.notes.get(name) != value]
    if differ:
        raise ValueError(
            f"Expected in {folder} the features of the same network for the same "
            f"images. Received: another job; what differs: {', '.join(differ)}. Name "
            "another folder, or remove this one."
        )
    return job


def load_job(folder):
    """Finds the job of a folder; refuses it if what it reads has changed since."""
    folder = pathlib.Path(folder).expanduser().absolute()
    if not (folder / NOTES).is_file():
        raise FileNotFoundError(
            "Expected a folder in which `shards.begin_job` began a job, with "
            f"{NOTES} in it. Received: {folder}"
        )
    job = Job(folder, _read_notes(folder / NOTES))
    own = filter(pathlib.Path.is_file, [folder / name for name in job.notes["files"]])
    changes = compare_files(job.notes["files"], {x.name: digest_file(x) for x in own})
    if not changes:
        changes = compare_files(job.notes["images"]["files"], job.source.files)
    if changes:
        raise ValueError(
            f"Expected what the job in {folder} reads to be as it was when the job "
            f"began. Received: {'; '.join(changes)}. Put it back as it was, with its "
            "time of change, or begin a new job in another folder."
        )
    return job


def _read_notes(path):
    try:
        notes = json.loads(path.read_bytes())
        if notes["format"] == FORMAT and notes["key"] == _digest_notes(notes):
            return notes
    except (ValueError, TypeError, KeyError, RecursionError):
        pass
    raise ValueError(
        f"Expected the notes of a job of format {FORMAT} in {path}. Received: a file "
        "that was damaged or edited, or that another version of the course wrote. Put "
        "it back as it was, or begin a new job in another folder."
    )


def _digest_notes(notes):
    others = {name: value for name, value in notes.items() if name != "key"}
    return digest([json.dumps(others).encode()])
