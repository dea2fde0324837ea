"""Where shipped and cached files are, and what to do when one is not there."""

import functools
import hashlib
import json
import os
import pathlib
import re

FLOWERS_DATASET = "tf_flowers"
USUAL = "{DATASET}-{SPLIT}.{FILEFORMAT}-{SHARD_X_OF_Y}"  # names of TFDS's files
WEIGHTS_ORIGIN = {
    "glyphs": "this course, CC0 1.0; see data/README.md",
    "flowers": "the Keras team, Apache 2.0; trained on ImageNet",
}


PACKAGE = pathlib.Path(__file__).resolve().parent.parent
# A wheel has the shipped files inside the package, see pyproject.toml.
INSTALLED = PACKAGE / "shipped_data"


def data_folder():
    """The folder with the shipped files.

    `$TLCOURSE_DATA`, or the installed package's, or the repository's.

    Returns:
        `pathlib.Path` of an existing folder.

    Raises:
        FileNotFoundError: If there is no such folder.
    """
    ours = INSTALLED if INSTALLED.is_dir() else PACKAGE.parent / "data"
    folder = pathlib.Path(os.environ.get("TLCOURSE_DATA", ours))
    if not folder.is_dir():
        raise FileNotFoundError(
            f"Expected the course's data folder. Received: {folder}, which does "
            "not exist. Clone the whole repository, or set TLCOURSE_DATA to the "
            "folder `data` of a complete copy."
        )
    return folder


def shipped(name):
    """Finds a shipped file and verifies its checksum.

    Args:
        name: String, file name inside `data`, as in data/SHA256SUMS.

    Returns:
        `pathlib.Path`.

    Raises:
        FileNotFoundError: If the file is missing.
        ValueError: If its content is not what was shipped.
    """
    path = data_folder() / name
    if not path.is_file():
        raise FileNotFoundError(
            f"Expected the shipped file `{name}` in {path.parent}. It is not "
            f"there. `{remedy(name)}` brings it back."
        )
    _verify(path, path.stat().st_mtime_ns)
    return path


def remedy(name):
    """The command that brings a shipped file back.

    Args:
        name: String, file name inside `data`.

    Returns:
        String.
    """
    if data_folder() == INSTALLED:
        return "python -m pip install --force-reinstall --no-deps WHEEL_OR_ADDRESS"
    return f"git checkout -- data/{name}"


@functools.lru_cache
def _verify(path, modified):
    expected = checksums(path.parent).get(path.name)
    found = hashlib.sha256(path.read_bytes()).hexdigest()
    if found != expected:
        raise ValueError(
            f"`{path.name}` is damaged: expected sha256 {expected}. Received: "
            f"{found} ({path.stat().st_size:,} bytes in {path.parent}). "
            f"`{remedy(path.name)}` brings the file back."
        )


def checksums(folder):
    """Reads SHA256SUMS.

    Args:
        folder: `pathlib.Path` of the data folder.

    Returns:
        dict, file name to sha256 as 64 hexadecimal digits.
    """
    lines = (folder / "SHA256SUMS").read_text().splitlines()
    return {line[66:]: line[:64] for line in lines}


def keras_weights_folder():
    """Where Keras keeps downloaded weights: `$KERAS_HOME/models`.

    Returns:
        `pathlib.Path`; it need not exist.

    Source: https://keras.io/api/applications/
    """
    home = os.environ.get("KERAS_HOME", os.path.join("~", ".keras"))
    return pathlib.Path(home).expanduser() / "models"


def tfds_folder():
    """Where TensorFlow Datasets keeps prepared datasets: `$TFDS_DATA_DIR`.

    Returns:
        `pathlib.Path`; it need not exist.

    Source: https://www.tensorflow.org/datasets/overview
    """
    home = os.environ.get("TFDS_DATA_DIR", os.path.join("~", "tensorflow_datasets"))
    return pathlib.Path(home).expanduser()


def is_weights(path):
    """Whether a file is HDF5 and whole, as Keras's weights are; a log-in page is not.

    Args:
        path: `pathlib.Path`.

    Returns:
        Boolean.
    """
    import h5py

    try:
        with h5py.File(path) as file:
            return len(file) > 0
    except OSError:  # not there, half there, or something else
        return False


def prepared_dataset(name, folder=None):
    """Finds the newest prepared version of a TFDS dataset on disk.

    Args:
        name: String such as `"tf_flowers"`, or with a configuration,
            `"cats/big"`.
        folder: `pathlib.Path`, or None for `tfds_folder`.

    Returns:
        `pathlib.Path` of the version's folder, or None. A folder that lacks some of
        what it should hold does not count.
    """
    versions = ((folder or tfds_folder()) / name).glob("[0-9]*.[0-9]*.[0-9]*")
    return max(filter(_is_prepared, versions), key=_version, default=None)


def damaged_datasets(name, folder):
    """Versions of a TFDS dataset that lack something; TFDS would take them for whole.

    Args:
        name: String, as for `prepared_dataset`.
        folder: `pathlib.Path`, where TFDS keeps its datasets.

    Returns:
        list of `pathlib.Path`.
    """
    found = (folder / name).glob("*")
    versions = [path for path in found if re.fullmatch(r"\d+\.\d+\.\d+", path.name)]
    return [path for path in versions if not _is_prepared(path)]


def _is_prepared(folder):
    try:
        info = json.loads((folder / "dataset_info.json").read_text("utf-8"))
        splits = info.get("splits", [])
        if info.get("fileFormat", "tfrecord") != "tfrecord":
            return True  # others compress: their bytes say nothing
        return all(_is_complete(folder, info["name"], split) for split in splits)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return False  # cut short, or written by something else


def _is_complete(folder, dataset, split):
    """All parts of a split are there, as large as its examples at least."""
    if split.get("filepathTemplate", USUAL) != USUAL:
        return True  # named in a way that we do not know
    parts = list(folder.glob(f"{dataset}-{split['name']}.*"))
    size = sum(part.stat().st_size for part in parts)
    wanted = len(split.get("shardLengths", []))
    return len(parts) >= wanted and size >= int(split.get("numBytes", 0))


def _version(path):
    return [int(part) for part in path.name.split(".") if part.isdigit()]
