"""A folder to carry: weights and photographs for a class without a network."""

import errno
import filecmp
import pathlib
import shlex
import shutil

from tlcourse._util import assets, atomic
from tlcourse.course import fetch

# Bytes that a download may take; TFDS keeps archive, pictures and records for a while.
FILE, PHOTOGRAPHS = 10e6, 800e6


def fill(folder, report):
    """Puts all that the flowers track needs into a folder.

    What is on this disk already is copied and verified, the rest is downloaded.

    Args:
        folder: String or `pathlib.Path`; gets `keras/models` and `tfds`.
        report: Function of a string (what), bytes done, and bytes in all; called
            again and again.

    Returns:
        list of `fetch.Need`, what was brought; what is there is not brought again.

    Raises:
        ConnectionError: If the network, or the other side, does not answer.
        OSError: If there is not enough room; then nothing half remains.
    """
    folder = _absolute(folder)
    needs = fetch.needs(folder / "keras" / "models", folder / "tfds")
    work = [(need, _here(need)) for need in needs if not need.is_there]
    work.sort(key=lambda each: each[1] is None)  # the network, which may fail, last
    _check_room(folder, sum(_bytes(*each) for each in work))
    try:
        for need, source in work:
            _bring(need, source, report)
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
        raise OSError(
            f"Expected more room in {folder}. Received: {error.strerror}. Make room "
            "and run it again: what is whole is kept, and nothing half has remained."
        ) from error
    return [need for need, _ in work]


def _absolute(folder):
    return pathlib.Path(folder).expanduser().absolute()


def _here(need):
    """Where this disk has it, or None."""
    if not need.path:
        return assets.prepared_dataset(assets.FLOWERS_DATASET)
    path = assets.keras_weights_folder() / need.path.name
    return path if fetch.is_whole(path) else None


def _files(source):
    return [path for path in sorted(source.rglob("*")) if path.is_file()]


def _bytes(need, source):
    if source is None:
        return FILE if need.path else PHOTOGRAPHS
    return sum(path.stat().st_size for path in _files(source) or [source])


def _check_room(folder, wanted):
    there = next(path for path in (folder, *folder.parents) if path.exists())
    free = shutil.disk_usage(there).free
    if free < wanted:
        raise OSError(
            f"Expected {wanted / 1e6:.0f} MB of room for {folder}. Received: "
            f"{free / 1e6:.0f} MB. Make room, or choose another folder. Nothing was "
            "written."
        )


def _bring(need, source, report):
    if source is None:
        _download(need, report)
    elif need.path:
        _copy(source, need.path, report, need.sums)
    else:
        target = need.datasets / assets.FLOWERS_DATASET / source.name
        with atomic.filling(target) as partial:
            for path in _files(source):
                _copy(path, partial / path.relative_to(source), report)


def _download(need, report):
    try:
        fetch.bring(need, report)
    finally:
        if need.datasets:  # TFDS leaves the archive there
            shutil.rmtree(need.datasets / "downloads", ignore_errors=True)


def _copy(source, target, report, sums=()):
    with open(source, "rb") as file:
        size = source.stat().st_size
        atomic.save(file, target, report, str(source), size, sums)
    if not filecmp.cmp(source, target, shallow=False):
        target.unlink()
        raise OSError(
            f"Expected in {target} what is in {source}. Received: something else. "
            "The disk may be faulty: try another one."
        )


def instructions(folder):
    """What to set where the folder is used; it may be read only.

    Args:
        folder: String or `pathlib.Path`, as for `fill`.

    Returns:
        String, lines for bash, PowerShell and cmd.
    """
    folder = _absolute(folder)
    homes = {"KERAS_HOME": folder / "keras", "TFDS_DATA_DIR": folder / "tfds"}
    lines = ["Set these where the folder is used, before the notebooks start. bash:"]
    lines += [f"export {name}={shlex.quote(str(at))}" for name, at in homes.items()]
    lines += ["Windows, PowerShell:"]
    quoted = {name: str(at).replace("'", "''") for name, at in homes.items()}
    lines += [f"$env:{name} = '{at}'" for name, at in quoted.items()]
    lines += ["Windows, cmd:"]
    lines += [f"set {name}={at}" for name, at in homes.items()]
    return "\n".join(lines)
