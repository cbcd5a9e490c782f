"""Compares near-duplicates side by side in a real browser."""

import pytest

from testing import states
from testing.browser import wait_for_cards
from testing.states import steps

pytestmark = pytest.mark.filterwarnings("ignore")


def test_near_duplicates_are_decided_about_group_by_group_with_the_keyboard(serve, apps, browser, tmp_path, audit):
    server = serve(DATA_DIR=str(apps.libraries.copy(apps.libraries.copies(), tmp_path)))
    page = browser.open(server.url)
    steps.find_near_duplicates(page)
    groups = page.locator(".lk-alikes")
    group = groups.filter(has_text="sunset over the sea")
    assert (groups.count(), group.locator("input:checked").count()) == (6, 1)
    audit(page, states.near_duplicates)

    for each in groups.all():  # what is preselected is told with the reason, and nothing is where that is unsure
        [reason] = [line for line in each.inner_text().splitlines() if "reselected" in line]
        assert each.locator("input:checked").count() == int(reason.startswith("Preselected: "))
    perhaps_enlarged = groups.filter(has_text="three blue flowers on a meadow, larger.jpg")
    assert perhaps_enlarged.locator("input:checked").count() == 0
    assert "Nothing is preselected: the larger one may be" in perhaps_enlarged.inner_text()

    group.get_by_role("radio", name="Keep sunset over the sea.png").check()
    group.get_by_role("button", name="Keep this one…").press("Enter")
    assert "Keep only sunset over the sea.png, and delete the other 2 pictures" in group.inner_text()
    audit(page, states.keeping_one)
    page.keyboard.press("Enter")  # the focus is on Cancel
    group.get_by_role("button", name="Keep this one…").press("Enter")
    group.get_by_role("button", name="Move to trash").press("Enter")
    page.get_by_text("Kept sunset over the sea.png, deleted 2 near-duplicates.").wait_for()
    group.wait_for(state="detached")

    house = groups.filter(has_text="a blue house")
    house.get_by_role("button", name="Not a duplicate: a blue house under a blue sky, half").click()
    house.locator("h3", has_text="2 pictures").wait_for()
    house.get_by_role("button", name="Keep both").click()
    house.wait_for(state="detached")
    page.get_by_role("button", name="Search again").click()
    page.get_by_text("4 groups of near-duplicates").wait_for()
    page.keyboard.press("Escape")
    wait_for_cards(page, 13)


def test_who_may_change_nothing_only_looks(apps, browser, audit):
    page = states.near_duplicates_to_look_at(browser, apps)
    audit(page, states.near_duplicates_to_look_at)
    assert page.locator(".lk-alikes button, .lk-alikes input").count() == 0


def test_there_is_a_sentence_where_there_are_none(apps, browser, audit):
    page = states.no_near_duplicates(browser, apps)
    assert page.locator(".lk-alikes").count() == 0
    audit(page, states.no_near_duplicates)


def test_a_library_can_be_too_small(apps, browser, audit):
    page = states.too_few_for_near_duplicates(browser, apps)
    assert page.locator(".lk-alikes").count() == 0
    audit(page, states.too_few_for_near_duplicates)


def test_a_milvus_that_is_away_is_told(apps, browser, audit):
    page = states.near_duplicates_without_milvus(browser, apps)
    audit(page, states.near_duplicates_without_milvus)
    assert "Milvus" in page.locator("#duplicates .lk-problem").inner_text()
