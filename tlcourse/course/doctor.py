"""Whether this machine is ready for the course, and what to do where it is not."""

import dataclasses
import importlib.metadata
import os
import platform
import shutil
import sys

from tlcourse._util import assets, keras_settings, quiet
from tlcourse.course import progress

PYTHONS = (3, 10), (3, 13)
NEEDED = (
    "keras numpy ipywidgets matplotlib pillow scikit-learn scipy psutil filelock tqdm"
).split()
# What is missed without it.
USEFUL = {
    "tensorflow-datasets": "the flowers track and `load_tfds`",
    "jupyterlab": "`make lab`",
}
INSTALL = "python -m pip install -r requirements.txt"
CLONE = "clone the whole repository, or set TLCOURSE_DATA to its folder `data`"
OK, NOTE, PROBLEM = "ok", "note", "problem"
FREE_DISK = 1e9  # bytes; weights and photographs are a quarter of it
FREE_MEMORY = 1.5e9  # bytes, the most that a lesson takes


@dataclasses.dataclass(frozen=True)
class Finding:
    """One thing that was looked at: ok, a note (lessons run) or a problem."""

    name: str
    text: str
    state: str = OK
    advice: str = ""

    def __str__(self):
        line = f"{self.state:8} {self.name:20} {self.text}"
        return line + (f"\n{'':29} -> {self.advice}" if self.advice else "")


def examine():
    """Looks at versions, settings, device, files, disk, memory: list of `Finding`.

    Nothing is downloaded, and nothing written.
    """
    findings = [_python(), *_packages(), *_machine(), *_shipped(), *_track()]
    if is_ready(findings):
        glyphs = Finding("track glyphs", "ready")
    else:
        advice = "mend the problems above"
        glyphs = Finding("track glyphs", "not ready", PROBLEM, advice)
    return [*findings, glyphs, _flowers(), *_disks()]


def is_ready(findings):
    """Whether every lesson can run on the glyphs track."""
    return all(each.state != PROBLEM for each in findings)


def _python():
    version = platform.python_version()
    if PYTHONS[0] <= sys.version_info[:2] <= PYTHONS[1]:
        return Finding("Python", version)
    advice = "the course is tested with 3.10 to 3.13; make an environment with one"
    return Finding("Python", version, NOTE, advice)


def _packages():
    ranges = _tested_versions()
    for name in (*NEEDED, *USEFUL):
        try:
            version = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            text = f"missing; {USEFUL[name]} cannot be used" if name in USEFUL else ""
            state = NOTE if text else PROBLEM
            yield Finding(name, text or "missing", state, INSTALL)
            continue
        wanted = ranges.get(name)
        if wanted is None or wanted.contains(version, prereleases=True):
            yield Finding(name, version)
        else:
            yield Finding(name, f"{version}; tested with {wanted}", NOTE, INSTALL)


def _tested_versions():
    """Packages to the versions that requirements.txt asks for; empty if not known."""
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
        problem = keras_settings.find_problem()
        if problem:
            return [Finding("Keras's settings", problem[0], PROBLEM, problem[1])]
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
        return [Finding("shipped files", str(error), PROBLEM, CLONE)]
    damaged = []
    for name in names:
        try:
            assets.shipped(name)
        except (OSError, ValueError) as error:
            text = str(error).split(" To bring it back:")[0]
            damaged.append(Finding(name, text, PROBLEM, assets.remedy(name)))
    return damaged or [Finding("shipped files", f"{len(names)}, checksums agree")]


def _track():
    chosen = os.environ.get("TLCOURSE_TRACK")
    if chosen in (None, "", "glyphs", "flowers"):
        return [Finding("TLCOURSE_TRACK", chosen)] if chosen else []
    text = f"{chosen!r} is no track"
    return [Finding("TLCOURSE_TRACK", text, PROBLEM, "unset it, or set it to glyphs")]


def _flowers():
    """What the flowers track lacks; that is no problem."""
    try:
        from tlcourse.course import tracks

        missing = tracks.missing_for_flowers()
    except Exception as error:  # without Keras there is no track
        text = f"not ready: {type(error).__name__}"
        return Finding("track flowers", text, NOTE, "mend the problems above")
    if not missing:
        return Finding("track flowers", "ready")
    advice = "where there is a network: python -m tlcourse fetch flowers"
    text = f"not ready: missing {' and '.join(missing)}"
    return Finding("track flowers", text, NOTE, advice)


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
        if not os.access(there, os.W_OK):
            yield Finding(name, f"{text}, read only")
        elif free >= FREE_DISK:
            yield Finding(name, text)
        else:
            advice = "make room, or set KERAS_HOME, TFDS_DATA_DIR, TLCOURSE_HOME"
            yield Finding(name, text, NOTE, f"{advice} elsewhere")
