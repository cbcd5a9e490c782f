"""Does the clicks and uploads that bring the page into a state."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from testing.apps import Apps
from testing.browser import choose, run

if TYPE_CHECKING:
    from playwright.sync_api import Page


def open_near_duplicates(page: Page) -> None:
    open_dialog(page, "Near-duplicates…")
    page.locator("#duplicates .lk-report-decision").wait_for()


def find_near_duplicates(page: Page) -> None:
    """Finds the near-duplicates, unless they were found in this app before."""
    open_near_duplicates(page)
    look = page.get_by_role("button", name="Find near-duplicates")
    if look.count():
        look.click()
        page.locator("#duplicates .lk-report-sentence").wait_for()


def measure(page: Page) -> None:
    page.get_by_role("button", name=re.compile("^Measure( again)?$")).click()
    page.locator(".lk-report-sentence").wait_for(timeout=120_000)  # 2,500 searches, on whatever processor there is


def open_cropper(page: Page) -> None:
    page.get_by_role("button", name="Choose a part of").last.click()
    page.wait_for_function("document.querySelector('.lk-crop img')?.naturalWidth > 0")


def open_settings(page: Page) -> None:
    _unfold(page, "Search settings")


def open_dialog(page: Page, name: str) -> None:
    """Opens one of the dialogs of the library's menu by the name of its entry."""
    page.get_by_role("button", name="Library", exact=True).click()
    page.get_by_role("button", name=name).click()


def show_past_runs(page: Page) -> None:
    open_dialog(page, "Past runs")
    page.locator(".lk-past table").wait_for()


def open_additions(page: Page) -> None:
    _unfold(page, "Add pictures")


def delete_first(page: Page) -> None:
    page.locator(".lk-open").first.click()
    page.get_by_role("button", name="Delete", exact=True).click()
    page.get_by_text("The trash keeps it for 30 days.").wait_for()
    page.get_by_role("button", name="Move to trash").click()
    page.locator(".lk-toast.shown", has_text="Deleted").wait_for()


def import_a_table(page: Page, apps: Apps) -> None:
    folder = apps.picture("in a table.png").parent
    (folder / "photos.csv").write_text("where,class\nin a table.png,rose\n")
    page.get_by_label("From the server").fill(str(folder / "photos.csv"))
    page.get_by_label("Column with the paths or addresses of the pictures").fill("where")
    page.get_by_role("button", name="Import", exact=True).click()
    page.locator(".lk-card", has_text="in a table.png").first.wait_for()
    run(page, "done")


def choose_another(page: Page, apps: Apps) -> None:
    """Chooses a file to add while an import is running."""
    choose(page, apps.picture())
    page.get_by_text("Waiting for another run to finish").wait_for()


def view(page: Page, name: str) -> None:
    page.locator(".lk-card", has_text=name).first.locator(".lk-open").click()
    page.locator(".lk-viewer .lk-title").wait_for()


def _unfold(page: Page, title: str) -> None:
    """Opens both boxes of the side bar, which are closed at first on a narrow screen."""
    heading = page.get_by_role("button", name=title, exact=True)
    if heading.get_attribute("aria-expanded") == "false":
        heading.click()


def select(page: Page, *places_of_cards: int) -> None:
    for place in places_of_cards:
        page.locator(".lk-pick").nth(place).evaluate("node => node.click()")
