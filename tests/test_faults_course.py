"""Faults of real life in settings, remedies, networks' arguments and course files."""

import json
import os
import pathlib
import shutil
import subprocess
import sys

import keras
import numpy as np
import pytest

import tlcourse
from tlcourse import __main__ as command
from tlcourse import bases
from tlcourse._util import assets, quiet
from tlcourse.checks import check
from tlcourse.course import doctor, machine, progress

ROOT = pathlib.Path(__file__).resolve().parent.parent
SHARING = dict(quiet.SHARING.values())


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    """Keras's folder and the course's, both empty; no settings."""
    for name in ("KERAS_HOME", "TLCOURSE_HOME"):
        monkeypatch.setenv(name, str(tmp_path / name))
        (tmp_path / name).mkdir()
    for name in (*quiet.VARIABLES, *SHARING):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


def refused(*said):
    """`start` and doctor refuse the settings with the same words; gives the remedy."""
    found = next(x for x in doctor.examine() if x.name == "Keras's settings")
    with pytest.raises(ValueError) as raised:
        tlcourse.start()
    assert str(raised.value) == f"{found.text}. To mend it: {found.advice}."
    for words in said:
        assert words in str(raised.value)
    return found.advice


# 8, settings that are not looked at


@pytest.mark.fault(8)
@pytest.mark.parametrize(
    "entry, value, usual, others",
    [
        *(
            ("backend", x, '"tensorflow"', " or jax or torch")
            for x in ("numpy", ["jax"])
        ),
        *(("floatx", x, '"float32"', "") for x in ("float16", "float8", None)),
        ("image_data_format", "channels_first", '"channels_last"', ""),
        *(
            ("epsilon", x, "1e-07", " or another float up to 0.001")
            for x in (1, 0.5, float("nan"), -1e-7, "tiny")
        ),
        ("nnx_enabled", True, "false", ""),
    ],
)
def test_an_entry_of_keras_json_is_named_and_the_remedy_helps(
    home, entry, value, usual, others
):
    path = home / "KERAS_HOME" / "keras.json"
    path.write_text(json.dumps({entry: value}))
    write = f'"{entry}": {usual}'
    said = f"{others} as `{entry}` in {path}. Received: {value!r}"
    assert refused(said) == f"write {write} in {path}"
    path.write_text("{" + write + "}")
    assert quiet.find_problem() is None


@pytest.mark.fault(8)
@pytest.mark.parametrize("name", quiet.VARIABLES)
def test_a_variable_of_keras_is_named_and_the_remedy_helps(name, monkeypatch):
    monkeypatch.setenv(name, "2")
    assert f"os.environ.pop({name!r})" in refused(f"variable {name}", "'2'")
    os.environ.pop(name)
    assert quiet.find_problem() is None


@pytest.mark.fault(8)
def test_a_file_or_folder_in_the_place_of_another_is_named(home, monkeypatch):
    (home / "KERAS_HOME" / "keras.json").mkdir()
    assert refused("IsADirectoryError").startswith("remove")
    (home / "file").touch()
    monkeypatch.setenv("KERAS_HOME", str(home / "file"))
    assert refused(f"{home / 'file'}, which is a file") == (
        "set the variable KERAS_HOME to a folder"
    )
    monkeypatch.setenv("TFDS_DATA_DIR", str(home / "file"))
    found = {each.name: each for each in doctor.examine()}
    assert found["datasets"].state == "note" and "is a file" in found["datasets"].text


@pytest.mark.fault(8)
def test_without_a_home_to_write_to_keras_reads_elsewhere(home, monkeypatch):
    monkeypatch.delenv("KERAS_HOME")
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    monkeypatch.setattr(quiet.json, "loads", lambda text: {"floatx": "float16"})
    monkeypatch.setattr(quiet.os.path, "exists", lambda path: True)
    monkeypatch.setattr(pathlib.Path, "read_text", lambda path: "")
    assert "/tmp/.keras/keras.json" in quiet.find_problem()[0]


