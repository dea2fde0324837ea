"""The tests really run without a network."""

import socket
import subprocess
import sys

import pytest

CODE = "import urllib.request as u; u.urlopen('http://192.0.2.1/')"


@pytest.mark.parametrize("host", ["192.0.2.1", "2001:db8::1", "example.org"])
def test_a_connection_outwards_is_refused_at_once(host):
    with pytest.raises(OSError, match="without a network"):
        socket.create_connection((host, 80), timeout=1)


def test_a_subprocess_is_refused_as_well():
    ended = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True)
    assert "without a network" in ended.stderr


def test_this_machine_still_answers():
    with socket.create_server(("127.0.0.1", 0)) as server:
        socket.create_connection(server.getsockname()).close()
