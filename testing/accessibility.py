"""Checks a state of the page with axe on a wide light and a narrow dark screen, and that nothing overflows it."""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING, Literal

from testing.browser import PHONE, WIDE, overhang
from testing.skipping import skip_or_fail
from testing.states import State

try:
    from axe_playwright_python.base import AXE_SCRIPT
except ImportError:
    AXE_SCRIPT = None

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import Page

# The parts of a page that change on their own. What one of them shows, axe has seen once it was the same elsewhere
# (but for numbers, IDs and whom they name); and one card is built like the next, so that the first few speak for all.
# Nothing can be done beside a modal dialog, and axe takes its colours for the background of what it covers.
LOOKS_OF_PARTS = """
() => {
  const made = /[0-9a-f]{16,}|[0-9]+| (id|for|name|aria-controls|aria-[a-z]+by)="[^"]*"/g;
  const modal = document.querySelector('dialog:modal');
  const all = document.querySelectorAll('#header, #query, #settings, #add, #run, #results, #notice');
  window.audited = modal ? [modal] : [...all];
  return window.audited.map(part => {
    const copy = part.cloneNode(true);
    copy.querySelectorAll('.lk-card:nth-child(n+5)').forEach(card => card.remove());
    const inputs = [...part.querySelectorAll('input, textarea, select')].map(({value, checked}) => value + checked);
    return (copy.outerHTML + inputs).replace(made, '');
  });
}
"""
VIOLATIONS = """
async (isKnown) => {
  const known = window.audited.filter((_, place) => isKnown[place]);
  const modal = document.querySelector('dialog:modal');
  if (modal && known.length) return [];
  const exclude = [...known, '.lk-card:nth-child(n+5)'];
  return (await axe.run({include: [modal || document], exclude}, {resultTypes: ['violations']})).violations;
}
"""
Scheme = Literal["light", "dark"]

AT_REST = "document.getAnimations().every(each => each.effect.getTiming().iterations === Infinity)"


class Audit:
    """Checks states of the page with axe; a part that looks the same in several states is checked once."""

    def __init__(self, folder: Path) -> None:
        """Notes in the folder what has been checked, for the other processes of a run, too."""
        folder.mkdir(exist_ok=True)
        self._folder = folder

    def __call__(self, page: Page, state: State) -> None:
        if AXE_SCRIPT is None:
            skip_or_fail("axe-playwright-python is not installed")
        page.evaluate(AXE_SCRIPT)
        shown: tuple[tuple[tuple[int, int], Scheme], ...] = ((WIDE, "light"), (PHONE, "dark"))
        for size, scheme in shown:
            show(page, size, scheme)
            findings = self._findings(page, scheme)
            assert not findings, (state.__name__, size, scheme, findings)
            assert overhang(page) <= 0, (state.__name__, size)
        show(page, WIDE, "light")

    def _findings(self, page: Page, scheme: Scheme) -> list[str]:
        """Returns the serious and critical findings of axe, one line for each element."""
        page.wait_for_function(AT_REST)
        seen = [
            self._folder / sha256(f"{scheme} {look}".encode()).hexdigest() for look in page.evaluate(LOOKS_OF_PARTS)
        ]
        violations = page.evaluate(VIOLATIONS, [each.exists() for each in seen])
        for each in seen:
            each.touch()
        return [
            f"{found['id']} ({found['impact']}): {node['html']} {node['failureSummary']}"
            for found in violations
            if found["impact"] in ("serious", "critical")
            for node in found["nodes"]
        ]


def show(page: Page, size: tuple[int, int], scheme: Scheme) -> None:
    page.set_viewport_size({"width": size[0], "height": size[1]})
    page.emulate_media(color_scheme=scheme)
    page.locator("body.dark" if scheme == "dark" else "body:not(.dark)").wait_for()
