"""Starts a learner's server; before it, copies the lessons that they do not have.

    python start_server.py [arguments of jupyterhub-singleuser]

It runs as the learner. So it can write nowhere but where the learner can, and what
the learner has is never written over.
"""

import os
import pathlib
import shutil
import sys

COURSE = pathlib.Path(__file__).resolve().parent.parent
# Not `tlcourse`: in a notebook beside it, that would hide the package.
FOLDER = "lessons"


def copy_lessons(notebooks, folder):
    """Copies the lessons that are not in a folder yet.

    Args:
        notebooks: `pathlib.Path` with the lessons.
        folder: `pathlib.Path`, made if it is not there.

    Returns:
        list of strings, the names of what was copied.
    """
    folder.mkdir(exist_ok=True)
    missing = [
        path
        for path in sorted(notebooks.glob("[0-9]*.ipynb"))
        if not os.path.lexists(folder / path.name)
    ]
    for path in missing:
        partial = folder / f"{path.name}.partial"
        shutil.copyfile(path, partial)
        partial.rename(folder / path.name)
    return [path.name for path in missing]


def main():
    """Copies, then becomes the server. A full disk does not keep it from starting."""
    home = pathlib.Path.home()
    # A short path: the name of a kernel's socket may have about a hundred characters.
    os.environ["JUPYTER_RUNTIME_DIR"] = str(home / ".run")
    try:
        copy_lessons(COURSE / "notebooks", home / FOLDER)
    except OSError as error:
        print(f"The lessons could not be copied: {error}", file=sys.stderr)
    os.execvp("jupyterhub-singleuser", ["jupyterhub-singleuser", *sys.argv[1:]])


if __name__ == "__main__":
    main()
