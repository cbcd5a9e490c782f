"""Visits the public demo with two browsers at once: each sees their own pictures and never the other's."""

import pytest

from testing import states
from testing.browser import PHONE, WIDE, cards, wait_for_cards
from testing.states import steps


def add(page, *pictures):
    page.locator("#uploads input[type=file]").first.set_input_files(list(pictures))
    page.get_by_text("No other visitor sees your pictures.").wait_for()


@pytest.mark.parametrize(
    "size, locale, words",
    [
        (WIDE, "en-US", "No other visitor sees it"),
        (PHONE, "ko-KR", "다른 방문자에게는 보이지 않지만"),
        (PHONE, "zh-TW", "其他訪客看不到"),
    ],
)
def test_who_sees_a_picture_to_search_with_is_said_at_the_search_box(apps, visit, size, locale, words):
    page = visit(size, "light", locale).open(apps.demo().url)
    line = page.locator("#box-notice").get_by_text(words)
    line.wait_for()
    box = page.locator("#query").bounding_box()
    below = line.bounding_box()["y"] - box["y"] - box["height"]
    assert -1 <= below < 40


def test_two_browsers_at_once_see_their_own_pictures_only(apps, visit, audit):
    url = apps.demo().url
    ann, bob = visit(), visit()
    hers, his = ann.open(url), bob.open(url)
    for page in (hers, his):
        steps.open_additions(page)
        page.get_by_text("No other visitor will see what you add here.").wait_for()
        page.get_by_text("24 hours after the first one everything you added is removed").wait_for()
    whole = cards(hers).count()
    same, other = apps.picture("anns own.png"), apps.picture("bobs own.png")
    add(hers, same)
    add(his, same, other)
    hers.get_by_text("1 of 2 pictures").wait_for()
    his.get_by_text("2 of 2 pictures").wait_for()
    audit(hers, states.demo)
    assert hers.locator(".lk-own").count() == 1 and his.locator(".lk-own").count() == 2
    assert hers.get_by_text("bobs own.png").count() == 0 and cards(hers).count() == cards(his).count() == whole

    picture = hers.locator(".lk-own").first.locator("xpath=ancestor::li").locator("img").get_attribute("src")
    theirs = his.locator(".lk-card", has_text="bobs own.png").locator("img").get_attribute("src")
    assert hers.request.get(f"{url}/{theirs.lstrip('/')}").status == 404
    assert his.request.get(f"{url}/{picture.lstrip('/')}").status == 200  # he has added the same one

    his.get_by_role("button", name="Remove my pictures now…").click()
    his.get_by_role("button", name="Delete for good").click()
    his.get_by_text("No other visitor will see what you add here.").wait_for()
    his.wait_for_function("document.querySelectorAll('.lk-own').length === 0")
    assert his.request.get(f"{url}/{picture.lstrip('/')}").status == 404
    hers = ann.open(url)  # another tab of the same browser
    wait_for_cards(hers, whole)
    assert hers.locator(".lk-own").count() == 1
    hers.get_by_role("button", name="anns own.png").first.click()
    hers.get_by_role("button", name="Delete", exact=True).click()
    hers.get_by_role("button", name="Delete for good").click()
    hers.get_by_text("No other visitor sees your pictures.").wait_for()
    hers.wait_for_function("document.querySelectorAll('.lk-own').length === 0")
