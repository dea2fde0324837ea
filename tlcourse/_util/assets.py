"""Where shipped and cached files are, and what to do when one is not there."""

import hashlib
import json
import os
import pathlib
import re
import shutil

FLOWERS_DATASET = "tf_flowers"
WEIGHTS_ORIGIN = {
    "glyphs": "this course, CC0 1.0; see data/README.md",
    "flowers": "the Keras team, Apache 2.0; trained on ImageNet",
}
PACKAGE = pathlib.Path(__file__).resolve().parent.parent
# A wheel has the shipped files inside the package, see pyproject.toml.
INSTALLED = PACKAGE / "shipped_data"
REPOSITORY = PACKAGE.parent
SUMS = "SHA256SUMS"


def data_folder():
    """The folder of shipped files: `$TLCOURSE_DATA`, the wheel's, or `data`."""
    ours = INSTALLED if INSTALLED.is_dir() else REPOSITORY / "data"
    folder = pathlib.Path(os.environ.get("TLCOURSE_DATA") or ours)
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
    expected, content = checksums(path.parent).get(name), path.read_bytes()
    found = hashlib.sha256(content).hexdigest()
    if expected is None:
        print(f"(Not checked, as SHA256SUMS is damaged: {path}. {remedy(SUMS)})")
    elif found != expected:
        raise ValueError(
            f"`{name}` is damaged: expected sha256 {expected}. Received: {found} "
            f"({len(content):,} bytes in {path.parent}). To bring it back: "
            f"{remedy(name)}; if it stays, the same with {SUMS}"
        )
    return path


def remedy(name, inside="data"):
    """How to bring a file of the course back, for the kind of copy that is in use."""
    folder = data_folder() if inside == "data" else PACKAGE.parent / inside
    if folder == INSTALLED or inside != "data" and INSTALLED.is_dir():
        return "python -m pip install --force-reinstall --no-deps WHEEL_OR_ADDRESS"
    is_clone = folder == REPOSITORY / inside and (REPOSITORY / ".git").exists()
    if is_clone and shutil.which("git"):  # from whatever folder
        return f'git -C "{REPOSITORY}" checkout -- {inside}/{name}'
    return f"download the course again, and copy its {inside}/{name} to {folder}"


def checksums(folder):
    """File names to sha256 (64 hexadecimal digits), as far as SHA256SUMS is sound."""
    try:
        text = (folder / SUMS).read_text("utf-8", errors="replace")
    except OSError:
        return {}
    return {name: sha for sha, name in re.findall("^([0-9a-f]{64})  (.+)$", text, re.M)}


def keras_home(environ=os.environ):
    """Keras's folder for settings and weights, `$KERAS_HOME`; it need not exist."""
    return pathlib.Path(os.path.expanduser(environ.get("KERAS_HOME", "~/.keras")))


def keras_weights_folder():
    """Where Keras keeps downloaded weights, `$KERAS_HOME/models`; it need not exist."""
    return keras_home() / "models"


def tfds_folder():
    """Where TFDS keeps prepared datasets, `$TFDS_DATA_DIR`; it need not exist."""
    home = os.environ.get("TFDS_DATA_DIR", "~/tensorflow_datasets")
    return pathlib.Path(os.path.expanduser(home))


def is_weights(path):
    """Whether a file is complete HDF5, as weights are and a log-in page is not."""
    try:
        import h5py

        with h5py.File(path) as file:
            return len(file) > 0
    except (OSError, ImportError):  # not there, half there, or no Keras to read it
        return False


def prepared_dataset(name, folder=None):
    """The folder of the newest complete version of a TFDS dataset on disk, or None."""
    found = dataset_versions(name, folder or tfds_folder())
    return next(filter(is_complete, reversed(found)), None)


def dataset_versions(name, folder):
    """The folders of a dataset's versions, the oldest first."""
    found = (folder / name).glob("*")
    found = [path for path in found if re.fullmatch(r"\d+\.\d+\.\d+", path.name)]
    return sorted(found, key=lambda path: [int(n) for n in path.name.split(".")])


def is_complete(folder):
    """Whether a version has all its files, as large as the examples in them."""
    try:
        info = json.loads((folder / "dataset_info.json").read_text("utf-8"))
        splits = info.get("splits", [])
        n_files = sum(len(split.get("shardLengths", [])) for split in splits)
        n_bytes = sum(int(split.get("numBytes", 0)) for split in splits)
    except (OSError, ValueError, TypeError, AttributeError):
        return False  # cut short, or written by something else
    if info.get("fileFormat", "tfrecord") != "tfrecord":
        return True  # others compress: their bytes say nothing
    parts = [path for path in folder.iterdir() if path.suffix not in (".json", ".txt")]
    return len(parts) >= n_files and sum(x.stat().st_size for x in parts) >= n_bytes
