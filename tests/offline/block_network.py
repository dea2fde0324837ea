"""Refuses every connection that would leave this machine, at once."""

import ipaddress
import socket


def is_local(host):
    """Whether a host, a name or an address (None or "" is any), is this machine."""
    name = host.decode() if isinstance(host, bytes) else host
    if name in (None, "", "localhost"):
        return True
    try:
        address = ipaddress.ip_address(name)
    except ValueError:
        return False
    return address.is_loopback or address.is_unspecified


def _guard(owner, name, host_of):
    original = getattr(owner, name)

    def guarded(*arguments, **options):
        host = host_of(*arguments, **options)
        if not is_local(host):
            raise OSError(f"The tests run without a network. Received: {host!r}")
        return original(*arguments, **options)

    setattr(owner, name, guarded)


def _host_of(link, *arguments):
    inet = link.family in (socket.AF_INET, socket.AF_INET6)
    return arguments[-1][0] if inet else None


def install():
    """Replaces the ways out of Python's `socket` module; once is enough."""
    if not getattr(socket, "network_is_blocked", False):
        for name in ("connect", "connect_ex", "sendto"):
            _guard(socket.socket, name, _host_of)
        for name in ("getaddrinfo", "gethostbyname"):
            _guard(socket, name, lambda host, *_, **__: host)
    socket.network_is_blocked = True
