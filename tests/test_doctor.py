"""`python -m tlcourse doctor`: what it finds, and what it advises."""

import collections
import importlib.metadata
import shutil
import subprocess
import sys

import psutil
import pytest

from tlcourse import __main__ as command
from tlcourse._util import assets, quiet
from tlcourse.course import doctor, machine


@pytest.fixture(autouse=True)
def caches(tmp_path, monkeypatch):
    """Empty caches, and no track chosen."""
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    monkeypatch.setenv("TFDS_DATA_DIR", str(tmp_path / "tfds"))
    monkeypatch.setenv("TLCOURSE_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("TLCOURSE_TRACK", raising=False)
    monkeypatch.delenv("KERAS_BACKEND", raising=False)
    return tmp_path


def found(name):
    return next(each for each in doctor.examine() if each.name == name)


def test_a_ready_machine_ends_with_0_and_names_what_matters(capsys):
    assert command.main(["doctor"]) == 0
    said = capsys.readouterr().out
    names = "Python keras numpy ipywidgets backend device memory datasets".split()
    for name in [*names, "CPU cores", "shipped files", "track glyphs", "Keras's cache"]:
        assert f"ok       {name}" in said
    assert "Ready for every lesson." in said


def test_the_real_command_writes_nothing_but_its_answer():
    ended = subprocess.run(
        [sys.executable, "-m", "tlcourse", "doctor"], capture_output=True, text=True
    )
    assert ended.returncode == 0
    assert ended.stderr == ""
    assert all(line.isprintable() for line in ended.stdout.splitlines())


def test_what_flowers_lack_is_a_note_with_the_command():
    flowers = found("track flowers")
    assert flowers.state == "note"
    assert "tf_flowers" in flowers.text
    assert "python -m tlcourse fetch flowers" in flowers.advice


def test_flowers_are_ready_where_all_is_on_disk(monkeypatch):
    from tlcourse.course import tracks

    monkeypatch.setattr(tracks, "missing_for_flowers", list)
    assert (found("track flowers").state, found("track flowers").text) == (
        "ok",
        "ready",
    )


def test_a_damaged_file_is_named_and_ends_with_1(caches, monkeypatch, capsys):
    copy = caches / "data"
    shutil.copytree(assets.data_folder(), copy)
    (copy / "glyphs.npz").write_bytes(b"half a file")
    (copy / "grid.csv").unlink()
    monkeypatch.setenv("TLCOURSE_DATA", str(copy))
    assert command.main(["doctor"]) == 1
    said = capsys.readouterr().out
    assert "problem  glyphs.npz           `glyphs.npz` is damaged" in said
    assert "-> git checkout -- data/glyphs.npz" in said
    assert "-> git checkout -- data/grid.csv" in said
    assert "problem  track glyphs         not ready" in said


def test_a_missing_data_folder_is_a_problem(caches, monkeypatch):
    monkeypatch.setenv("TLCOURSE_DATA", str(caches / "nowhere"))
    files = found("shipped files")
    assert files.state == "problem"
    assert "clone the whole repository" in files.advice


def versions(monkeypatch, **pretended):
    """Pretends versions; None is not installed."""
    real = importlib.metadata.version

    def version(name):
        if name not in pretended:
            return real(name)
        if pretended[name] is None:
            raise importlib.metadata.PackageNotFoundError(name)
        return pretended[name]

    monkeypatch.setattr(doctor.importlib.metadata, "version", version)


def test_a_missing_package_is_a_problem_with_the_command(monkeypatch):
    versions(monkeypatch, scipy=None)
    scipy = found("scipy")
    assert (scipy.state, scipy.text) == ("problem", "missing")
    assert "pip install -r requirements.txt" in scipy.advice
    assert not doctor.is_ready(doctor.examine())


def test_a_package_that_lessons_can_do_without_is_a_note(monkeypatch):
    versions(monkeypatch, jupyterlab=None)
    assert found("jupyterlab").state == "note"
    assert doctor.is_ready(doctor.examine())


def test_a_version_that_was_not_tested_is_a_note(monkeypatch):
    versions(monkeypatch, numpy="3.7.0")
    assert found("numpy").state == "note"
    assert "tested with" in found("numpy").text


def test_an_old_python_is_noted(monkeypatch):
    monkeypatch.setattr(doctor.sys, "version_info", (3, 9, 1))
    assert found("Python").state == "note"


def test_a_backend_that_cannot_be_imported_is_a_problem(monkeypatch):
    def broken():
        raise ImportError("libcuda.so\nis not here")

    monkeypatch.setattr(quiet, "import_keras", broken)
    monkeypatch.setenv("KERAS_BACKEND", "jax")
    backend = found("backend")
    assert backend.state == "problem"
    assert "libcuda.so is not here" in backend.text
    assert "unset KERAS_BACKEND" in backend.advice


def test_a_track_that_is_none_is_a_problem(monkeypatch):
    monkeypatch.setenv("TLCOURSE_TRACK", "flower")
    assert found("TLCOURSE_TRACK").state == "problem"
    assert not doctor.is_ready(doctor.examine())


def test_a_gpu_that_is_not_used_is_noted(monkeypatch):
    monkeypatch.setattr(machine, "device", lambda: "CPU")
    monkeypatch.setattr(doctor.shutil, "which", lambda name: "/usr/bin/" + name)
    assert "tensorflow[and-cuda]" in found("device").advice
    monkeypatch.setattr(machine, "device", lambda: "GPU (1)")
    assert found("device").state == "ok"


def test_little_room_on_the_disk_is_noted_but_not_where_none_is_wanted(monkeypatch):
    usage = collections.namedtuple("usage", "total used free")
    monkeypatch.setattr(doctor.shutil, "disk_usage", lambda path: usage(9, 9, 10**8))
    assert found("datasets").state == "note"
    monkeypatch.setattr(doctor.os, "access", lambda path, mode: False)
    assert found("datasets").state == "ok"
    assert "read only" in found("datasets").text


def test_little_memory_is_noted(monkeypatch):
    memory = collections.namedtuple("memory", "total available")
    monkeypatch.setattr(psutil, "virtual_memory", lambda: memory(4 * 10**9, 10**9))
    assert found("memory").state == "note"
    assert found("memory").text == "4.0 GB, 1.0 GB free"


def test_looking_writes_nothing(caches):
    doctor.examine()
    assert list(caches.iterdir()) == []
