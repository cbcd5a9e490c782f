"""Brings the page into the states of the trash, the check of the library and the public demo."""

from __future__ import annotations

from typing import TYPE_CHECKING

from testing.apps import Apps
from testing.browser import Browser
from testing.states.steps import delete_first, open_additions, open_dialog

if TYPE_CHECKING:
    from playwright.sync_api import Page


def trash(visitor: Browser, apps: Apps) -> Page:
    page = visitor.open(apps.kept_in_order().url)
    delete_first(page)
    open_dialog(page, "Trash…")
    page.get_by_role("button", name="Restore", exact=False).last.wait_for()
    return page


def check_of_the_library(visitor: Browser, apps: Apps) -> Page:
    """Shows what the check of the library reports where a thumbnail is missing."""
    page = visitor.open(apps.kept_in_order().url)
    apps.lose_a_thumbnail()
    open_dialog(page, "Check library…")
    page.get_by_role("button", name="Check the library").click()
    page.get_by_text("missing thumbnails").wait_for()
    return page


def demo(visitor: Browser, apps: Apps) -> Page:
    """Shows what the demo says to those who are about to add pictures."""
    page = visitor.open(apps.demo().url)
    open_additions(page)
    page.get_by_text("No other visitor will see what you add here.").wait_for()
    return page
