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


def _refuse(host):
    raise OSError(f"The tests run without a network. Received: {host!r}")


def _guarded(original):
    def method(self, *arguments):
        address = arguments[-1]
        inet = self.family in (socket.AF_INET, socket.AF_INET6)
        if inet and not is_local(address[0]):
            _refuse(address[0])
        return original(self, *arguments)

    return method


def _guarded_lookup(original):
    def lookup(host, *arguments, **options):
        if not is_local(host):
            _refuse(host)
        return original(host, *arguments, **options)

    return lookup


def install():
    """Replaces the ways out of Python's `socket` module; once is enough."""
    if getattr(socket, "network_is_blocked", False):
        return
    for name in ("connect", "connect_ex", "sendto"):
        setattr(socket.socket, name, _guarded(getattr(socket.socket, name)))
    for name in ("getaddrinfo", "gethostbyname"):
        setattr(socket, name, _guarded_lookup(getattr(socket, name)))
    socket.network_is_blocked = True
