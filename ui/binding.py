"""Finds the port that the page is served at, and says why an address cannot be used."""

import errno
import socket
from collections.abc import Iterator, Sequence

from library.errors import AddressUnavailable
from library.messages.reasons import reason_of

FIRST_PORT, PORTS = 7860, 100  # as Gradio tries them
ABSENT = (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT)
PROBED_BY_GRADIO = (socket.AF_INET, "127.0.0.1")

Address = tuple[socket.AddressFamily, str]


def free_port(name: str, port: int | None) -> int:
    """Returns the port, or the first that is free where none is given. Raises AddressUnavailable."""
    addresses = _addresses(name)
    for each in [port] if port else range(FIRST_PORT, FIRST_PORT + PORTS):
        problem = _problem(addresses, each)
        if problem is None:
            return each
        if problem.errno != errno.EADDRINUSE:
            raise _explained(problem, name, each)
    if port:
        raise AddressUnavailable("port_in_use", port=str(port))
    raise AddressUnavailable("ports_in_use", first=str(FIRST_PORT), last=str(FIRST_PORT + PORTS - 1))


def in_url(name: str) -> str:
    """Returns an address as it stands in a URL: one of IPv6 in brackets."""
    return f"[{name}]" if ":" in name else name


def _addresses(name: str) -> list[Address]:
    """Returns the addresses that a name stands for. Raises AddressUnavailable."""
    try:
        found = socket.getaddrinfo(name, None, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except (OSError, UnicodeError):  # a name may also be too long to ask for
        raise AddressUnavailable("no_such_host", name=name) from None
    return list(dict.fromkeys((family, str(place[0])) for family, _, _, _, place in found))


def _problem(addresses: Sequence[Address], port: int) -> OSError | None:
    """Returns why none of the addresses can be used at this port, or why one of them is taken."""
    problems = list(_problems(addresses, port))
    absent = [problem for problem in problems if problem.errno in ABSENT]
    others = [problem for problem in problems if problem.errno not in ABSENT]
    if others:
        return others[0]
    return absent[0] if len(absent) == len(addresses) else None


def _problems(addresses: Sequence[Address], port: int) -> Iterator[OSError]:
    for family, address in dict.fromkeys([*addresses, PROBED_BY_GRADIO]):
        try:
            with socket.socket(family) as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                probe.bind((address, port))
        except OSError as error:
            yield error


def _explained(problem: OSError, name: str, port: int) -> AddressUnavailable:
    if problem.errno in ABSENT:
        return AddressUnavailable("no_such_address", name=name)
    if problem.errno in (errno.EACCES, errno.EPERM):
        return AddressUnavailable("port_not_permitted", port=str(port))
    return AddressUnavailable("address_not_had", name=name, port=str(port), reason=reason_of(problem))
