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
