"""Opens the page in Chromium, acts as a visitor, and notes errors, dialogs and requests to elsewhere."""

import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

try:
    from playwright.sync_api import Locator, Page, sync_playwright
except ImportError:
    sync_playwright = None  # type: ignore[assignment]

# Each is Chromium; the first has no windows to keep and takes a sixth less of the processor.
PROGRAMS = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
CHROMIUM = next(filter(None, map(shutil.which, PROGRAMS)), None)
FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--process-per-site",
]
OWN_ADDRESSES = ("http://127.0.0.1", "ws://127.0.0.1", "data:", "blob:")
WIDE, PHONE = (1400, 900), (390, 844)
PATIENCE = 30_000
EXPLAINED = (
    "status of 410",  # Chromium notes what the page explains: an original that is no longer at its source
    "AbortError: signal is aborted",  # Gradio notes the streams that it ends itself when the page goes
)
LEFT_BEHIND = "net::ERR_ABORTED"  # what was on its way when the visitor went elsewhere


def start_chromium(playwright: Any) -> Any:
    return playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)


class SharedChromium:
    """Starts one Chromium for all tests of a thread; while it runs, that thread can run no other event loop."""

    def __init__(self) -> None:
        self._playwright: Any = None
        self._contexts: Contexts | None = None

    def contexts(self) -> "Contexts":
        if self._contexts is None:
            self._playwright = sync_playwright().start()
            self._contexts = Contexts(start_chromium(self._playwright))
        return self._contexts

    def stop(self) -> None:
        if self._contexts is not None:
            self._contexts.chromium.close()
            self._playwright.stop()
            self._contexts = None


class Contexts:
    """Reuses browser contexts from test to test: cookies are cleared, cached scripts stay."""

    def __init__(self, chromium: Any) -> None:
        self.chromium = chromium
        self._idle: dict[tuple[Any, ...], list[Any]] = {}

    def take(self, *kind: Any) -> Any:
        idle = self._idle.setdefault(kind, [])
        return idle.pop() if idle else self._new(*kind)

    def give_back(self, context: Any, *kind: Any) -> None:
        for page in context.pages[1:]:
            page.close()
        context.clear_cookies()
        self._idle[kind].append(context)

    def _new(self, size: tuple[int, int], scheme: str, locale: str) -> Any:
        is_phone = size[0] < 500
        context = self.chromium.new_context(
            viewport={"width": size[0], "height": size[1]},
            color_scheme=scheme,
            reduced_motion="reduce",  # a software renderer draws each frame of a transition on the processor
            locale=locale,
            has_touch=is_phone,
            is_mobile=is_phone,
        )
        context.set_default_timeout(PATIENCE)
        self._keep_renderer(context)
        return context

    def _keep_renderer(self, context: Any) -> None:
        """Keeps a page open, whose process has compiled the scripts, so that others open sooner."""
        page = context.new_page()
        page.route("**/*", lambda route: route.fulfill(body=""))
        page.goto(OWN_ADDRESSES[0])


class Browser:
    """Acts as one visitor, with as many tabs as they open."""

    def __init__(
        self, contexts: Contexts, size: tuple[int, int] = WIDE, scheme: str = "light", locale: str = "en-US"
    ) -> None:
        self.problems: list[str] = []
        self._contexts = contexts
        self._kind = (size, scheme, locale)
        self.context = contexts.take(*self._kind)
        self._listeners: dict[str, Callable[[Any], None]] = {
            "weberror": lambda error: self.problems.append(f"error: {error.error}"),
            "console": self._note_console,
            "request": lambda request: self._note_address(request.url),
            "requestfailed": self._note_failure,
            "dialog": self._note_dialog,
            "page": self._watch_sockets,
        }
        for event, listener in self._listeners.items():
            self.context.on(event, listener)

    def open(self, url: str) -> "Page":
        page = self.context.new_page()
        page.goto(url)
        page.locator("#results [data-state]:not([data-state=starting])").wait_for(state="attached")
        return page

    def close(self) -> None:
        for event, listener in self._listeners.items():
            self.context.remove_listener(event, listener)
        self._contexts.give_back(self.context, *self._kind)

    def _watch_sockets(self, page: "Page") -> None:
        page.on("websocket", lambda socket: self._note_address(socket.url))

    def _note_console(self, message: Any) -> None:
        if message.type == "error" and not any(each in message.text for each in EXPLAINED):
            self.problems.append(f"console: {message.text}")

    def _note_address(self, url: str) -> None:
        if not url.startswith(OWN_ADDRESSES):
            self.problems.append(f"request: {url}")

    def _note_failure(self, request: Any) -> None:
        if request.failure != LEFT_BEHIND:
            self.problems.append(f"failed: {request.url} {request.failure}")

    def _note_dialog(self, dialog: Any) -> None:
        self.problems.append(f"dialog: {dialog.message}")
        dialog.dismiss()


def search(page: "Page", words: str) -> None:
    page.get_by_label("Describe a picture").fill(words)
    page.get_by_role("button", name="Search", exact=True).click()
    page.locator(".lk-timing").wait_for()


def wait_for_box(page: "Page", words: str) -> None:
    """Waits until the search box holds the query, which the page fills in independently of the results."""
    page.wait_for_function("words => document.querySelector('#query textarea').value == words", arg=words)


def search_with_file(page: "Page", path: Path) -> None:
    page.locator("#query input[type=file]").set_input_files(path)
    page.locator("#query .thumbnail-item").first.wait_for()
    page.get_by_role("button", name="Search", exact=True).click()


def cards(page: "Page") -> "Locator":
    return page.locator("#results .lk-grid:not(.skeleton) .lk-card")


def wait_for_cards(page: "Page", count: int) -> None:
    page.wait_for_function("count => document.querySelectorAll('.lk-card .lk-open').length == count", arg=count)


def names(page: "Page") -> list[str]:
    return page.locator("#results .lk-card .lk-name").all_text_contents()


def choose(page: "Page", paths: Sequence[Path] | Path) -> None:
    page.locator("#uploads input[type=file]").first.set_input_files(paths)


def upload(page: "Page", paths: Sequence[Path] | Path) -> None:
    choose(page, paths)
    run(page, "done")


def run(page: "Page", state: str) -> None:
    """Waits until the page shows its upload in the given state."""
    page.locator(f".lk-run[data-state={state}]").wait_for(timeout=3 * PATIENCE)


def counts(page: "Page") -> list[str]:
    return page.locator(".lk-counts li").all_text_contents()


def loaded(page: "Page", selector: str) -> None:
    page.wait_for_function("selector => document.querySelector(selector)?.naturalWidth > 0", arg=selector)


def wait_for_focus(page: "Page", label: str) -> None:
    """Waits until a closed dialog has returned the focus."""
    page.wait_for_function("label => document.activeElement.getAttribute('aria-label')?.startsWith(label)", arg=label)


def overhang(page: "Page") -> int:
    """Returns how many pixels the page is wider than the window."""
    return page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