@pytest.mark.fault(8)
@pytest.mark.parametrize(
    "name, value",
    [("floatx", "float16"), ("image_data_format", "channels_first"), ("epsilon", 0.1)],
)
def test_a_setting_made_in_the_notebook_is_named_and_the_remedy_helps(name, value):
    usual, change = getattr(keras.config, name)(), f"keras.config.set_{name}"
    getattr(keras.config, f"set_{name}")(value)
    try:
        with pytest.raises(ValueError, match=f"{name}.*Received: {value!r}") as raised:
            tlcourse.start()
        assert (remedy := f"{change}({usual!r})") in str(raised.value)
        exec(remedy, {"keras": keras})
        tlcourse.start()
    finally:
        getattr(keras.config, f"set_{name}")(usual)


@pytest.mark.fault(8)
def test_what_a_kernel_of_jupyter_brings_along_is_found_in_a_terminal(
    home, monkeypatch
):
    monkeypatch.setenv("JUPYTER_PATH", str(home))
    path = home / "kernels" / "python3" / "kernel.json"
    path.parent.mkdir(parents=True)
    spec = {"argv": ["python"], "display_name": "x", "language": "python"}
    path.write_text(json.dumps(spec | {"env": {"KERAS_BACKEND": "theano"}}))
    found = next(x for x in doctor.examine() if x.name == "kernel python3")
    assert found.state == "problem" and "'theano'" in found.text
    assert str(path) in found.advice
    path.write_text(json.dumps(spec))
    assert all(not each.name.startswith("kernel") for each in doctor.examine())


# 10, remedies that fit


@pytest.fixture
def copy(home, monkeypatch):
    """A copy of the course's data that a test may spoil."""
    folder = home / "a b" / "data"
    folder.mkdir(parents=True)
    for name in ("SHA256SUMS", "grid.csv", "scratch.csv"):
        shutil.copy(assets.data_folder() / name, folder)
    monkeypatch.setattr(assets, "REPOSITORY", folder.parent)
    monkeypatch.setenv("TLCOURSE_DATA", str(folder))
    return folder


@pytest.mark.fault(10)
def test_a_clone_is_told_of_git_from_any_folder_and_it_helps(copy, monkeypatch):
    git = ["git", "-C", str(copy.parent), "-c", "user.name=x", "-c", "user.email=x@x"]
    for step in (["init", "-q"], ["add", "."], ["commit", "-qm", "all"]):
        subprocess.run([*git, *step], check=True)
    (copy / "grid.csv").write_text("spoilt")
    with pytest.raises(ValueError) as raised:
        assets.shipped("grid.csv")
    remedy = str(raised.value).split("bring it back: ")[1].split(";")[0]
    subprocess.run(remedy, shell=True, check=True)
    assert assets.shipped("grid.csv") == copy / "grid.csv"
    monkeypatch.setattr(shutil, "which", lambda name: None)
    assert "download the course again" in assets.remedy("grid.csv")


# 11, arguments used before they are checked


@pytest.mark.fault(11)
@pytest.mark.parametrize(
    "shape, meant",
    [
        ((None, None, 3), (224, 224, 3)),
        ((None, 64, 96, 3), (64, 96, 3)),
        (64, (64, 64, 3)),
        ("64x96", (64, 96, 3)),
        ((3, 64, 96), (64, 96, 3)),
        ((64, 64, 1), (64, 64, 3)),
        ((64, 64), (64, 64, 3)),
        ((64.0, 64.0, 3), (64, 64, 3)),
        ((-64, 64, 3), (64, 64, 3)),
        ((16, 64, 3), (32, 64, 3)),
        ((True, True, 3), (224, 224, 3)),
        ((), (224, 224, 3)),
        (0, (224, 224, 3)),
        ({"height": 64}, (64, 64, 3)),
    ],
)
def test_a_shape_that_cannot_be_built_is_refused_with_one_that_can(shape, meant):
    with pytest.raises(ValueError) as raised:
        bases.build("MobileNetV2", shape, weights=None)
    said = str(raised.value)
    assert "at least 32x32" in said and f"Received: {shape!r}" in said
    assert f"Write `input_shape={meant}`" in said


