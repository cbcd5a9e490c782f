"""Tells which proxy of the environment stands between this machine and an address, for the errors that name it."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import ip_address
from urllib.parse import urlsplit
from urllib.request import proxy_bypass


@dataclass(frozen=True)
class Proxy:
    """Names a proxy by the variable that holds it, with its address as it may be shown."""

    variable: str
    address: str


def web_proxy(url: str, heeds_all: bool = True) -> Proxy | None:
    """Returns the proxy that requests to this URL go through; None where they go directly.

    `heeds_all` says that who makes them heeds ALL_PROXY.
    """
    scheme, host = _parts(url)
    if not host or is_loopback(host) or proxy_bypass(host):
        return None
    variables = [f"{scheme}_proxy", *["all_proxy"] * heeds_all]
    return _named([each for name in variables for each in (name, name.upper())])


def grpc_proxy(url: str) -> Proxy | None:
    """Returns the proxy that gRPC reaches this address through, which has to be one of HTTP."""
    _, host = _parts(url)
    exempt = next(filter(None, map(os.environ.get, ("no_grpc_proxy", "no_proxy"))), "").split(",")
    if not host or is_loopback(host) or any(end.strip() and host.endswith(end.strip()) for end in exempt):
        return None
    found = _named(["grpc_proxy", "https_proxy", "http_proxy"])
    return found if found and found.address.partition("://")[0] in ("http", found.address) else None


def is_loopback(host: str) -> bool:
    """Tells whether a host is this machine itself, which no proxy can reach."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def _parts(url: str) -> tuple[str, str]:
    try:
        parts = urlsplit(url)
        return parts.scheme, parts.hostname or ""
    except ValueError:  # brackets that do not close
        return "", ""


def _named(variables: Sequence[str]) -> Proxy | None:
    """Returns the proxy of the first variable that is set."""
    for name in variables:
        if address := os.environ.get(name):
            scheme, is_url, rest = address.rpartition("://")
            return Proxy(name, scheme + is_url + rest.rpartition("@")[2])
    return None
