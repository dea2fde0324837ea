"""The lessons themselves, copied to where a learner may change them."""

import os
import pathlib

from tlcourse._util import assets, atomic

# A wheel has the notebooks inside the package, see pyproject.toml.
INSTALLED = assets.PACKAGE / "shipped_lessons"


def copy_lessons(folder, solutions=True):
    """Copies the lessons that `folder` does not have yet; what is there stays.

    Returns two lists of names: what was copied, and what was there.
    """
    source = INSTALLED if INSTALLED.is_dir() else assets.REPOSITORY / "notebooks"
    found = sorted(source.glob("[0-9]*.ipynb"))
    found += sorted(source.glob("solutions/[0-9]*.ipynb")) if solutions else []
    names = [path.relative_to(source) for path in found]
    there = [name for name in names if os.path.lexists(folder / name)]
    missing = [name for name in names if name not in there]
    for name in missing:
        with atomic.write_file(pathlib.Path(folder) / name) as file:
            file.write((source / name).read_bytes())
    return [name.as_posix() for name in missing], [name.as_posix() for name in there]
