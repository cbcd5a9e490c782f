"""Deletes, undoes, restores and checks in a real browser."""

import pytest

from testing import states
from testing.browser import cards, wait_for_cards
from testing.states import steps

pytestmark = pytest.mark.filterwarnings("ignore")


def test_a_deletion_is_undone_at_once_or_from_the_trash_and_the_library_is_checked(apps, browser, audit):
    page = browser.open(apps.kept_in_order().url)
    whole = cards(page).count()
    steps.delete_first(page)
    wait_for_cards(page, whole - 1)
    page.get_by_role("button", name="Undo").click()
    page.locator(".lk-toast.shown", has_text="Restored 1 picture").wait_for()
    wait_for_cards(page, whole)
    page.close()

    page = states.trash(browser, apps)
    audit(page, states.trash)
    page.get_by_role("button", name="Empty the trash…").click()
    page.keyboard.press("Enter")  # the focus is on Cancel
    page.locator(".lk-trash").get_by_role("button", name="Restore").click()
    page.get_by_text("The trash is empty.").wait_for()
    page.keyboard.press("Escape")
    wait_for_cards(page, whole)
    page.close()

    page = states.check_of_the_library(browser, apps)
    audit(page, states.check_of_the_library)
    page.get_by_role("button", name="Repair 1 thing…").click()
    page.get_by_role("button", name="Repair", exact=True).click()
    page.get_by_text("All is well.").wait_for()
    page.get_by_text("Result of the check of").wait_for()


def test_two_tabs_that_delete_and_bring_back_the_same_picture_agree(apps, browser):
    url = apps.kept_in_order().url
    one, other = browser.open(url), browser.open(url)
    whole = cards(other).count()
    steps.delete_first(one)
    other.locator(".lk-open").first.click()
    other.get_by_role("button", name="Delete", exact=True).click()
    other.get_by_role("button", name="Move to trash").click()
    other.locator(".lk-toast.shown", has_text="This picture is no longer in the library").wait_for()
    wait_for_cards(other, whole - 1)

    steps.delete_first(other)
    panel = browser.open(url)
    steps.open_dialog(panel, "Trash…")
    panel.get_by_role("button", name="Restore all 2").click()
    panel.get_by_text("The trash is empty.").wait_for()
    other.get_by_role("button", name="Undo").click()
    other.locator(".lk-toast.shown", has_text="This picture is in the library again").wait_for()
    wait_for_cards(other, whole)
