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

import build
import colab
import tlcourse

ROOT = pathlib.Path(__file__).resolve().parent.parent
LINK = re.compile(r"https://colab\.research\.google\.com/github/([^)\s\"\\]+)")
INSTALL = re.compile(r"git\+https://github\.com/([^\s\"\\]+)")


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


def rebuild(folder, *flags):
    command = [sys.executable, "notebooks/build.py", *flags]
    environment = {**os.environ, "PYTHONPATH": str(folder)}
    subprocess.run(command, cwd=folder, env=environment, check=True)


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
    paths = sorted(folder.glob("notebooks/**/*.ipynb"))
    return {path.relative_to(folder).as_posix(): path for path in paths}


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """A copy of what `make colab` reads and writes, without an address."""
    copy = tmp_path_factory.mktemp("project")
    leave = shutil.ignore_patterns("__pycache__", ".ipynb_checkpoints")
    for name in ("notebooks", "tlcourse"):
        shutil.copytree(ROOT / name, copy / name, ignore=leave)
    for name in ("README.md", "Makefile", "pyproject.toml", "requirements.txt"):
        shutil.copy(ROOT / name, copy)
    return stamped(copy, "none")


@pytest.fixture(scope="module")
def before(project):
    return texts(project)


@pytest.fixture(scope="module")
def first(project, before, tmp_path_factory):
    """Stamped with one address."""
    copy = shutil.copytree(project, tmp_path_factory.mktemp("first") / "project")
    return stamped(copy, "first-owner/first.course", "v1.0")


def test_without_an_address_there_is_no_badge_and_no_link(before):
    for name in ["README.md", *notebooks(ROOT)]:
        assert not LINK.search(before[name])
        assert "colab-badge" not in before[name]


def test_every_notebook_has_one_badge_that_opens_itself(first):
    found = notebooks(first)
    assert len(found) == len(notebooks(ROOT)) >= 28
    for name, path in found.items():
        cells = nbformat.read(path, as_version=4).cells
        (link,) = LINK.findall(path.read_text("utf-8"))
        assert link == f"first-owner/first.course/blob/v1.0/{name}"
        assert f"[![Open in Colab]({colab.BADGE})](" in cells[0].source
        assert cells[0].source.startswith("# ")


def test_the_readme_has_a_badge_for_every_lesson_and_each_leads_to_a_file(first):
    links = LINK.findall((first / "README.md").read_text("utf-8"))
    lessons = [name for name in notebooks(first) if "solutions" not in name]
    start = "first-owner/first.course/blob/v1.0/"
    assert [link.removeprefix(start) for link in links] == lessons
    assert all((ROOT / link.removeprefix(start)).is_file() for link in links)


def test_every_notebook_installs_from_the_address_without_dependencies(first):
    for path in notebooks(first).values():
        code = [
            c for c in nbformat.read(path, as_version=4).cells if "code" in c.values()
        ]
        (address,) = INSTALL.findall(path.read_text("utf-8"))
        assert address == "first-owner/first.course@v1.0"
        assert f"--no-deps git+https://github.com/{address}" in code[0].source
        assert code[0].source.endswith(colab.START)


def test_an_address_changes_nothing_that_nbval_compares(project, first):
    for name, path in notebooks(project).items():
        old = nbformat.read(path, as_version=4).cells
        new = nbformat.read(first / name, as_version=4).cells
        changed = [k for k in range(len(old)) if old[k] != new[k]]
        assert len(old) == len(new)
        assert len(changed) == 2
        assert not any(build.is_compared(old[k]) for k in changed)


def test_a_stamped_course_is_in_step_and_stays_so_when_built_again(first):
    rebuild(first, "--check")
    found = texts(first)
    rebuild(first)
    assert texts(first) == found


