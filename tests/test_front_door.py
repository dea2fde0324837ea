"""What a stranger meets first: README, JupyterLab's screen, workflows, citation."""

import csv
import importlib.metadata
import json
import pathlib
import re
import statistics
import sys

import pytest
import yaml
from PIL import Image

import course

ROOT = pathlib.Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text("utf-8")
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
PLUGINS = pathlib.Path(sys.prefix) / "share" / "jupyter" / "lab" / "schemas"


def runs(workflow):
    """The commands of a workflow."""
    jobs = yaml.safe_load(workflow.read_text("utf-8"))["jobs"].values()
    return [step["run"] for job in jobs for step in job["steps"] if "run" in step]


def test_readme_is_short_and_begins_with_the_fact_and_the_moving_picture():
    assert len(README.splitlines()) < 120
    before = README.split("## ")[0]
    assert course.fact() in before and "lessons/images/teach.gif" in before


def test_the_fact_is_what_was_measured():
    curves = json.loads((ROOT / "data" / "label_curves.json").read_text("utf-8"))
    ten = curves["counts"].index(10)
    borrowed = curves["tasks"]["near"]["curves"]["trained base"][ten][0]
    with open(ROOT / "data" / "scratch.csv", newline="") as file:
        rows = [r for r in csv.DictReader(file) if r["labels_per_class"] == "10"]
    scratch = statistics.mean(float(r["validation_accuracy"]) for r in rows)
    found = [int(n) for n in re.findall(r"\*\*(\d+) of 100\*\*", course.fact())]
    assert found == [round(100 * borrowed), round(100 * scratch)]
    assert borrowed > 0.9 and len(rows) >= 3


def test_the_moving_picture_moves_and_is_small():
    path = ROOT / "lessons" / "images" / "teach.gif"
    assert path.stat().st_size < 2e6
    with Image.open(path) as picture:
        assert picture.n_frames > 40 and picture.width >= 600
    assert re.search(r"!\[[^\]]{60,}\]\(lessons/images/teach.gif\)", README)


def test_links_of_readme_lead_somewhere():
    links = re.findall(r"\]\(([^)]+)\)", README) + re.findall(r'src="([^"]+)"', README)
    ours = [link.partition("#")[0] for link in links if not link.startswith("https")]
    assert len(ours) > 20
    assert [link for link in ours if not (ROOT / link).exists()] == []


def test_each_lesson_has_a_row_with_a_picture():
    lessons = sorted((ROOT / "notebooks").glob("[0-9]*.ipynb"))
    for path in lessons:
        row = next(line for line in README.splitlines() if path.name in line)
        assert f"thumbnails/{path.name[:2]}.png" in row


def test_only_lessons_and_solutions_are_beside_each_other():
    """What a learner sees in the file list."""
    folder = ROOT / "notebooks"
    paths = [path.relative_to(folder) for path in folder.rglob("*") if path.is_file()]
    names = [path.parts for path in paths if ".ipynb_checkpoints" not in path.parts]
    assert {parts[0] for parts in names if len(parts) > 1} == {"solutions"}
    assert all(parts[-1].endswith(".ipynb") for parts in names)


@pytest.mark.skipif(not PLUGINS.exists(), reason="an environment without JupyterLab")
def test_jupyterlab_still_knows_the_settings_of_the_first_screen():
    wanted = json.loads((ROOT / "lessons" / "overrides.json").read_text("utf-8"))
    for plugin, settings in wanted.items():
        package, name = plugin.split(":")
        schema = json.loads((PLUGINS / package / f"{name}.json").read_text("utf-8"))
        assert set(settings) <= set(schema["properties"]), plugin


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.stem)
def test_workflows_run_commands_that_there_are(workflow):
    targets = re.findall(r"^([a-z][\w-]*):", (ROOT / "Makefile").read_text(), re.M)
    commands = "\n".join(runs(workflow))
    for name in re.findall(r"\bmake ([\w-]+)", commands):
        assert name in targets
    for path in re.findall(r"\b(?:notebooks|tests)/[\w./]+", commands):
        assert (ROOT / path).exists(), path
    assert commands


def test_the_container_and_binder_install_what_readme_installs():
    text = (ROOT / ".devcontainer" / "devcontainer.json").read_text("utf-8")
    container = json.loads(text)
    install = "pip install -r requirements.txt -e ."
    assert install in container["postCreateCommand"] and install in README
    (opened,) = container["customizations"]["codespaces"]["openFiles"]
    assert (ROOT / opened).is_file()
    binder = ROOT / ".binder"
    assert binder.joinpath("requirements.txt").read_text() == "-r ../requirements.txt\n"
    post = binder / "postBuild"
    assert post.stat().st_mode & 0o100 and "pip install" in post.read_text()


def test_the_citation_has_the_version_of_the_package():
    cited = yaml.safe_load((ROOT / "CITATION.cff").read_text("utf-8"))
    assert cited["version"] == importlib.metadata.version("tlcourse")
    assert cited["title"] == README.splitlines()[0].removeprefix("# ")
