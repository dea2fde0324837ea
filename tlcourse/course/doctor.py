"""Whether this machine is ready for the course, and what to do where it is not."""

import dataclasses
import importlib.metadata
import os
import platform
import shutil
import sys

from tlcourse._util import assets, quiet
from tlcourse.course import progress

PYTHONS = (3, 10), (3, 13)
NEEDED = (
    "keras numpy ipywidgets matplotlib pillow scikit-learn scipy psutil filelock"
).split()
# What is missed without it.
USEFUL = {
    "tensorflow-datasets": "the flowers track and `load_tfds`",
    "jupyterlab": "`make lab`",
}
INSTALL = "python -m pip install -r requirements.txt"
OK, NOTE, PROBLEM = "ok", "note", "problem"
FREE_DISK = 1e9  # bytes; weights and photographs are a quarter of it
FREE_MEMORY = 1.5e9  # bytes, the most that a lesson takes


@dataclasses.dataclass(frozen=True)
class Finding:
    """One thing that was looked at.

    Args:
        name: String.
        text: String, what was found.
        state: `"ok"`, `"note"` (the lessons run), or `"problem"` (they do not).
        advice: String, what to do, if anything.
    """

    name: str
    text: str
    state: str = OK
    advice: str = ""

    def __str__(self):
        line = f"{self.state:8} {self.name:20} {self.text}"
        return line + (f"\n{'':29} -> {self.advice}" if self.advice else "")


def examine():
    """Looks at versions, device, shipped files, tracks, disk and memory.

    Returns:
        list of `Finding`. Nothing is downloaded, and nothing written.
    """
    findings = [_python(), *_packages(), *_machine(), *_shipped(), *_choice()]
    broken = any(each.state == PROBLEM for each in findings)
    advice = "mend the problems above" if broken else ""
    glyphs = Finding(
        "track glyphs",
        "not ready" if broken else "ready",
        PROBLEM if broken else OK,
        advice,
    )
    return [*findings, glyphs, *_flowers(), *_disks()]


def is_ready(findings):
    """Whether every lesson can run on the glyphs track.

    Args:
        findings: list of `Finding`.

    Returns:
        Boolean.
    """
    return all(each.state != PROBLEM for each in findings)


def _python():
    version = platform.python_version()
    if PYTHONS[0] <= sys.version_info[:2] <= PYTHONS[1]:
        return Finding("Python", version)
    advice = "the course is tested with 3.10 to 3.13; make an environment with one"
    return Finding("Python", version, NOTE, advice)


def _packages():
    ranges = _ranges()
    for name in (*NEEDED, *USEFUL):
        try:
            version = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            missed = USEFUL.get(name)
            text = "missing" + (f"; {missed} cannot be used" if missed else "")
            yield Finding(name, text, NOTE if missed else PROBLEM, INSTALL)
            continue
        wanted = ranges.get(name)
        if wanted is None or wanted.contains(version, prereleases=True):
            yield Finding(name, version)
        else:
            text = f"{version}; tested with {wanted}"
            yield Finding(name, text, NOTE, INSTALL)


def _ranges():
    """dict, package to the versions that requirements.txt asks for, if known."""
    try:
        from packaging.requirements import Requirement

        lines = importlib.metadata.requires("tlcourse") or []
    except ImportError:  # as when tlcourse itself is not installed
        return {}
    wanted = [Requirement(line) for line in lines if "extra ==" not in line]
    return {each.name: each.specifier for each in wanted}


def _machine():
    """Imports the backend, the real test of an installation."""
    try:
        quiet.import_keras()
        from tlcourse.course import machine

        found = machine.report()
    except Exception as error:  # whatever a broken installation raises
        text = f"cannot be imported: {type(error).__name__}: {error}"
        chosen = os.environ.get("KERAS_BACKEND")
        advice = f"install {chosen}, or unset KERAS_BACKEND" if chosen else INSTALL
        return [Finding("backend", " ".join(text.split()), PROBLEM, advice)]
    return [
        Finding("backend", found["backend"]),
        _device(found["device"]),
        Finding("CPU cores", found["CPU cores"]),
        _memory(found["memory"]),
    ]


def _device(device):
    if device == "CPU" and shutil.which("nvidia-smi"):
        advice = "a backend for GPUs: python -m pip install 'tensorflow[and-cuda]'"
        return Finding("device", "CPU; there is a GPU, not used", NOTE, advice)
    return Finding("device", device)


def _memory(text):
    import psutil

    if psutil.virtual_memory().available >= FREE_MEMORY:
        return Finding("memory", text)
    advice = "a lesson takes up to 1.5 GB: shut other kernels down"
    return Finding("memory", text, NOTE, advice)


def _shipped():
    """Compares the shipped files with their checksums."""
    try:
        names = assets.checksums(assets.data_folder())
    except OSError as error:
        return [Finding("shipped files", str(error), PROBLEM, _CLONE)]
    damaged = []
    for name in names:
        try:
            assets.shipped(name)
        except (OSError, ValueError) as error:
            advice = assets.remedy(name)
            damaged.append(
                Finding(name, str(error).split(f". `{advice}`")[0], PROBLEM, advice)
            )
    return damaged or [Finding("shipped files", f"{len(names)}, checksums agree")]


_CLONE = "clone the whole repository, or set TLCOURSE_DATA to its folder `data`"


def _flowers():
    """What the flowers track lacks; that is no problem."""
    try:
        from tlcourse.course import tracks

        missing = tracks.missing_for_flowers()
    except Exception as error:  # without Keras there is no track
        text = f"not ready: {type(error).__name__}"
        return [Finding("track flowers", text, NOTE, "mend the problems above")]
    if not missing:
        return [Finding("track flowers", "ready")]
    advice = "where there is a network: python -m tlcourse fetch flowers"
    text = f"not ready: missing {' and '.join(missing)}"
    return [Finding("track flowers", text, NOTE, advice)]


def _choice():
    chosen = os.environ.get("TLCOURSE_TRACK")
    if chosen in (None, "", "glyphs", "flowers"):
        return [Finding("TLCOURSE_TRACK", chosen)] if chosen else []
    text = f"{chosen!r} is no track"
    return [Finding("TLCOURSE_TRACK", text, PROBLEM, "unset it, or set it to glyphs")]


def _disks():
    """Free disk where caches live, or would be made."""
    folders = {
        "Keras's cache": assets.keras_weights_folder(),
        "datasets": assets.tfds_folder(),
        "progress, features": progress.progress_file().parent,
    }
    for name, folder in folders.items():
        above = (folder, *folder.absolute().parents)
        there = next(path for path in above if path.exists())
        free = shutil.disk_usage(there).free
        text = f"{folder}: {free / 1e9:.0f} GB free"
        writable = os.access(there, os.W_OK)
        text += "" if writable else ", read only"
        low = writable and free < FREE_DISK
        advice = "make room, or set KERAS_HOME, TFDS_DATA_DIR, TLCOURSE_HOME elsewhere"
        yield Finding(name, text, NOTE if low else OK, advice if low else "")
