"""Whether this machine is ready for the course, and what to do where it is not."""

import importlib.metadata
import os
import platform
import re
import shutil
import sys
import warnings
from typing import NamedTuple

from tlcourse._util import assets, quiet
from tlcourse.course import fetch, progress

NEEDED = "keras numpy ipywidgets matplotlib pillow scikit-learn scipy psutil".split()
NEEDED += ["filelock", "tqdm"]
# What is missed without it.
USEFUL = {
    "tensorflow-datasets": "the flowers track and `load_tfds`",
    "jupyterlab": "`make lab`",
}
INSTALL = "python -m pip install -r requirements.txt"
GPU_WHEELS = {"tensorflow": "'tensorflow[and-cuda]'", "jax": "'jax[cuda12]'"}
OK, NOTE, PROBLEM = "ok", "note", "problem"
FREE_DISK = 1e9  # bytes; weights and photographs are a quarter of it
FREE_MEMORY = 1.5e9  # bytes, the most that a lesson takes


class Finding(NamedTuple):
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
    findings = [_python(), *_packages(), *_machine(), *_kernels()]
    findings += [*_shipped(), *_track()]
    glyphs = ("not ready", PROBLEM, "mend the problems above")
    glyphs = ("ready",) if is_ready(findings) else glyphs
    return [*findings, Finding("track glyphs", *glyphs), _flowers(), *_disks()]


def is_ready(findings):
    """Whether every lesson can run on the glyphs track."""
    return all(each.state != PROBLEM for each in findings)


def _note_unless(is_fine, name, text, advice):
    """A `Finding` that is ok or else, with advice, a note."""
    return Finding(name, text) if is_fine else Finding(name, text, NOTE, advice)


def _python():
    is_tested = (3, 10) <= sys.version_info[:2] <= (3, 13)
    advice = "the course is tested with 3.10 to 3.13; make an environment with one"
    return _note_unless(is_tested, "Python", platform.python_version(), advice)


def _packages():
    ranges = _tested_versions()
    for name in (*NEEDED, *USEFUL):
        try:
            version = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            lost = f"; {USEFUL[name]} cannot be used" if name in USEFUL else ""
            yield Finding(name, f"missing{lost}", NOTE if lost else PROBLEM, INSTALL)
            continue
        wanted = ranges.get(name)
        is_tested = wanted is None or wanted.contains(version, prereleases=True)
        text = version if is_tested else f"{version}; tested with {wanted}"
        yield _note_unless(is_tested, name, text, INSTALL)


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
        problem = quiet.find_problem()
        if problem:
            return [Finding("Keras's settings", problem[0], PROBLEM, problem[1])]
        quiet.import_keras()
        from tlcourse.course import machine

        found = machine.report()
    except Exception as error:  # whatever a broken installation raises
        text = f"cannot be imported: {type(error).__name__}: {error}"
        chosen = os.environ.get("KERAS_BACKEND")
        advice = f"{INSTALL}, or remove {assets.keras_home() / 'keras.json'}"
        advice = f"install {chosen}, or unset KERAS_BACKEND" if chosen else advice
        return [Finding("backend", " ".join(text.split()), PROBLEM, advice)]
    rest = [Finding(name, found[name]) for name in ("backend", "CPU cores")]
    return [*rest, *_devices(machine, found), _memory(found["memory"])]


def _devices(machine, found):
    """What each backend computes on, and what is free of the GPUs' memory."""
    gpus, backend = machine.gpus(), found["backend"].split()[0]
    is_used = found["device"] != "CPU" or not gpus
    text = found["device"] if is_used else "CPU; there is a GPU, not used"
    advice = f"python -m pip install {GPU_WHEELS.get(backend, backend)}"
    if os.environ.get("CUDA_VISIBLE_DEVICES") in ("", "-1"):
        advice = "unset CUDA_VISIBLE_DEVICES, which hides it"
    yield _note_unless(is_used, "device", text, advice)
    for other, seen in machine.other_devices().items():
        advice = f"only if you want it: python -m pip install --upgrade {other}"
        yield _note_unless(seen, f"device of {other}", seen or "broken", advice)
    advice = "shut other kernels down; in each, begin with `tlcourse.start()`"
    for name, free, total in gpus:
        has_room = not re.match(r"1?\d?\d?\d\b", free)  # below 2,000 MiB
        text = f"{name}: {free} of {total} free"
        yield _note_unless(has_room, "GPU memory", text, advice)


def _memory(memory):
    import psutil

    is_enough = psutil.virtual_memory().available >= FREE_MEMORY
    advice = "a lesson takes up to 1.5 GB: shut other kernels down"
    return _note_unless(is_enough, "memory", memory, advice)


def _kernels():
    """Settings that a kernel of Jupyter brings along, and a terminal does not show."""
    try:
        from jupyter_client.kernelspec import KernelSpecManager
    except ImportError:
        return
    with warnings.catch_warnings():  # of a home that is read only
        warnings.simplefilter("ignore")
        kernels = KernelSpecManager().get_all_specs()
    for name, kernel in kernels.items():
        problem = quiet.find_problem(os.environ | kernel["spec"].get("env", {}))
        if problem and problem != quiet.find_problem():
            advice = f"in `env` of {kernel['resource_dir']}/kernel.json: {problem[1]}"
            state = PROBLEM if name == "python3" else NOTE  # lessons run on python3
            yield Finding(f"kernel {name}", problem[0], state, advice)


def _shipped():
    """Compares the shipped files with their checksums."""
    try:
        folder = assets.data_folder()
    except OSError as error:
        advice = "clone the whole repository, or set TLCOURSE_DATA to its folder `data`"
        return [Finding("shipped files", str(error), PROBLEM, advice)]
    names, damaged = assets.checksums(folder), []
    for name in names:
        try:
            assets.shipped(name)
        except (OSError, ValueError) as error:
            text, _, advice = str(error).partition(" To bring it back: ")
            damaged.append(Finding(name, text, PROBLEM, advice))
    there = {path.name for path in folder.glob("[!.]*.*") if path.suffix != ".md"}
    if lost := ", ".join(sorted(there - names.keys())):
        advice = assets.remedy(assets.SUMS)
        damaged.append(Finding(assets.SUMS, f"lacks {lost}", NOTE, advice))
    return damaged or [Finding("shipped files", f"{len(names)}, checksums agree")]


def _track():
    chosen = os.environ.get("TLCOURSE_TRACK", "")
    if chosen in ("", "glyphs", "flowers"):
        return [Finding("TLCOURSE_TRACK", chosen)] * bool(chosen)
    text, advice = f"{chosen!r} is no track", "unset it, or set it to glyphs"
    return [Finding("TLCOURSE_TRACK", text, PROBLEM, advice)]


def _flowers():
    missing = fetch.missing().values()
    text = f"not ready: missing {' and '.join(missing)}" if missing else "ready"
    advice = "if you are online: python -m tlcourse fetch flowers"
    return _note_unless(not missing, "track flowers", text, advice)


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
        is_writable = os.access(there, os.W_OK)
        free, is_folder = shutil.disk_usage(there).free, there.is_dir()
        text = f"{folder}: {free / 1e9:.0f} GB free"
        text += "" if is_writable else ", read only"
        text += "" if is_folder else f", but {there} is a file"
        advice = "make room, or set KERAS_HOME, TFDS_DATA_DIR, TLCOURSE_HOME elsewhere"
        is_fine = is_folder and (free >= FREE_DISK or not is_writable)
        yield _note_unless(is_fine, name, text, advice)
