"""The address for Colab: written everywhere, taken out again, and what it does."""

import importlib.util
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import types

import nbformat
import pytest
from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config

import cells
import colab
import tlcourse

ROOT = pathlib.Path(__file__).resolve().parent.parent
LINK = re.compile(r"https://colab\.research\.google\.com/github/([^)\s\"\\]+)")
INSTALL = re.compile(r"git\+https://github\.com/([^\s\"\\]+)")
FIRST = ("first-owner/first.course", "v1.0")


def make(folder, repository, branch="main"):
    """Runs `make colab` as a maintainer does, with this Python."""
    variables = [f"REPO={repository}", f"BRANCH={branch}"]
    variables.append(f"BIN={pathlib.Path(sys.executable).parent}")
    command = ["make", "-s", "-o", ".venv/ready-for-tests", "colab", *variables]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True)


def stamped(folder, repository, branch="main"):
    ended = make(folder, repository, branch)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return folder


def texts(folder):
    """Every file that may hold an address."""
    kinds = {".md", ".ipynb", ".json", ".py", ".toml", ""}
    files = [path for path in folder.rglob("*") if path.is_file()]
    return {
        path.relative_to(folder).as_posix(): path.read_text("utf-8")
        for path in files
        if path.suffix in kinds and "__pycache__" not in path.parts
    }


def notebooks(folder):
    """dict, path in the repository to the cells."""
    return {
        path.relative_to(folder).as_posix(): nbformat.read(path, as_version=4).cells
        for path in sorted(folder.glob("notebooks/**/*.ipynb"))
        if ".ipynb_checkpoints" not in path.parts
    }


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """A copy of what `make colab` reads and writes, without an address."""
    copy = tmp_path_factory.mktemp("project")
    leave = shutil.ignore_patterns("__pycache__", ".ipynb_checkpoints")
    for name in ("lessons", "notebooks", "tlcourse"):
        shutil.copytree(ROOT / name, copy / name, ignore=leave)
    for name in ("README.md", "Makefile", "pyproject.toml", "requirements.txt"):
        shutil.copy(ROOT / name, copy)
    (copy / "data").mkdir()
    for name in ("label_curves.json", "scratch.csv"):  # for README's fact
        shutil.copy(ROOT / "data" / name, copy / "data")
    return stamped(copy, "none")


def readme_of(folder):
    return (folder / "README.md").read_text("utf-8")


@pytest.fixture(scope="module")
def before(project):
    return texts(project)


@pytest.fixture(scope="module")
def first(project, before, tmp_path_factory):
    """Stamped with one address."""
    copy = shutil.copytree(project, tmp_path_factory.mktemp("first") / "project")
    return stamped(copy, *FIRST)


def test_readme_and_notebooks_have_badges_only_with_an_address(before, first):
    shown = [name for name in before if name.endswith((".ipynb", "README.md"))]
    assert not any(LINK.search(before[name]) for name in shown)
    lessons = [name for name in notebooks(first) if "solutions" not in name]
    links = LINK.findall((first / "README.md").read_text("utf-8"))
    wanted = [f"{FIRST[0]}/blob/{FIRST[1]}/{name}" for name in lessons]
    assert links == [wanted[0], *wanted]  # the door, then the map
    assert f"{FIRST[0]}/actions/workflows/tests.yml/badge.svg" in readme_of(first)


def test_each_notebook_opens_itself_and_installs_in_two_cells(project, first):
    found, plain = notebooks(first), notebooks(project)
    assert len(found) == len(notebooks(ROOT)) >= 28
    for name, its_cells in found.items():
        (link,) = LINK.findall(its_cells[0].source)
        assert link == f"{FIRST[0]}/blob/{FIRST[1]}/{name}"
        assert its_cells[0].source.startswith("# ")
        assert f"[![Open in Colab]({colab.BADGE})](" in its_cells[0].source
        page = f"https://first-owner.github.io/first.course/{pathlib.Path(name).stem}"
        assert f"[read it with all results]({page}.html)" in its_cells[0].source
        code = [cell.source for cell in its_cells if cell.cell_type == "code"]
        assert f"--no-deps git+https://github.com/{'@'.join(FIRST)}\n" in code[0]
        assert code[0].endswith(colab.START)
        assert not INSTALL.search("\n".join(code[1:]))
        pairs = zip(plain[name], its_cells, strict=True)
        changed = [one for one, other in pairs if one != other]
        assert len(changed) == 2 and not any(map(cells.is_compared, changed))


