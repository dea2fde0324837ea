"""Files and folders made under another name and renamed: complete, or not there."""

import contextlib
import glob
import os
import secrets
import shutil
import time

SUFFIX = ".partial"
STALE = 86_400  # seconds without a change; a download writes every few of them


@contextlib.contextmanager
def write_file(path):
    """Opens a binary file that gets its name only if the block raises nothing.

    Each process writes under a name of its own, so any number may do so at once.
    """
    with _partial_name(path) as partial:
        with open(partial, "xb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())  # a stick may be pulled out
        os.replace(partial, path)


@contextlib.contextmanager
def make_folder(path):
    """Makes a folder to fill; it replaces `path` only if the block raises nothing."""
    with _partial_name(path) as partial:
        partial.mkdir()
        yield partial
        shutil.rmtree(path, ignore_errors=True)
        os.replace(partial, path)


@contextlib.contextmanager
def _partial_name(path):
    path.parent.mkdir(parents=True, exist_ok=True)
    _remove_stale(path)
    partial = path.with_name(f".{path.name}.{secrets.token_hex(8)}{SUFFIX}")
    try:
        yield partial
    finally:
        _remove(partial)


def _remove(path):
    shutil.rmtree(path, ignore_errors=True)
    if not path.is_dir():
        path.unlink(missing_ok=True)


def _remove_stale(path):
    """Removes what processes that were killed have left behind for `path`."""
    for partial in path.parent.glob(f".{glob.escape(path.name)}.*{SUFFIX}"):
        with contextlib.suppress(OSError):  # finished in the meantime
            if time.time() - partial.stat().st_mtime > STALE:
                _remove(partial)
