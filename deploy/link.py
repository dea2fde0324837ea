"""Makes the link that brings a repository's lessons into each learner's home.

    python deploy/link.py https://HUB https://REPOSITORY --branch main --lesson 05

Send it to the class. Who opens it signs in, gets the repository as the folder
`course` in their home, or its changes, and finds the lesson open. What a learner has
changed is kept. The hub needs nbgitpuller.
"""

import argparse
import pathlib
import re
import sys
import urllib.parse

NOTEBOOKS = pathlib.Path(__file__).resolve().parent.parent / "notebooks"
FOLDER = "course"  # not `lessons`, where the hub has laid its copy


def make(hub, repository, branch="main", lesson="00"):
    """Makes the link.

    Args:
        hub: String, the address that learners know, `http://` or `https://`.
        repository: String, an address that `git clone` takes without a password.
        branch: String.
        lesson: String, its two digits.

    Returns:
        String.

    Raises:
        ValueError: If one of them cannot be right.

    Source: https://nbgitpuller.readthedocs.io/en/latest/topic/url-options.html
    """
    query = {
        "repo": _address(repository, "a repository"),
        "branch": _branch(branch),
        "urlpath": f"lab/tree/{FOLDER}/notebooks/{_notebook(lesson)}",
        "targetPath": FOLDER,
    }
    encoded = urllib.parse.urlencode(query, quote_via=urllib.parse.quote, safe="")
    return f"{_address(hub, 'a hub')}/hub/user-redirect/git-pull?{encoded}"


def _address(text, what):
    parts = urllib.parse.urlsplit(text)
    is_web = parts.scheme in ("http", "https") and parts.hostname
    if not is_web or re.search(r"\s", text) or parts.query or parts.fragment:
        raise ValueError(
            f"Expected the address of {what}, https://... Received: {text!r}. "
            "Take it from the browser's address bar, up to `?` or `#`."
        )
    if parts.username or parts.password:
        raise ValueError(
            f"Expected an address of {what} without a name or password. Received: one "
            "with `@`. Everybody who gets the link would read them."
        )
    return text.rstrip("/")


def _branch(name):
    if not re.fullmatch(r"[\w][\w./+-]*", name) or ".." in name:
        raise ValueError(f"Expected the name of a branch. Received: {name!r}")
    return name


def _notebook(lesson):
    found = sorted(NOTEBOOKS.glob("[0-9][0-9]_*.ipynb"))
    names = {path.name[:2]: path.name for path in found}
    if lesson not in names:
        raise ValueError(
            f"Expected a lesson from {min(names)} to {max(names)}. Received: {lesson!r}"
        )
    return names[lesson]


def main(arguments=None):
    """The command line; see the module's text.

    Args:
        arguments: list of strings, or None for those of the process.

    Returns:
        Integer, 0 if there is a link.
    """
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("hub")
    parser.add_argument("repository")
    parser.add_argument("--branch", default="main")
    parser.add_argument("--lesson", default="00", help="two digits, as in 05")
    options = parser.parse_args(arguments)
    try:
        print(make(**vars(options)))
    except ValueError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
