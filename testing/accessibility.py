"""Looks at a state of the page with axe: wide and light, narrow and dark, and nothing over the edge."""

from __future__ import annotations

from typing import TYPE_CHECKING

from testing.browser import PHONE, WIDE, overhang
from testing.skipping import skip_or_fail
from testing.states import State

try:
    from axe_playwright_python.base import AXE_SCRIPT
except ImportError:
    AXE_SCRIPT = None

if TYPE_CHECKING:
    from playwright.sync_api import Page

# One card is built like the next: the first few speak for all, at a fraction of the time.
RUN_AXE = """
async () => (await axe.run({exclude: [['.lk-card:nth-child(n+5)']]}, {resultTypes: ['violations']})).violations
"""
AT_REST = "document.getAnimations().every(each => each.effect.getTiming().iterations === Infinity)"


def audit(page: Page, state: State) -> None:
    """Finds nothing serious in the state that the page is in, and leaves the page wide and light."""
    if AXE_SCRIPT is None:
        skip_or_fail("axe-playwright-python is not installed")
    page.evaluate(AXE_SCRIPT)
    for size, scheme in ((WIDE, "light"), (PHONE, "dark")):
        show(page, size, scheme)
        assert findings(page) == [], (state.__name__, size, scheme)
        assert overhang(page) <= 0, (state.__name__, size)
    show(page, WIDE, "light")


def show(page: Page, size: tuple[int, int], scheme: str) -> None:
    page.set_viewport_size({"width": size[0], "height": size[1]})
    page.emulate_media(color_scheme=scheme)
    page.locator("body.dark" if scheme == "dark" else "body:not(.dark)").wait_for()


def findings(page: Page) -> list[str]:
    """Returns what axe finds that is serious or critical, one line for each place."""
    page.wait_for_function(AT_REST)
    return [
        f"{found['id']} ({found['impact']}): {node['html']} {node['failureSummary']}"
        for found in page.evaluate(RUN_AXE)
        if found["impact"] in ("serious", "critical")
        for node in found["nodes"]
    ]
