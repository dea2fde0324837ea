"""A hub on this machine for a load run: real accounts, removed afterwards."""

import contextlib
import json
import os
import pathlib
import pwd
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

import requests
from control_groups import LearnerGroup

FOLDER = pathlib.Path(__file__).resolve().parent
BIN = pathlib.Path(sys.executable).parent  # not resolved: the environment's
PROXY = "configurable-http-proxy"


@contextlib.contextmanager
def running(names):
    """A hub with an account for each learner, as long as the block runs.

    Args:
        names: list of strings; none may be an account of this machine.

    Yields:
        String, the hub's address, and dict, name to password.

    Raises:
        OSError: If this machine or this account cannot do it; says what is missing.
    """
    proxy = check(names)
    folder = pathlib.Path(tempfile.mkdtemp(prefix="tlcourse-hub-"))
    folder.chmod(0o755)
    made = []
    try:
        for name in names:
            _add(name, folder)
            made.append(name)
        _check_readable(names[0])
        with _hub(folder, names, proxy) as found:
            yield found
    finally:
        for name in made:
            _remove(name)
        shutil.rmtree(folder)


def check(names):
    """Whether a hub can be started here.

    Args:
        names: list of strings, the accounts to be made.

    Returns:
        String, where the proxy is.

    Raises:
        OSError: If not; says what is missing.
    """
    if os.geteuid() != 0:
        raise OSError(
            "Expected to be root, as accounts are made. Received: another account. "
            "Run it with sudo, or give the address of a hub with --url."
        )
    taken = [name for name in names if _is_account(name)]
    if taken:
        raise OSError(
            f"Expected names that are no accounts here. Received: {taken}. Choose "
            "another beginning with --names: the accounts are removed afterwards. "
            "One that a killed run has left goes with `userdel NAME`."
        )
    LearnerGroup(names[0])
    beside = BIN.parent / "node_modules" / ".bin"
    proxy = shutil.which(PROXY, path=f"{beside}{os.pathsep}{os.environ['PATH']}")
    if not proxy:
        raise OSError(
            f"Expected {PROXY} in {beside} or on the path. Received: nothing. "
            f"`npm install --prefix {BIN.parent} {PROXY}` brings it."
        )
    return proxy


def _is_account(name):
    try:
        return bool(pwd.getpwnam(name))
    except KeyError:
        return False


def _add(name, folder):
    home = folder / name
    command = ["useradd", "--create-home", "--home-dir", home, "--shell", "/bin/sh"]
    subprocess.run([*command, name], check=True)
    home.chmod(0o700)


def _remove(name):
    group = LearnerGroup(name)
    for number in group.processes():
        with contextlib.suppress(ProcessLookupError):
            os.kill(number, signal.SIGKILL)
    deadline = time.monotonic() + 10
    while group.processes() and time.monotonic() < deadline:
        time.sleep(0.1)
    group.remove()
    subprocess.run(["userdel", "--force", name], check=True)


def _check_readable(name):
    """Learners use this environment, and may not change it."""
    code = "import jupyterlab; from tlcourse._util import assets; assets.data_folder()"
    tried = subprocess.run(
        [sys.executable, "-c", code], user=name, cwd="/", capture_output=True, text=True
    )
    if tried.returncode:
        raise OSError(
            f"Expected that every account can read {sys.executable} and the course. "
            f"Received: {tried.stderr[-300:]} Put both where all may read, and take a "
            "Python that is not in somebody's home: make hub PYTHON=/usr/bin/python3"
        )


def _free_ports(count):
    with contextlib.ExitStack() as stack:
        found = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in found:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in found]


@contextlib.contextmanager
def _hub(folder, names, proxy):
    state = folder / "hub"
    state.mkdir(mode=0o700)
    settings = {"ports": _free_ports(3), "proxy": proxy}
    passwords = _make_seats(state, names)
    url = f"http://127.0.0.1:{settings['ports'][0]}"
    hub = _start(state, settings)
    try:
        _wait(url, hub, state / "log")
        yield url, passwords
    finally:
        hub.terminate()
        try:
            hub.wait(120)
        finally:
            hub.kill()


def _make_seats(state, names):
    """Makes the seats as a teacher does, and reads their slips."""
    seats, slips = str(FOLDER / "seats.py"), state / "slips.html"
    database = state / "jupyterhub.sqlite"
    database.touch(mode=0o600)
    command = [sys.executable, seats, "--database", database, "make", *names]
    subprocess.run([*command, "--slips", slips], check=True, stdout=sys.stderr)
    return read_slips(slips)


def read_slips(path):
    """Reads the slips that `seats.py` wrote: dict, name to password."""
    text = pathlib.Path(path).read_text("utf-8")
    found = dict(re.findall(r"<dt>Name<dd>(\S+)<dt>Password<dd>([\w-]+)", text))
    if not found:
        raise OSError(
            f"Expected the slips that seats.py writes. Received: {path}, without any."
        )
    return found


def _start(state, settings):
    environment = os.environ | {
        "TLCOURSE_HUB": json.dumps(settings),
        "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}",
    }
    environment.pop("PYTHONPATH", None)  # learners use what is installed
    with open(state / "log", "w") as log:
        return subprocess.Popen(
            [sys.executable, "-m", "jupyterhub", "-f", FOLDER / "local_config.py"],
            cwd=state,
            env=environment,
            stdout=log,
            stderr=subprocess.STDOUT,
        )


def _wait(url, hub, log):
    for _ in range(120):
        if hub.poll() is not None:
            break
        with contextlib.suppress(requests.ConnectionError):
            if requests.get(f"{url}/hub/health", timeout=10).ok:
                return
        time.sleep(0.5)
    raise OSError(
        "Expected a hub within a minute. Received: none. The end of its log:\n"
        + log.read_text()[-2000:]
    )
