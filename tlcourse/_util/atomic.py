"""Files and folders that are whole or not there: made elsewhere, then renamed."""

import contextlib
import glob
import hashlib
import os
import secrets
import shutil
import time

SUFFIX = ".partial"
STALE = 600  # seconds without a change; who downloads writes every few of them


@contextlib.contextmanager
def writing(path):
    """Opens a file that gets its name when all went well, and else leaves nothing.

    Each process writes to a name of its own, so any number may do so at once.

    Args:
        path: `pathlib.Path`; its folder is made if need be.

    Yields:
        Binary file to write to.
    """
    with _another_name(path) as partial:
        with open(partial, "xb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())  # a stick may be pulled out
        os.replace(partial, path)


@contextlib.contextmanager
def filling(path):
    """Makes a folder that gets its name when all went well, and else leaves nothing.

    Args:
        path: `pathlib.Path`; a folder of that name is replaced.

    Yields:
        `pathlib.Path` of the folder to fill.
    """
    with _another_name(path) as partial:
        partial.mkdir()
        yield partial
        shutil.rmtree(path, ignore_errors=True)
        os.replace(partial, path)


@contextlib.contextmanager
def _another_name(path):
    path.parent.mkdir(parents=True, exist_ok=True)
    remove_stale(path)
    unique = f"{os.getpid()}.{secrets.token_hex(4)}"
    partial = path.with_name(f".{path.name}.{unique}{SUFFIX}")
    try:
        yield partial
    finally:
        _remove(partial)


def _remove(path):
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def remove_stale(path):
    """Removes what processes that were killed have left of a file or a folder.

    Args:
        path: `pathlib.Path` that they would have made.
    """
    for partial in path.parent.glob(f".{glob.escape(path.name)}.*{SUFFIX}"):
        if _age(partial) > STALE and not _is_somebodys(partial):
            _remove(partial)


def _age(path):
    try:
        return time.time() - path.stat().st_mtime
    except FileNotFoundError:  # finished in the meantime
        return 0


def _is_somebodys(partial):
    import psutil

    number = partial.name.split(".")[-3]
    return number.isdigit() and psutil.pid_exists(int(number))


def save(source, path, report, origin, total=0, sums=(), check=None):
    """Copies from an open file or connection into a file, verified or not at all.

    Args:
        source: Binary file to read from.
        path: `pathlib.Path`; its folder is made if need be.
        report: Function of a string (what), bytes done, and bytes in all; called
            again and again.
        origin: String, where it comes from, for errors.
        total: Integer, bytes that are expected; 0 if that is not known.
        sums: Sequence of sha256, 64 hexadecimal digits each, one of which it must
            have; empty if none is known.
        check: Function of a path, whether the file there is sound, or None.

    Raises:
        ConnectionError: If size, sum or content are not as expected.
    """
    digest, done = hashlib.sha256(), 0
    with writing(path) as target:
        while block := source.read(1 << 16):
            target.write(block)
            digest.update(block)
            done += len(block)
            report(path.name, done, total)
        _check(path.name, origin, done, total, digest.hexdigest(), sums)
        target.flush()
        if check and not check(target.name):
            raise ConnectionError(
                f"Expected `{path.name}` from {origin}. Received: something else "
                f"({done} bytes). {_BETWEEN}"
            )


_BETWEEN = (
    "Nothing was kept. Something between, such as a proxy or a log-in page, may have "
    "answered: try again, or on another network."
)


def _check(name, origin, done, total, found, sums):
    if total and done != total:
        raise ConnectionError(
            f"Expected {total} bytes from {origin}. Received: {done}. Try again."
        )
    if sums and found not in sums:
        raise ConnectionError(
            f"Expected `{name}` with sha256 {' or '.join(sums)} from {origin}. "
            f"Received: {found} ({done} bytes). {_BETWEEN}"
        )


def has_sum(path, sums):
    """Whether a file is what it should be.

    Args:
        path: `pathlib.Path`.
        sums: Sequence of sha256; empty if none is known.

    Returns:
        Boolean; True for any file if no sum is known.
    """
    if not path.is_file():
        return False
    return not sums or hashlib.sha256(path.read_bytes()).hexdigest() in sums