def test_a_stamped_course_is_in_step_and_stays_so_when_built_again(first):
    found = texts(first)
    environment = {**os.environ, "PYTHONPATH": str(first)}
    command = [sys.executable, "lessons/build.py"]
    subprocess.run(command, cwd=first, env=environment, check=True)
    assert texts(first) == found


@pytest.mark.slow  # stamps and builds all notebooks twice more
def test_another_address_leaves_nothing_of_the_first_and_none_of_any(first, before):
    stamped(first, "second-owner/second", "main")
    found = texts(first)
    first_address = re.compile(r"first-owner|first\.course")
    assert not [name for name, text in found.items() if first_address.search(text)]
    with_address = [name for name, text in found.items() if "second-owner" in text]
    assert len(with_address) == 2 + len(notebooks(ROOT))  # README and the address
    stamped(first, "none")
    assert texts(first) == before


REPOSITORIES = (
    "|owner|https://github.com/owner/name|owner/name/more|owner/name.git|owner/..|"
    "-owner/name|own er/name|owner/na me|owner/nämé"
).split("|")
BRANCHES = "|a b|/a|a/|a..b|a//b|a.lock|-a|a.|a@b|ä".split("|")


@pytest.mark.parametrize(
    ("repository", "branch", "told"),
    [(each, "main", "REPO=owner/name") for each in REPOSITORIES]
    + [("owner/name", each, "BRANCH") for each in BRANCHES],
)
def test_an_address_of_another_form_is_refused(repository, branch, told, tmp_path):
    with pytest.raises(cells.BuildError, match=f"Expected {told}.*Received"):
        colab.Address(repository, branch)
    text = json.dumps({"repository": repository or "-", "branch": branch})
    (tmp_path / colab.NAME).write_text(text)
    with pytest.raises(cells.BuildError, match=f"Expected {told}.*Received"):
        colab.read(tmp_path)


def test_make_takes_usual_branches_says_what_is_wrong_and_writes_nothing(
    project, before
):
    for branch in ("main", "v1.0", "release/2026-11", "fix_1"):
        assert colab.Address("owner/name", branch).archive.endswith(f"@{branch}")
    ended = make(project, "just-a-name")
    assert ended.returncode != 0
    assert "Expected REPO=owner/name" in ended.stderr
    assert "Traceback" not in ended.stderr
    assert texts(project) == before


ADDRESS = colab.Address("owner/name", "main")
INSTALLED = [
    "install --quiet --no-deps git+https://github.com/owner/name@main",
    "install --quiet anywidget",
]


@pytest.mark.parametrize("address", [ADDRESS, None])
@pytest.mark.parametrize("on_colab", [True, False])
@pytest.mark.parametrize("installed", [True, False])
def test_the_first_cell_installs_on_colab_what_is_not_there_and_then_starts(
    address, on_colab, installed, monkeypatch
):
    title, code = nbformat.v4.new_markdown_cell("# T"), colab.START
    first = nbformat.v4.new_code_cell(code)
    colab.stamp([title, first], "05.ipynb", address)
    asked = []
    monkeypatch.setattr(tlcourse, "start", lambda: asked.append("start"))
    if on_colab:
        monkeypatch.setitem(sys.modules, "google.colab", types.ModuleType("colab"))
    spec = importlib.util.find_spec("tlcourse") if installed else None
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: spec)
    quiet = Config({"HistoryManager": {"enabled": False}})  # it is the user's
    shell = InteractiveShell(config=quiet)
    shell.register_magic_function(asked.append, magic_name="pip")
    assert shell.run_cell(first.source).error_in_exec is None
    installs = address and on_colab and not installed
    assert asked == [*(INSTALLED if installs else []), "start"]
    assert (first.source == code) == (address is None)
