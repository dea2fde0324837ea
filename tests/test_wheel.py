"""The package away from its repository: built, installed, and run offline."""

import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import zipfile

import pytest

import tlcourse.__main__
from tlcourse._util import assets

ROOT = pathlib.Path(__file__).resolve().parent.parent
NEEDED = ("pyproject.toml", "requirements.txt", "README.md", "LICENSE", "LICENSE-TEXT")
WHEEL = "pip wheel --no-deps --no-build-isolation --no-index --wheel-dir".split()
INSTALL = "pip install --no-deps --no-index --target".split()
SDIST = "from setuptools import build_meta; build_meta.build_sdist('..')"
PROGRAM = """
import json
import sys
import tlcourse

early = [m for m in ("tensorflow", "keras", "ipywidgets") if m in sys.modules]
from tlcourse import checks, training
from tlcourse._util import assets
from tlcourse.course import progress
from tlcourse.course import load_track
from tlcourse.widgets.image_inputs import Camera, FilePicker, Sketchpad

tlcourse.start()
track = load_track()
few = track.train.few(5)
probe = training.linear_probe(training.vectors(track, few, "features"), few.labels)
held_out = training.vectors(track, track.validation, "features")
print(json.dumps({
    "early": early,
    "package": tlcourse.__file__,
    "data": str(assets.data_folder()),
    "remedy": assets.remedy("grid.csv"),
    "track": track.name,
    "accuracy": probe.score(held_out, track.validation.labels),
    "lessons": len(progress.lessons()),
    "scripts": [len(str(w._esm)) for w in (Camera, FilePicker, Sketchpad)],
    "styles": len(str(Camera._css)),
}))
"""