def test_another_address_leaves_nothing_of_the_first_and_none_of_any(first, before):
    stamped(first, "second-owner/second", "main")
    found = texts(first)
    for word in ("first-owner", "first.course"):
        assert [name for name, text in found.items() if word in text] == []
    stamped_files = [name for name, text in found.items() if "second-owner" in text]
    assert len(stamped_files) == 2 + len(notebooks(ROOT))  # README and the address
    stamped(first, "none")
    assert texts(first) == before


@pytest.mark.parametrize(
    "repository",
    [
        "",
        "owner",
        "https://github.com/owner/name",
        "owner/name/more",
        "owner/name.git",
        "owner/..",
        "-owner/name",
        "own er/name",
        "owner/na me",
        "owner/nämé",
    ],
)
def test_a_repository_of_another_form_is_refused(repository):
    with pytest.raises(build.BuildError, match="Expected REPO=owner/name.*Received"):
        colab.Address(repository, "main")


@pytest.mark.parametrize(
    "branch", ["", "a b", "/a", "a/", "a..b", "a//b", "a.lock", "-a", "a.", "a@b", "ä"]
)
def test_a_branch_of_another_form_is_refused(branch):
    with pytest.raises(build.BuildError, match="Expected BRANCH.*Received"):
        colab.Address("owner/name", branch)


def test_branches_and_tags_as_people_name_them_are_taken():
    for branch in ("main", "v1.0", "release/2026-11", "fix_1"):
        assert colab.Address("owner/name", branch).archive.endswith(f"@{branch}")


def test_make_says_what_is_wrong_and_writes_nothing(project, before):
    ended = make(project, "just-a-name")
    assert ended.returncode != 0
    assert "Expected REPO=owner/name" in ended.stderr
    assert "Traceback" not in ended.stderr
    assert texts(project) == before


def test_an_address_that_was_typed_wrongly_is_noticed(tmp_path):
    text = json.dumps({"repository": "owner", "branch": "main"})
    (tmp_path / colab.NAME).write_text(text)
    with pytest.raises(build.BuildError, match="Received: REPO=owner"):
        colab.read(tmp_path)


@pytest.fixture
def run(monkeypatch):
    """Runs a first cell in IPython; gives what failed and what pip was asked."""

    def start():
        asked.append("start")

    def run(address, on_colab, installed):
        cells = [
            nbformat.v4.new_markdown_cell("# T"),
            nbformat.v4.new_code_cell(colab.START),
        ]
        colab.stamp(cells, "05.ipynb", address)
        module = types.ModuleType("google.colab")
        if on_colab:
            monkeypatch.setitem(sys.modules, "google.colab", module)
        spec = importlib.util.find_spec("tlcourse") if installed else None
        monkeypatch.setattr(importlib.util, "find_spec", lambda name: spec)
        quiet = Config({"HistoryManager": {"enabled": False}})  # it is the user's
        shell = InteractiveShell(config=quiet)
        shell.register_magic_function(asked.append, magic_name="pip")
        return shell.run_cell(cells[1].source).error_in_exec, asked

    asked = []
    monkeypatch.setattr(tlcourse, "start", start)
    return run


ADDRESS = colab.Address("owner/name", "main")


@pytest.mark.parametrize("address", [ADDRESS, None])
@pytest.mark.parametrize(
    ("on_colab", "installed"), [(False, True), (False, False), (True, True)]
)
def test_elsewhere_and_where_it_is_installed_the_cell_only_starts(
    run, address, on_colab, installed
):
    assert run(address, on_colab, installed) == (None, ["start"])


def test_on_colab_the_cell_installs_the_course_and_no_other_version(run):
    error, asked = run(ADDRESS, on_colab=True, installed=False)
    assert error is None
    assert asked == [
        "install --quiet --no-deps git+https://github.com/owner/name@main",
        "install --quiet anywidget",
        "start",
    ]


def test_without_an_address_the_cell_is_what_the_source_has(run):
    assert run(None, on_colab=True, installed=False) == (None, ["start"])
    cell = nbformat.v4.new_code_cell(colab.START)
    colab.stamp([cell], "05.ipynb", None)
    assert cell.source == colab.START
