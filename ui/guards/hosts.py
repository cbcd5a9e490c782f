"""Answers only under the page's own names and only its own scripts."""

from collections.abc import Collection
from dataclasses import dataclass
from ipaddress import ip_address
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from library.errors import NotAllowed
from ui.sentences import sentence_for

SAFE_METHODS = ("GET", "HEAD", "OPTIONS")


@dataclass(frozen=True)
class AllowedHosts:
    """Holds the host names that the app answers to, and the other sites that may use it."""

    hosts: Collection[str] | None = None  # the names that it answers to beside every address; None: to any
    sites: Collection[str] = ()  # hosts of other sites whose pages may call it
    framed_by: Collection[str] = ()  # origins whose pages may show it in a frame


NO_OTHER_SITES = AllowedHosts()


class HostGuard:
    """Guards an app against pages of other sites, also where they come under a name that they made point here."""

    def __init__(self, app: ASGIApp, allowed_hosts: AllowedHosts) -> None:
        self._app = app
        self._allowed_hosts = allowed_hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
        else:
            answer = self._refusal(scope) or self._app
            await answer(scope, receive, send)

    def _refusal(self, scope: Scope) -> PlainTextResponse | None:
        headers = Headers(scope=scope)
        host = _host(headers.get("host", ""))
        if not (self._allowed_hosts.hosts is None or _is_address(host) or host in self._allowed_hosts.hosts):
            wrong = NotAllowed("wrong_host", host=host[:100]) if host else NotAllowed("no_host")
            return PlainTextResponse(sentence_for(wrong, scope), 421)
        if is_foreign(scope) and _host(_netloc(headers.get("origin", ""))) not in self._allowed_hosts.sites:
            return PlainTextResponse(sentence_for(NotAllowed("other_site"), scope), 403)
        return None


def is_foreign(scope: Scope) -> bool:
    """Returns whether a request comes from a page of another site, and not by a link to this one.

    Browsers tell it in Sec-Fetch-Site (https://www.w3.org/TR/fetch-metadata/), except old ones and where the page is
    neither encrypted nor on loopback: there the origin of what may change something is compared with the host.
    """
    headers = Headers(scope=scope)
    is_safe = scope.get("method", "GET") in SAFE_METHODS
    if site := headers.get("sec-fetch-site"):
        is_link = headers.get("sec-fetch-mode") == "navigate" and is_safe
        return site not in ("same-origin", "none") and not is_link
    origin = headers.get("origin")
    return origin is not None and not is_safe and _netloc(origin) != headers.get("host")


def _netloc(origin: str) -> str:
    return origin.partition("://")[2]


def _host(netloc: str) -> str:
    """Returns the name of a host without its port, its brackets and the dot at its end, in small letters."""
    try:
        return (urlsplit(f"//{netloc}").hostname or "").removesuffix(".")
    except ValueError:
        return ""


def _is_address(host: str) -> bool:
    """Tells whether a host is a number: nobody can make a number point elsewhere."""
    try:
        ip_address(host)
    except ValueError:
        return False
    return True
