"""Shows in a real browser why pictures matched: heat maps over the cards in sight and in the viewer."""

import pytest

from testing import states
from testing.browser import wait_for_cards

pytestmark = pytest.mark.filterwarnings("ignore")

TWO_PARTS = "/?q=a+sunset+over+the+sea&q=a+moon&w=-0.4"
MAPS = "document.querySelectorAll('.lk-card .lk-heat').length"
BRIGHT = """canvas => {
  const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
  return data.some((value, place) => place % 4 === 0 && value > 200);
}"""


def switch(page):
    return page.locator(".lk-line").get_by_role("button", name="Why it matched")


def test_the_cards_in_sight_get_their_maps_and_lose_them_again(apps, browser, audit):
    page = states.why(browser, apps)
    assert 0 < page.evaluate(MAPS) < 24  # none for what is far below
    assert page.locator(".lk-card .lk-heat").first.evaluate(BRIGHT)
    assert "a sunset" in page.locator(".lk-open").first.get_attribute("aria-description")
    audit(page, states.why)
    before = page.evaluate(MAPS)
    page.locator(".lk-card").last.scroll_into_view_if_needed()
    page.wait_for_function(f"{MAPS} > {before}")
    switch(page).click()
    page.wait_for_function(f"{MAPS} === 0")
    assert switch(page).get_attribute("aria-pressed") == "false"


def test_the_viewer_tells_the_parts_apart_by_colour_stripes_and_words(apps, browser, audit):
    page = states.why_in_the_viewer(browser, apps)
    viewer = page.locator(".lk-viewer")
    entries = viewer.locator(".lk-why li")
    assert entries.count() == 2
    assert "a sunset over the sea" in entries.first.inner_text() and "without" in entries.last.inner_text()
    assert viewer.locator(".lk-stage .lk-heat").evaluate(BRIGHT)
    assert viewer.locator(".lk-why .taken").count() == 1
    audit(page, states.why_in_the_viewer)
    page.keyboard.press("w")
    viewer.locator(".lk-heat").wait_for(state="detached")
    page.keyboard.press("w")
    viewer.locator(".lk-stage .lk-heat").wait_for()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Escape")
    assert switch(page).get_attribute("aria-pressed") == "true"


def test_a_picture_that_was_searched_with_shows_what_of_it_is_found(apps, browser):
    page = states.similar(browser, apps)
    page.locator(".lk-open").first.click()
    page.keyboard.press("w")
    page.locator(".lk-why-own .lk-heat").wait_for()


def test_a_card_that_is_scrolled_away_on_a_phone_is_no_longer_asked_for(server, phone):
    page = phone.open(f"{server.url}{TWO_PARTS}")
    wait_for_cards(page, 24)
    page.route("**/run/why", lambda route: None)  # never answered
    with page.expect_request("**/run/why"):
        switch(page).click()
    with page.expect_event("requestfailed") as left:
        page.locator(".lk-card").last.scroll_into_view_if_needed()
    assert left.value.url.endswith("/run/why") and "ABORTED" in left.value.failure
    assert page.locator(".lk-card .lk-heat").count() == 0


def test_where_a_model_shows_no_places_one_sentence_says_so(server, browser):
    page = browser.open(f"{server.url}{TWO_PARTS}")
    wait_for_cards(page, 24)
    page.route("**/run/why", lambda route: route.fulfill(status=400, body='{"error": "no"}'))
    switch(page).click()
    page.get_by_text("There is no heat map").wait_for()
    browser.problems.clear()  # the console tells of the refusal
