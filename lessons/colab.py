"""Writes into the lessons where Colab finds the course.

    make colab REPO=owner/name BRANCH=main
    make colab REPO=none                     takes the address out again

This writes the address into colab.json; it stands nowhere else in what people edit.
build.py, which `make colab` runs next, reads it and puts a badge into each notebook,
and into its first cell of code what installs the course on Colab. Elsewhere that cell
does no more than before.
"""

import argparse
import dataclasses
import json
import pathlib
import re
import sys

from cells import BuildError, write_text

HERE = pathlib.Path(__file__).resolve().parent
NAME = "colab.json"
START = "import tlcourse\n\ntlcourse.start()"
BADGE = "https://colab.research.google.com/assets/colab-badge.svg"
OWNER = re.compile(r"[A-Za-z0-9](?:-?[A-Za-z0-9]){0,38}")
PROJECT = re.compile(r"(?!.*\.git$)(?!\.+$)[A-Za-z0-9._-]{1,100}")
# What Git allows, without the characters that an address would have to quote.
BRANCH = re.compile(r"(?!.*(\.\.|//|/\.|\.lock(/|$)))[A-Za-z0-9_][A-Za-z0-9._/-]*")
ON_COLAB = """import sys
from importlib.util import find_spec

if "google.colab" in sys.modules and not find_spec("tlcourse"):
"""
STAMPED = """    %pip install --quiet --no-deps {archive}
    %pip install --quiet anywidget
"""


@dataclasses.dataclass(frozen=True)
class Address:
    """Where the course lies on GitHub: `owner/name`, and a branch or a tag."""

    repository: str
    branch: str

    def __post_init__(self):
        owner, slash, name = self.repository.partition("/")
        if not (slash and OWNER.fullmatch(owner) and PROJECT.fullmatch(name)):
            raise BuildError(
                "Expected REPO=owner/name, as in https://github.com/owner/name, or "
                f"REPO=none. Received: REPO={self.repository}"
            )
        if not BRANCH.fullmatch(self.branch) or self.branch[-1] in "./":
            raise BuildError(
                "Expected BRANCH to name a branch or a tag, of letters, digits and "
                f"`._/-`, such as main. Received: BRANCH={self.branch}"
            )

    @property
    def archive(self):
        """What pip installs from."""
        return f"git+https://github.com/{self.repository}@{self.branch}"

    def link(self, file):
        """Where Colab opens `file`, a path in the repository."""
        place = f"{self.repository}/blob/{self.branch}/{file}"
        return f"https://colab.research.google.com/github/{place}"

    @property
    def state(self):
        """Markdown of a picture: whether the tests passed on GitHub."""
        run = f"https://github.com/{self.repository}/actions/workflows/tests.yml"
        return f"[![Tests]({run}/badge.svg)]({run})"

    @property
    def pages(self):
        """Where GitHub publishes the pages of the repository."""
        owner, name = self.repository.split("/")
        return f"https://{owner.lower()}.github.io/{name}"

    def badge(self, file):
        """Markdown of a picture that opens `file`, a path in the repository."""
        return f"[![Open in Colab]({BADGE})]({self.link(file)})"


def read(folder):
    """The `Address` in the folder `lessons`, or None if there is none yet."""
    path = folder / NAME
    stored = json.loads(path.read_text("utf-8")) if path.is_file() else {}
    return Address(**stored) if stored.get("repository") else None


def stamp(cells, file, address):
    """Puts the badge below the title, and Colab's lines before `tlcourse.start()`.

    `file` is the notebook's path below the folder of the notebooks. Without an
    address (None) the cells stay as they are.
    """
    if not address:
        return
    title, _, rest = cells[0].source.partition("\n\n")
    page = f"{address.pages}/{pathlib.Path(file).stem}.html"
    links = f"{address.badge(f'notebooks/{file}')} · [read it with all results]({page})"
    cells[0].source = "\n\n".join(filter(None, [title, links, rest]))
    lines = STAMPED.format(archive=address.archive)
    for cell in cells:
        if cell.source == START:
            cell.source = f"{ON_COLAB}{lines}{START}"


def without_stamp(source):
    """The source of a cell as it runs elsewhere."""
    stamped = source.startswith(ON_COLAB) and source.endswith(START)
    return START if stamped else source


def main(arguments=None):
    """The command line; see the module's text."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("repository", help="owner/name, or none")
    parser.add_argument("branch", nargs="?", default="main")
    options = parser.parse_args(arguments)
    address = None
    if options.repository != "none":
        address = Address(options.repository, options.branch)
    stored = {
        "repository": address and address.repository,
        "branch": address and address.branch,
    }
    write_text(HERE / NAME, json.dumps(stored, indent=1) + "\n")


if __name__ == "__main__":
    try:
        main()
    except BuildError as error:
        sys.exit(str(error))
