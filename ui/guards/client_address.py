"""Tells visitors apart by their address, and notes a proxy that nobody has named."""

import logging
from ipaddress import IPv6Address, ip_address, ip_network
from typing import Any

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

logger = logging.getLogger(__name__)

FORWARDED = "x-forwarded-for"
OWN_BITS = 64  # of an address of IPv6, what stands for one household: the rest is its own to choose
LONGEST = 100  # characters, of what a proxy hands on


def address_of(scope: Scope) -> str:
    """Returns where a request comes from; behind a proxy of FORWARDED_ALLOW_IPS, where it came from before."""
    client = scope.get("client")
    return _household(str(client[0])[:LONGEST]) if client else ""


def address_of_call(request: Any) -> str:
    """Returns where a call of Gradio comes from; empty where nobody sent it."""
    client = getattr(request, "client", None)
    return _household(str(client.host)[:LONGEST]) if client else ""


class ProxyNotice:
    """Logs, once, that a proxy stands before the app and is not trusted: its visitors share one address then."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._is_told = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if not self._is_told and scope["type"] == "http" and _is_forwarded_in_vain(scope):
            self._is_told = True
            logger.warning(
                "A request from %s brings the address of somebody else (X-Forwarded-For), which is not believed: all "
                "that comes from there counts as one visitor. If it is your proxy, name it in FORWARDED_ALLOW_IPS.",
                address_of(scope),
            )
        await self._app(scope, receive, send)


def _is_forwarded_in_vain(scope: Scope) -> bool:
    """Returns whether a request names an address that uvicorn did not put in the place of its own."""
    forwarded = ", ".join(Headers(scope=scope).getlist(FORWARDED))
    client = scope.get("client")
    return client is not None and bool(forwarded.strip()) and str(client[0]) not in forwarded


def _household(host: str) -> str:
    try:
        address = ip_address(host)
    except ValueError:
        return host
    if not isinstance(address, IPv6Address):
        return host
    return str(address.ipv4_mapped or ip_network((address.packed, OWN_BITS), strict=False))