@pytest.mark.fault(11)
@pytest.mark.filterwarnings("ignore:Skipping nested")
@pytest.mark.parametrize(
    "options, said",
    [
        ({"alpha": "0.35"}, "`alpha` above 0, such as 0.5. Received: '0.35'"),
        ({"alpha": -1}, "`alpha` above 0"),
        ({"alpha": None}, "`alpha` above 0"),
        ({"pooling": "mean"}, "`pooling` None, 'avg' or 'max'. Received: 'mean'"),
        ({"pooling": ["avg"]}, "`pooling` None"),
        ({"include_top": False}, "`heads.wrap` adds a top. Received: ['include_top']"),
        ({"classes": 5}, "`heads.wrap` adds a top. Received: ['classes']"),
        ({"width": 0.5}, "Expected alpha, input_tensor, name, pooling"),
        ({"weights": "random"}, "None for random ones, or a file. Received: 'random'"),
        ({"weights": "nowhere.h5"}, "or a file. Received: 'nowhere.h5'"),
        ({"weights": True}, "or a file. Received: True"),
        ({"weights": ROOT / "README.md"}, "Keras says: File format not supported"),
        (
            {"weights": ROOT / "data/glyphs_mobilenet_v2_0.35_64_no_top.weights.h5"},
            "the options they were saved with.*Keras says: A total of",
        ),
    ],
)
def test_options_that_keras_takes_in_silence_or_crashes_on_are_refused(options, said):
    with pytest.raises(ValueError) as raised:
        bases.build("MobileNetV2", (32, 32, 3), **({"weights": None} | options))
    for words in said.split(".*"):
        assert words in str(raised.value)


@pytest.mark.fault(11)
def test_a_base_may_be_given_a_name_as_the_message_says():
    base = bases.build("MobileNet", (32, 32, 3), weights=None, alpha=0.25, name="b")
    assert base.name == "b"
    with pytest.raises(FileNotFoundError, match="mobilenet_2_5.*KERAS_HOME"):
        bases.build("MobileNet", alpha=0.25, name="b")


@pytest.mark.fault(11)
def test_a_shape_may_be_a_list_or_an_array():
    for shape in ([32, 32, 3], np.array([32, 32, 3])):
        base = bases.build("MobileNet", shape, weights=None, alpha=0.25)
        assert base.input_shape == (None, 32, 32, 3)


@pytest.mark.fault(11)
@pytest.mark.parametrize(
    "name, near",
    [
        ("mobilenet_v2", "MobileNetV2"),
        ("ResNet18", "ResNet50"),
        ("EfficientNet-B0", "EfficientNetB0"),
        ("keras.applications.VGG16", "VGG16"),
        (["VGG16"], "VGG16"),
        (keras.applications.VGG16, "VGG16"),
        (None, "one of ConvNeXtBase"),
    ],
)
def test_an_unknown_network_is_refused_with_those_of_a_like_name(name, near):
    for ask in (bases.find, bases.build, bases.preprocessing):
        with pytest.raises(ValueError, match=f"Expected.*{near}.*Received: "):
            ask(name)


# 19, spoilt files of the course's own


@pytest.mark.fault(19)
def test_notes_with_odd_values_or_a_mark_of_windows_are_read(home):
    content = '\ufeff{"5.1": null, "5.2": [1], "9.9": {}}'
    (home / "TLCOURSE_HOME" / "progress.json").write_text(content, "utf-8")
    assert "2 of 3" in repr(progress.CourseMap())


@pytest.mark.fault(19)
@pytest.mark.parametrize("content", ["", "{", "[1]", "{}x", '[{"number": "00"}]'])
def test_a_spoilt_list_of_lessons_is_said_and_lessons_go_on(
    home, monkeypatch, capsys, content
):
    (home / "lessons.json").write_text(content)
    monkeypatch.setattr(progress, "__file__", str(home / "progress.py"))
    progress.lessons.cache_clear()
    try:
        assert command.main(["progress"]) == 0
        assert f"{home / 'lessons.json'} is damaged" in capsys.readouterr().out
        check("0.1", 42)
        assert "0.1: right" in capsys.readouterr().out
    finally:
        progress.lessons.cache_clear()


