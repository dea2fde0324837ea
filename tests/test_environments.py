"""The environments of `make test-env` are those that CONTRIBUTING.md names."""

import pathlib
import re

from packaging.requirements import Requirement
from packaging.version import Version

ROOT = pathlib.Path(__file__).resolve().parent.parent
FILES = sorted((ROOT / "tests" / "environments").glob("*.txt"))
# Not Colab's interface, and too new for the oldest ipywidgets.
ONLY_NEWEST = "jupyterlab"


def requirements(path):
    """The requirements in a file: name to `Requirement`."""
    lines = [line.split("#")[0].strip() for line in path.read_text().splitlines()]
    found = map(Requirement, filter(None, lines))
    return {each.name.lower().replace("_", "-"): each for each in found}


def pinned(requirement):
    """The one version that a requirement allows: `Version`, or None."""
    found = re.fullmatch("==(.+)", str(requirement.specifier))
    return found and Version(found[1])


def python_of(path):
    return re.search(r"PYTHON=python([\d.]+)", path.read_text())[1]


WANTED = requirements(ROOT / "requirements.txt")


def test_each_environment_has_what_the_course_requires():
    assert [path.stem for path in FILES] == ["colab", "newest", "oldest"]
    for path in FILES:
        here = requirements(path)
        missing = set(WANTED) - set(here)
        assert missing <= ({ONLY_NEWEST} if path.stem != "newest" else set())
        for name in set(WANTED) - missing:
            version = pinned(here[name])
            assert version is None or version in WANTED[name].specifier, name


def test_the_oldest_has_the_lower_bounds():
    here = requirements(ROOT / "tests" / "environments" / "oldest.txt")
    for name in set(WANTED) - {ONLY_NEWEST}:
        (bound,) = (s.version for s in WANTED[name].specifier if s.operator == ">=")
        release = Version(bound).release
        assert pinned(here[name]).release[: len(release)] == release, name


def test_the_pythons_are_the_ends_of_what_the_package_allows():
    said = (ROOT / "pyproject.toml").read_text()
    pythons = {path.stem: python_of(path) for path in FILES}
    assert f'">={pythons["oldest"]},<3.{int(pythons["newest"][2:]) + 1}"' in said


def test_the_guide_for_changes_names_what_is_tested():
    text = (ROOT / "CONTRIBUTING.md").read_text("utf-8")
    for path in FILES:
        here = requirements(path)
        versions = [str(pinned(here[n])) for n in ("tensorflow", "keras", "ipywidgets")]
        assert f"| {path.stem} | {' | '.join([python_of(path), *versions])} |" in text
