"""The start of a lesson, and `python -m tlcourse doctor`: what it finds and advises."""

import collections
import importlib.metadata
import os
import shutil
import subprocess
import sys

import psutil
import pytest

from tlcourse import __main__ as command
from tlcourse._util import assets, quiet
from tlcourse.course import doctor, fetch, machine


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """Empty caches, and nothing chosen."""
    for name in ("KERAS_HOME", "TFDS_DATA_DIR", "TLCOURSE_HOME"):
        monkeypatch.setenv(name, str(tmp_path / name))
    for name in ("TLCOURSE_TRACK", "KERAS_BACKEND"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


def found(name):
    return next(each for each in doctor.examine() if each.name == name)


def run(*arguments):
    command = [sys.executable, *arguments]
    return subprocess.run(command, capture_output=True, text=True)


def test_the_command_on_a_ready_machine_writes_nothing_but_its_answer(folder):
    ended = run("-m", "tlcourse", "doctor")
    assert (ended.returncode, ended.stderr) == (0, "")
    assert all(line.isprintable() for line in ended.stdout.splitlines())
    names = "Python keras numpy ipywidgets backend device memory datasets".split()
    for name in [*names, "CPU cores", "shipped files", "track glyphs", "Keras's cache"]:
        assert f"ok       {name}" in ended.stdout
    assert "Ready for every lesson." in ended.stdout
    doctor.examine()
    assert [path.name for path in folder.iterdir()] == [
        "KERAS_HOME"
    ]  # Keras's own doing


def test_the_first_cell_of_a_lesson_shows_one_line_and_no_log():
    ended = run("-c", "import tlcourse; tlcourse.start()")
    assert (ended.returncode, ended.stderr) == (0, "")
    assert len(ended.stdout.splitlines()) == 1


@pytest.mark.parametrize(
    "line, is_shown",
    [
        ("I0000 oneDNN custom operations are on.", False),
        ("E0000 00:00:1 cuda_platform.cc:52] failed call to cuInit: none", False),
        ("E0000 00:00:1 disk.cc:1] no space left", True),
    ],
)
def test_only_real_errors_are_shown_unless_the_import_fails(capfd, line, is_shown):
    with quiet.held_back_stderr():
        os.write(2, f"{line}\n".encode())
    assert (line in capfd.readouterr().err) == is_shown
    with pytest.raises(ImportError), quiet.held_back_stderr():
        os.write(2, f"{line}\n".encode())
        raise ImportError
    assert line in capfd.readouterr().err


def test_what_flowers_lack_is_a_note_with_the_command(monkeypatch):
    flowers = found("track flowers")
    assert flowers.state == "note"
    assert "tf_flowers" in flowers.text
    assert "python -m tlcourse fetch flowers" in flowers.advice
    monkeypatch.setattr(fetch, "missing", dict)
    assert found("track flowers") == doctor.Finding("track flowers", "ready")


def test_damaged_files_are_named_and_end_with_1(folder, monkeypatch, capsys):
    copy = folder / "data"
    shutil.copytree(assets.data_folder(), copy)
    (copy / "glyphs.npz").write_bytes(b"half a file")
    (copy / "grid.csv").unlink()
    monkeypatch.setenv("TLCOURSE_DATA", str(copy))
    assert command.main(["doctor"]) == 1
    said = capsys.readouterr().out
    assert "problem  glyphs.npz           `glyphs.npz` is damaged" in said
    for name in ("glyphs.npz", "grid.csv"):
        assert f"-> download the course again, and copy its data/{name} to" in said
    assert "problem  track glyphs         not ready" in said
    monkeypatch.setenv("TLCOURSE_DATA", str(folder / "nowhere"))
    assert found("shipped files").state == "problem"
    assert "clone the whole repository" in found("shipped files").advice


@pytest.mark.parametrize(
    "name, version, state, text",
    [
        ("scipy", None, "problem", "missing"),
        ("jupyterlab", None, "note", "missing; `make lab` cannot be used"),
        ("numpy", "3.7.0", "note", "3.7.0; tested with"),
    ],
)
def test_packages_that_are_missing_or_not_tested(
    monkeypatch, name, version, state, text
):
    real = importlib.metadata.version

    def pretend(asked):
        if asked == name and version is None:
            raise importlib.metadata.PackageNotFoundError(name)
        return version if asked == name else real(asked)

    monkeypatch.setattr(doctor.importlib.metadata, "version", pretend)
    findings = doctor.examine()
    package = next(each for each in findings if each.name == name)
    assert package.state == state
    assert package.text.startswith(text)
    assert "pip install -r requirements.txt" in package.advice
    assert doctor.is_ready(findings) == (state == "note")


def test_a_backend_that_cannot_be_imported_is_a_problem(monkeypatch):
    def broken():
        raise ImportError("libcuda.so\nis not here")

    monkeypatch.setattr(quiet, "import_keras", broken)
    monkeypatch.setenv("KERAS_BACKEND", "tensorflow")
    backend = found("backend")
    assert backend.state == "problem"
    assert "libcuda.so is not here" in backend.text
    assert "unset KERAS_BACKEND" in backend.advice


def write_settings(folder, text):
    path = folder / "KERAS_HOME" / "keras.json"
    path.parent.mkdir()
    path.write_text(text)
    return path


def test_the_variable_wins_over_the_file_and_keras_is_not_asked(folder, monkeypatch):
    path = write_settings(folder, '{"backend": "theano"}')
    last = run("-c", "import tlcourse; tlcourse.start()").stderr.splitlines()[-1]
    assert f"`backend` in {path}. Received: 'theano'" in last
    monkeypatch.setenv("KERAS_BACKEND", "tensorflow")
    assert doctor.is_ready(doctor.examine())
    monkeypatch.setenv("KERAS_BACKEND", "cntk")
    finding = found("Keras's settings")
    assert "in the variable KERAS_BACKEND. Received: 'cntk'" in finding.text
    assert finding.advice.startswith("unset KERAS_BACKEND")


def test_what_else_no_lesson_runs_with_is_a_problem(folder, monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    path = write_settings(folder, '{"backend": "jax"}')
    finding = found("Keras's settings")
    assert "'jax', which is not installed" in finding.text
    write = f'write "backend": "tensorflow" in {path}'
    assert finding.advice == f"python -m pip install jax, or {write}"
    path.write_text("[1]")
    assert found("Keras's settings").advice.startswith(f"remove {path}")
    path.write_text("{")  # Keras ignores it
    assert doctor.is_ready(doctor.examine())
    monkeypatch.setenv("TLCOURSE_TRACK", "flower")
    assert found("TLCOURSE_TRACK").state == "problem"
    assert not doctor.is_ready(doctor.examine())


def test_an_old_python_is_noted_and_a_gpu_that_is_used_is_not(monkeypatch):
    monkeypatch.setattr(doctor.sys, "version_info", (3, 9, 1))
    monkeypatch.setattr(machine, "gpus", lambda: [("NVIDIA H100", "9 MiB", "9 MiB")])
    monkeypatch.setattr(machine, "device", lambda: "GPU (1)")
    assert found("Python").state == "note"
    assert (found("device").state, found("GPU memory").state) == ("ok", "note")


def test_little_room_is_noted_but_not_where_none_is_wanted(monkeypatch):
    usage = collections.namedtuple("usage", "total used free")
    memory = collections.namedtuple("memory", "total available")
    monkeypatch.setattr(doctor.shutil, "disk_usage", lambda path: usage(9, 9, 10**8))
    monkeypatch.setattr(psutil, "virtual_memory", lambda: memory(4 * 10**9, 10**9))
    assert found("datasets").state == "note"
    assert found("memory").state == "note"
    assert found("memory").text == "4.0 GB, 1.0 GB free"
    monkeypatch.setattr(doctor.os, "access", lambda path, mode: False)
    assert found("datasets").state == "ok"
    assert "read only" in found("datasets").text


def test_lessons_00_and_01_say_what_matters_of_the_machine():
    report = machine.report()
    for name in ("Python", "Keras", "backend", "device", "memory", "disk"):
        assert report[name]
    assert report["device"].split()[0] in ("CPU", "GPU")
    assert 1e8 < machine.flop_per_second() < 1e16
