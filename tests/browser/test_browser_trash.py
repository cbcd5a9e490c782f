"""Deletes, undoes, restores and checks in a real browser."""

import pytest

from testing.browser import cards, wait_for_cards
from testing.states import steps

pytestmark = pytest.mark.filterwarnings("ignore")


def delete_first(page):
    page.locator(".lk-open").first.click()
    page.get_by_role("button", name="Delete", exact=True).click()
    page.get_by_text("The trash keeps it for 30 days.").wait_for()
    page.get_by_role("button", name="Move to trash").click()
    page.locator(".lk-toast.shown", has_text="Deleted").wait_for()


def trash(page):
    """Stands for the state in which the trash is shown."""


def check_of_the_library(page):
    """Stands for the state in which the check has found something."""


def test_a_deletion_is_undone_at_once_or_from_the_trash_and_the_library_is_checked(
    serve, apps, browser, tmp_path, audit
):
    data = apps.libraries.copy(apps.libraries.copies(), tmp_path)
    page = browser.open(serve(DATA_DIR=str(data)).url)
    whole = cards(page).count()
    delete_first(page)
    wait_for_cards(page, whole - 1)
    page.get_by_role("button", name="Undo").click()
    page.locator(".lk-toast.shown", has_text="Restored 1 picture").wait_for()
    wait_for_cards(page, whole)

    delete_first(page)
    wait_for_cards(page, whole - 1)
    steps.open_settings(page)
    page.get_by_role("button", name="Trash…").click()
    page.get_by_role("button", name="Restore", exact=False).last.wait_for()
    audit(page, trash)
    page.get_by_role("button", name="Empty the trash…").click()
    page.keyboard.press("Enter")  # the focus is on Cancel
    page.locator(".lk-trash").get_by_role("button", name="Restore").click()
    page.get_by_text("The trash is empty.").wait_for()
    page.keyboard.press("Escape")
    wait_for_cards(page, whole)

    next((data / "images").rglob("*.thumb.jpg")).unlink()
    page.get_by_role("button", name="Check library…").click()
    page.get_by_role("button", name="Check the library").click()
    page.get_by_text("missing thumbnails").wait_for()
    audit(page, check_of_the_library)
    page.get_by_role("button", name="Repair 1 thing…").click()
    page.get_by_role("button", name="Repair", exact=True).click()
    page.get_by_text("All is well.").wait_for()