def python(*arguments, folder, **changes):
    """Runs Python in another folder, and expects it to end well."""
    ended = subprocess.run(
        [sys.executable, *map(str, arguments)],
        cwd=folder,
        env={**os.environ, **changes},
        capture_output=True,
        text=True,
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout


def build_wheel(project, folder):
    python("-m", *WHEEL, folder, project, folder=project)
    return next(folder.glob("*.whl"))


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """A copy to build in, without what earlier builds left."""
    copy = tmp_path_factory.mktemp("build") / "project"
    for name in ("tlcourse", "data", "notebooks"):
        leave = shutil.ignore_patterns("__pycache__", ".ipynb_checkpoints")
        shutil.copytree(ROOT / name, copy / name, ignore=leave)
    for name in NEEDED:
        shutil.copy(ROOT / name, copy)
    return copy


@pytest.fixture(scope="module")
def wheel(project, tmp_path_factory):
    return build_wheel(project, tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="module")
def said(wheel, tmp_path_factory):
    """What the installed package says, far from the repository and offline."""
    folder = tmp_path_factory.mktemp("elsewhere")
    site = folder / "site"
    python("-m", *INSTALL, site, wheel, folder=folder)
    (folder / "program.py").write_text(PROGRAM)
    paths = f"{site}{os.pathsep}{ROOT / 'tests' / 'offline'}"
    names = ("HOME", "KERAS_HOME", "TFDS_DATA_DIR", "TLCOURSE_HOME")
    variables = dict.fromkeys(names, str(folder / "home"))
    variables |= {"TLCOURSE_TRACK": "glyphs", "PYTHONPATH": paths}
    shown = python("program.py", folder=folder, **variables)
    return {"site": site, **json.loads(shown.splitlines()[-1])}


def test_the_wheel_has_the_package_and_the_data_and_needs_not_what_made_them(wheel):
    files = [path for path in (ROOT / "data").iterdir() if path.is_file()]
    shipped = {f"tlcourse/shipped_data/{path.name}" for path in files}
    lessons = (ROOT / "notebooks").rglob("[0-9]*.ipynb")
    lessons = [p.relative_to(ROOT / "notebooks") for p in lessons]
    lessons = [p for p in lessons if ".ipynb_checkpoints" not in p.parts]
    lessons = {f"tlcourse/shipped_lessons/{p.as_posix()}" for p in lessons}
    files = [path for path in (ROOT / "tlcourse").rglob("*.*") if path.is_file()]
    modules = {p.relative_to(ROOT).as_posix() for p in files if p.suffix != ".pyc"}
    names = set(zipfile.ZipFile(wheel).namelist())
    assert {
        name for name in names if ".dist-info" not in name
    } == shipped | lessons | modules
    assert wheel.stat().st_size < 25e6
    making = re.compile(r"^\s*(from|import) data\b", re.M)
    texts = [p.read_text("utf-8") for p in (ROOT / "tlcourse").rglob("*.py")]
    assert not any(map(making.search, texts))


COMMAND = re.compile(r"`python -m (data\.making\.\w+) --out data`")
MAKING = sorted(set(COMMAND.findall((ROOT / "data" / "README.md").read_text("utf-8"))))
# Five seconds each, for TensorFlow.
SLOW = [pytest.param(name, marks=pytest.mark.slow) for name in MAKING[:-1]]


@pytest.mark.parametrize("name", [*SLOW, MAKING[-1]])
def test_the_commands_that_made_the_data_run(name):
    assert "--out OUT" in python("-m", name, "--help", folder=ROOT)
    assert len(MAKING) == 15


@pytest.mark.slow  # builds two wheels more
def test_the_sdist_gives_the_same_wheel(project, wheel, tmp_path):
    python("-c", SDIST, folder=project)
    (archive,) = project.parent.glob("*.tar.gz")
    shutil.unpack_archive(archive, tmp_path, filter="data")
    (unpacked,) = tmp_path.iterdir()
    again = build_wheel(unpacked, tmp_path)
    one, other = (zipfile.ZipFile(path).infolist() for path in (wheel, again))
    assert {e.filename: e.CRC for e in one} == {e.filename: e.CRC for e in other}


def test_what_is_installed_reads_its_own_data_runs_a_track_and_transfers(said):
    assert said["early"] == []
    assert said["package"] == str(said["site"] / "tlcourse" / "__init__.py")
    assert said["data"] == str(said["site"] / "tlcourse" / "shipped_data")
    assert "pip install" in said["remedy"]
    assert said["track"] == "glyphs"
    assert said["accuracy"] > 0.7
    assert said["lessons"] >= 14
    assert min(said["styles"], *said["scripts"]) > 100
    assert assets.data_folder() == ROOT / "data"
    assert assets.remedy("grid.csv").endswith(" checkout -- data/grid.csv")


@pytest.fixture(scope="module")
def copied(said, tmp_path_factory):
    """A learner's folder, filled by the installed package; and what it said."""
    folder = tmp_path_factory.mktemp("learner") / "my lessons"
    command = ["-m", "tlcourse", "lessons", folder]
    shown = python(*command, folder=folder.parent, PYTHONPATH=str(said["site"]))
    return folder, shown


def test_an_installed_wheel_copies_the_lessons_and_writes_over_none(said, copied):
    folder, shown = copied
    lessons = {path.name for path in folder.glob("*.ipynb")}
    assert lessons == {path.name for path in (ROOT / "notebooks").glob("*.ipynb")}
    assert lessons == {path.name for path in folder.glob("solutions/*.ipynb")}
    assert f"{2 * len(lessons)} notebooks copied" in shown
    assert f'jupyter lab "{folder / "00_start_here.ipynb"}"' in shown
    mine = folder / "05_freeze_the_base.ipynb"
    mine.write_text("mine")
    command = ["-m", "tlcourse", "lessons", folder]
    again = python(*command, folder=folder, PYTHONPATH=str(said["site"]))
    assert "0 notebooks copied" in again and mine.read_text() == "mine"
    assert "Rename one of yours" in again


def test_a_folder_that_cannot_be_made_is_told_in_a_sentence(tmp_path, capsys):
    (tmp_path / "file").write_text("")
    assert tlcourse.__main__.main(["lessons", str(tmp_path / "file" / "x")]) == 1
    assert "could be copied" in capsys.readouterr().err


@pytest.mark.slow  # a whole lesson
def test_a_copied_lesson_runs_from_the_installed_wheel_offline(said, copied):
    folder, _ = copied
    paths = f"{said['site']}{os.pathsep}{ROOT / 'tests' / 'offline'}"
    command = ["-m", "pytest", "-q", "-p", "course_nbval", "--nbval-lax"]
    command += ["--nbval-current-env", "--rootdir=.", "-W", "default"]
    command.append("solutions/07_train_the_wrapper.ipynb")
    shown = python(*command, folder=folder, PYTHONPATH=paths, PYTEST_ADDOPTS="")
    assert re.search(r"\d+ passed", shown) and "failed" not in shown
