"""Says what launching the page needs besides an address: its looks, its routes, and its guards in their order."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from gradio.utils import get_upload_folder
from starlette.middleware import Middleware
from starlette.routing import Route

from library.image_library import ImageLibrary
from library.permissions import Edits
from ui.early_script import EarlyScript
from ui.guards.client_address import ProxyNotice
from ui.guards.closed_routes import ClosedRoutes
from ui.guards.concurrency import ConcurrencyLimit
from ui.guards.direct_calls import DirectCalls
from ui.guards.full_disk import FullDiskAnswer
from ui.guards.hosts import NO_OTHER_SITES, AllowedHosts, HostGuard
from ui.guards.json_limits import JsonLimits
from ui.guards.malformed_calls import MalformedCalls
from ui.guards.origins import named_origins, with_our_origins
from ui.guards.page_parameter import NoPageParameter
from ui.guards.request_limits import RequestLimits
from ui.guards.security_headers import SecurityHeaders
from ui.guards.sign_in import Accounts, SignIn
from ui.guards.upload_refusals import UploadRefusals
from ui.guards.visitor_access import VisitorAccess
from ui.handlers.demo import VisitorsDesk
from ui.handlers.exports import export_routes
from ui.health import health_routes
from ui.lanes import MOST_WAITING
from ui.languages import translations, welcome
from ui.mcp import offered_from_the_start
from ui.media import media_routes
from ui.page_cache import PageCache
from ui.prometheus import metrics_routes
from ui.request_ids import RequestIds
from ui.route_order import with_calls_first
from ui.scripts import Scripts
from ui.theme import ASSETS, STYLES, theme
from ui.uploaded_files import MAX_FILE_MEGABYTES
from ui.visitor_cookie import Visitors, visitor_routes, visitor_script

SESSIONS = 2_000  # of pages that are open, 100 KB each
CALLS_THREADS = 64  # 40 would be those that serve files and the page, which calls must not use up
AT_ONCE_EACH = 10  # requests for pictures and the like that stand for one call: a page of results asks for many


def launch_options(
    library: ImageLibrary,
    passwords: Mapping[str, str] | None = None,
    mcp: bool = False,
    allowed_hosts: AllowedHosts = NO_OTHER_SITES,
    edits: Edits = "all",
    desk: VisitorsDesk | None = None,
    most_waiting: int = MOST_WAITING,
) -> dict[str, Any]:
    """Returns the keyword arguments for `Blocks.launch`; host, port and root path are the caller's.

    Without passwords, everything is open. With a desk, each visitor of the demo is answered as themselves.
    """
    scripts = Scripts()
    accounts = Accounts(passwords) if passwords else None
    return {
        "theme": theme(),
        "css_paths": [ASSETS / "css" / name for name in STYLES],
        "head": "\n".join([*([visitor_script()] if desk else []), scripts.head()]),
        "i18n": translations(),
        "js": scripts.start(),
        "favicon_path": ASSETS / "favicon.svg",
        "footer_links": ["api", "settings"],
        "run_history": False,  # it would keep every visitor's queries in the browser
        "max_file_size": f"{MAX_FILE_MEGABYTES}mb",
        "auth": accounts.accept if accounts else None,
        "auth_message": welcome() if accounts else None,
        # Where Gradio renders on the server, its login page says the same of whatever went wrong.
        "ssr_mode": False if accounts else None,
        "mcp_server": mcp,
        "max_threads": CALLS_THREADS,
        "_frontend": False,  # else it looks for itself for three seconds at most, and ends the app on a busy machine
        "state_session_capacity": SESSIONS,
        "app_kwargs": {
            "routes": _routes(scripts, library, desk),
            "middleware": _middleware(library, accounts, allowed_hosts, edits, desk, most_waiting),
            "lifespan": with_calls_first(with_our_origins(offered_from_the_start if mcp else None)),
        },
    }


def _routes(scripts: Scripts, library: ImageLibrary, desk: VisitorsDesk | None) -> list[Route]:
    others = (media_routes, export_routes, health_routes, metrics_routes)
    of_visitors = visitor_routes() if desk else []
    return [*scripts.routes(), *(route for routes in others for route in routes(library)), *of_visitors]


def _middleware(
    library: ImageLibrary,
    accounts: Accounts | None,
    allowed_hosts: AllowedHosts,
    edits: Edits,
    desk: VisitorsDesk | None,
    most_waiting: int,
) -> list[Middleware]:
    """Returns what each request passes, the outermost first."""
    uploads = Path(get_upload_folder())
    sign_in = [Middleware(SignIn, accounts=accounts)] if accounts else []
    visitor_access = (
        [Middleware(VisitorAccess, spaces=desk.spaces, ownership=desk.ownership, uploads=uploads)] if desk else []
    )
    return [
        Middleware(SecurityHeaders, framed_by=allowed_hosts.framed_by),
        Middleware(RequestIds, monitor=library.monitor),
        Middleware(ProxyNotice),
        *named_origins(allowed_hosts.sites),
        Middleware(HostGuard, allowed_hosts=allowed_hosts),
        Middleware(Visitors, in_a_frame=bool(allowed_hosts.framed_by)),
        Middleware(NoPageParameter),
        *sign_in,
        Middleware(ClosedRoutes),
        Middleware(ConcurrencyLimit, most=AT_ONCE_EACH * most_waiting),
        Middleware(RequestLimits, edits=edits, folder=uploads),
        Middleware(JsonLimits, edits=edits),
        *visitor_access,
        Middleware(PageCache),
        Middleware(EarlyScript),
        Middleware(FullDiskAnswer),
        Middleware(DirectCalls, most=most_waiting, monitor=library.monitor),
        Middleware(MalformedCalls),
        Middleware(UploadRefusals),
    ]
