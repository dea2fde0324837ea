"""Starts a learner's server; before it, copies the lessons that they do not have.

    python start_server.py [arguments of jupyterhub-singleuser]

It runs as the learner. So it can write nowhere but where the learner can, and what
the learner has is never written over.
"""

import os
import pathlib
import sys

from tlcourse._util.lesson_files import copy_lessons

# Not `tlcourse`: in a notebook beside it, that would hide the package.
FOLDER = "lessons"


def main():
    """Copies, then becomes the server. A full disk does not keep it from starting."""
    home = pathlib.Path.home()
    # A short path: the name of a kernel's socket may have about a hundred characters.
    os.environ["JUPYTER_RUNTIME_DIR"] = str(home / ".run")
    try:
        copy_lessons(home / FOLDER, solutions=False)
    except OSError as error:
        print(f"The lessons could not be copied: {error}", file=sys.stderr)
    os.execvp("jupyterhub-singleuser", ["jupyterhub-singleuser", *sys.argv[1:]])


if __name__ == "__main__":
    main()
