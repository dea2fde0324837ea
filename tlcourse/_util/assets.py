"""Where shipped and cached files are, and what to do when one is not there."""

import functools
import hashlib
import json
import os
import pathlib
import re

FLOWERS_DATASET = "tf_flowers"
# How TFDS names its files, unless told otherwise.
USUAL = "{DATASET}-{SPLIT}.{FILEFORMAT}-{SHARD_X_OF_Y}"
WEIGHTS_ORIGIN = {
    "glyphs": "this course, CC0 1.0; see data/README.md",
    "flowers": "the Keras team, Apache 2.0; trained on ImageNet",
}
PACKAGE = pathlib.Path(__file__).resolve().parent.parent
# A wheel has the shipped files inside the package, see pyproject.toml.
INSTALLED = PACKAGE / "shipped_data"
REPOSITORY = PACKAGE.parent


def data_folder():
    """The folder of shipped files: `$TLCOURSE_DATA`, the wheel's, or `data`."""
    ours = INSTALLED if INSTALLED.is_dir() else REPOSITORY / "data"
    folder = pathlib.Path(os.environ.get("TLCOURSE_DATA", ours))
    if not folder.is_dir():
        raise FileNotFoundError(
            f"Expected the course's data folder. Received: {folder}, which does "
            "not exist. Clone the whole repository, or set TLCOURSE_DATA to the "
            "folder `data` of a complete copy."
        )
    return folder


def shipped(name):
    """The path of a shipped file, once its checksum in data/SHA256SUMS agrees."""
    path = data_folder() / name
    if not path.is_file():
        raise FileNotFoundError(
            f"Expected the shipped file `{name}` in {path.parent}. It is not "
            f"there. To bring it back: {remedy(name)}"
        )
    _verify(path, path.stat().st_mtime_ns)
    return path


def remedy(name):
    """How to bring a shipped file back, for the kind of copy that is in use."""
    folder = data_folder()
    if folder == INSTALLED:
        return "python -m pip install --force-reinstall --no-deps WHEEL_OR_ADDRESS"
    if folder == REPOSITORY / "data" and (REPOSITORY / ".git").exists():
        return f"git checkout -- data/{name}"
    return f"download the course again, and copy its data/{name} to {folder}"


@functools.lru_cache
def _verify(path, modified):
    expected = checksums(path.parent).get(path.name)
    found = hashlib.sha256(path.read_bytes()).hexdigest()
    if found != expected:
        raise ValueError(
            f"`{path.name}` is damaged: expected sha256 {expected}. Received: "
            f"{found} ({path.stat().st_size:,} bytes in {path.parent}). To bring it "
            f"back: {remedy(path.name)}"
        )


def checksums(folder):
    """File names to sha256 (64 hexadecimal digits), from the folder's SHA256SUMS."""
    lines = (folder / "SHA256SUMS").read_text().splitlines()
    return {line[66:]: line[:64] for line in lines}


def keras_home():
    """Keras's folder for settings and weights, `$KERAS_HOME`; it need not exist."""
    home = os.environ.get("KERAS_HOME", os.path.join("~", ".keras"))
    return pathlib.Path(home).expanduser()


def keras_weights_folder():
    """Where Keras keeps downloaded weights, `$KERAS_HOME/models`; it need not exist."""
    return keras_home() / "models"


def tfds_folder():
    """Where TFDS keeps prepared datasets, `$TFDS_DATA_DIR`; it need not exist."""
    home = os.environ.get("TFDS_DATA_DIR", os.path.join("~", "tensorflow_datasets"))
    return pathlib.Path(home).expanduser()


def is_weights(path):
    """Whether a file is complete HDF5, as weights are and a log-in page is not."""
    import h5py

    try:
        with h5py.File(path) as file:
            return len(file) > 0
    except OSError:  # not there, half there, or something else
        return False


def prepared_dataset(name, folder=None):
    """The folder of the newest complete version of a TFDS dataset on disk, or None."""
    found = _versions(name, folder or tfds_folder())
    return next(filter(_is_complete, reversed(found)), None)


def damaged_datasets(name, folder):
    """Versions of a TFDS dataset that lack something, which TFDS does not notice."""
    return [path for path in _versions(name, folder) if not _is_complete(path)]


def _versions(name, folder):
    """The folders of a dataset's versions, the oldest first."""
    found = (folder / name).glob("*")
    found = [path for path in found if re.fullmatch(r"\d+\.\d+\.\d+", path.name)]
    return sorted(found, key=lambda path: [int(n) for n in path.name.split(".")])


def _is_complete(folder):
    try:
        info = json.loads((folder / "dataset_info.json").read_text("utf-8"))
        splits = info.get("splits", [])
        if info.get("fileFormat", "tfrecord") != "tfrecord":
            return True  # others compress: their bytes say nothing
        return all(_has_all_files(folder, info["name"], split) for split in splits)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return False  # cut short, or written by something else


def _has_all_files(folder, dataset, split):
    """Whether a split's files are all there, and at least as large as its examples."""
    if split.get("filepathTemplate", USUAL) != USUAL:
        return True  # named in a way that we do not know
    files = list(folder.glob(f"{dataset}-{split['name']}.*"))
    size = sum(path.stat().st_size for path in files)
    wanted = len(split.get("shardLengths", []))
    return len(files) >= wanted and size >= int(split.get("numBytes", 0))