@pytest.mark.fault(19)
@pytest.mark.parametrize("content", [None, b"", b"\xff\xfe", b"abc  grid.csv\n"])
def test_spoilt_checksums_are_said_and_the_lesson_goes_on(copy, capsys, content):
    (copy / "SHA256SUMS").unlink()
    if content is not None:
        (copy / "SHA256SUMS").write_bytes(content)
    assert assets.shipped("grid.csv") == copy / "grid.csv"
    said = capsys.readouterr().out
    assert "SHA256SUMS is damaged" in said and "copy its data/SHA256SUMS" in said
    found = next(x for x in doctor.examine() if x.name == "SHA256SUMS")
    assert (found.state, found.text) == ("note", "lacks grid.csv, scratch.csv")


# A GPU, and more than one notebook

EARLY = """
import os, sys
class Watch:
    def find_spec(self, name, path=None, target=None):
        if name in ("tensorflow", "keras"):
            print(name, [os.environ.get(x) for x in VARIABLES])
            sys.exit()
VARIABLES = {}
sys.meta_path.insert(0, Watch())
import tlcourse
tlcourse.start()
"""


def run(code, **variables):
    options = {"capture_output": True, "text": True, "env": os.environ | variables}
    return subprocess.run([sys.executable, "-c", code], **options).stdout


def test_a_gpu_is_shared_before_a_backend_is_imported():
    code = EARLY.replace("{}", repr(list(SHARING)))
    assert run(code) == "keras ['true', 'false']\n"
    mine = {"XLA_PYTHON_CLIENT_PREALLOCATE": "true"}
    assert run(code, **mine) == "keras ['true', 'true']\n"


def test_a_notebook_that_imports_keras_first_gets_a_sentence_once(capsys):
    for said in (1, 0):
        tlcourse.start()
        assert capsys.readouterr().out.count("Keras was imported before") == said


SMI = """#!/bin/sh
echo "NVIDIA H100 80GB HBM3, 1200 MiB, 81559 MiB"
echo "NVIDIA GB10, [N/A], [N/A]"
"""
FAKE_TORCH = """
class cuda:
    device_count = lambda: 2
"""


@pytest.fixture
def gpu(home, monkeypatch):
    """A machine with a driver of NVIDIA that says what `SMI` says, and a PyTorch."""
    (home / "nvidia-smi").write_text(SMI)
    (home / "nvidia-smi").chmod(0o755)
    (home / "torch.py").write_text(FAKE_TORCH)
    monkeypatch.setenv("PATH", str(home), prepend=os.pathsep)
    monkeypatch.setenv("PYTHONPATH", str(home), prepend=os.pathsep)
    monkeypatch.syspath_prepend(home)
    return home


def test_doctor_says_what_each_backend_sees_and_what_is_free(gpu, monkeypatch):
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    found = doctor.examine()
    texts = {each.text: each for each in found}
    full = texts["NVIDIA H100 80GB HBM3: 1200 MiB of 81559 MiB free"]
    assert (full.name, full.state) == ("GPU memory", "note")
    assert texts["NVIDIA GB10: [N/A] of [N/A] free"].state == "ok"
    found = {each.name: each for each in found}
    assert found["device of torch"].text == "GPU (2)"
    assert "'tensorflow[and-cuda]'" in found["device"].advice
    assert found["device"].text == "CPU; there is a GPU, not used"
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "-1")
    (gpu / "torch.py").write_text("raise ImportError")
    found = {each.name: each for each in doctor.examine()}
    assert "unset CUDA_VISIBLE_DEVICES" in found["device"].advice
    assert found["device of torch"].state == "note"
    (gpu / "nvidia-smi").write_text("#!/bin/sh\necho No devices were found; exit 6")
    assert machine.gpus() == []


@pytest.mark.parametrize("target", ["test-glyphs", "test-gpu"])
def test_make_runs_one_notebook_at_a_time_on_a_gpu(gpu, target, monkeypatch):
    monkeypatch.delenv("MAKEFLAGS", raising=False)  # of a `make` that runs the tests
    command = ["make", "-n", "-o", ".venv/ready-for-tests", target]
    said = subprocess.run(command, cwd=ROOT, capture_output=True, text=True).stdout
    assert "-n 1" in said and "--nbval-lax" in said
