"""Finds a port for the page, and names the reason why an address cannot be used."""

import errno
import socket

import pytest

from library.errors import AddressUnavailable
from ui import binding
from ui.binding import free_port, in_url


def listening(address, family=socket.AF_INET):
    return socket.create_server((address, 0), family=family)


@pytest.mark.parametrize("name", ["127.0.0.1", "::1", "0.0.0.0", "::", "localhost"])
def test_a_port_that_is_free_is_taken(name):
    with listening("127.0.0.1") as gone:
        port = gone.getsockname()[1]
    assert free_port(name, port) == port


@pytest.mark.parametrize(("name", "family"), [("127.0.0.1", socket.AF_INET), ("::1", socket.AF_INET6)])
def test_a_port_in_use_is_told_as_such(name, family):
    with listening(name, family) as other:
        port = other.getsockname()[1]
        with pytest.raises(AddressUnavailable, match=f"Port {port} is in use"):
            free_port(name, port)


def test_without_a_port_the_next_free_one_is_taken(monkeypatch):
    with listening("127.0.0.1") as other:
        port = other.getsockname()[1]
        monkeypatch.setattr(binding, "FIRST_PORT", port)
        assert free_port("127.0.0.1", None) > port
        monkeypatch.setattr(binding, "PORTS", 1)
        with pytest.raises(AddressUnavailable, match=f"The ports {port} to {port} are all in use"):
            free_port("127.0.0.1", None)


@pytest.mark.parametrize("name", ["192.0.2.1", "2001:db8::1"])
def test_an_address_of_another_machine_is_told_as_such(name):
    with pytest.raises(AddressUnavailable, match="is no address of this machine"):
        free_port(name, None)


@pytest.mark.parametrize("name", ["no such host", "x" * 300, "nohost.invalid"])
def test_a_name_of_nothing_is_told_as_such(name):
    with pytest.raises(AddressUnavailable, match="leads to no address"):
        free_port(name, None)


def test_a_port_for_the_superuser_is_told_as_such(monkeypatch):
    def refuse(*_):
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(socket.socket, "bind", refuse)
    with pytest.raises(AddressUnavailable, match="Port 80 may not be used by this user"):
        free_port("127.0.0.1", 80)


@pytest.mark.parametrize(("name", "written"), [("::1", "[::1]"), ("127.0.0.1", "127.0.0.1"), ("host", "host")])
def test_an_address_of_ipv6_stands_in_brackets(name, written):
    assert in_url(name) == written
