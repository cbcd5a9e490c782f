"""Checks the page for everyone: axe in every state, light and dark, wide and narrow; and a visit without a mouse."""

import re
from pathlib import Path

import pytest

from testing import states
from testing.browser import cards, overhang, search, upload, wait_for_cards, wait_for_focus
from testing.states import STATES

pytestmark = pytest.mark.filterwarnings("ignore")

# What a style sheet says of colours below a width alone, where the scheme has a say as well.
COLOURS_BY_WIDTH_AND_SCHEME = """
() => {
  const among = (rules, conditions) => [...rules].flatMap(rule => {
    const all = rule.conditionText ? [...conditions, rule.conditionText] : conditions;
    const inner = rule.cssRules ? among(rule.cssRules, all) : [];
    return all.some(each => each.includes('width')) && rule.style ? [...inner, [all.join(), rule]] : inner;
  });
  return [...document.styleSheets].flatMap(sheet => among(sheet.cssRules, []))
    .filter(([condition, {selectorText, style}]) => style.cssText.split(';').some(declaration =>
      /color|background|border(?!.*radius)|outline|shadow|fill|stroke|opacity|filter/.test(declaration.split(':')[0])
      && (declaration.includes('var(') || /dark/.test(selectorText + condition))))
    .map(([condition, rule]) => `${condition}: ${rule.cssText}`);
}
"""
NAME = "node => node.getAttribute('aria-label') || node.labels?.[0]?.textContent || node.textContent"
# A box may take the ring for what it holds: the search box, a choice, a card.
RING = """
focused => [focused, focused.closest('.full-container, #accuracy label, .lk-card')].some(node => {
  const style = node && getComputedStyle(node);
  if (!style) return false;
  return style.outlineStyle === 'solid' && parseFloat(style.outlineWidth) >= 2 || style.boxShadow.includes('3px');
})
"""


# The other states are looked at where a visit comes by.
ALONE = (
    states.unsure,
    states.combined,
    states.nothing_meets_the_filters,
    states.bad_filter,
    states.original_gone,
)


@pytest.mark.parametrize("state", ALONE, ids=lambda state: state.__name__)
def test_axe_finds_nothing_serious_and_nothing_hangs_over_the_edge_in(apps, browser, state, audit):
    audit(state(browser, apps), state)


def test_every_state_is_looked_at():
    """Finds each state in a test of its own or, by a name after `audit`, in a test of another subject."""
    visits = "".join(path.read_text("utf-8") for path in Path(__file__).parent.glob("*.py"))
    named = set(re.findall(r"audit\(\w+, states\.(\w+)\)", visits))
    assert named | {state.__name__ for state in ALONE} == {state.__name__ for state in STATES}


def test_a_wide_light_page_and_a_narrow_dark_one_show_every_pair_of_colours(apps, browser):
    """Covers both schemes and widths with two pages, since no colour depends on scheme and width together."""
    assert states.results(browser, apps).evaluate(COLOURS_BY_WIDTH_AND_SCHEME) == []


def test_a_phone_needs_no_sideways_scrolling(apps, phone):
    page = states.viewer(phone, apps)
    assert overhang(page) <= 0
    page.keyboard.press("Escape")
    assert overhang(page) <= 0


# Without a mouse


def focused(page):
    return page.evaluate_handle("document.activeElement")


def name(page):
    return focused(page).evaluate(NAME).strip(" ▼")


def tab(page):
    """Presses Tab and returns the name of the element that has the focus then."""
    page.keyboard.press("Tab")
    if focused(page).evaluate("node => node !== document.body"):
        assert focused(page).evaluate(RING), f"no ring around {name(page)}"
    return name(page)


def tab_to(page, wanted):
    for _ in range(60):
        if tab(page).startswith(wanted):
            return
    raise AssertionError(f"{wanted} cannot be reached")


def test_a_whole_visit_needs_no_mouse(apps, browser):
    page = states.library(browser, apps)
    tab_to(page, "Describe a picture")
    page.keyboard.type("balloons")
    page.keyboard.press("Enter")
    page.locator(".lk-timing").wait_for()
    page.keyboard.press("Shift+Tab")
    tab_to(page, "View Match 2")
    page.keyboard.press("Enter")
    viewer = page.locator(".lk-viewer")
    viewer.get_by_text("2 of 24").wait_for()
    page.keyboard.press("ArrowRight")
    viewer.get_by_text("3 of 24").wait_for()
    page.keyboard.press("Escape")
    viewer.wait_for(state="hidden")
    wait_for_focus(page, "View Match 3")
    assert tab(page).startswith("Find pictures similar")
    page.keyboard.press("Enter")
    page.locator(".lk-part-picture").wait_for()
    assert focused(page).evaluate("node => node.classList.contains('lk-line')")
    tab_to(page, "Clear")
    page.keyboard.press("Enter")
    page.locator(".lk-line h2", has_text="60 pictures").wait_for()


def test_the_tab_key_goes_round_the_page_from_top_to_bottom(apps, browser):
    page = states.last_page(browser, apps)
    page.evaluate("document.activeElement.blur()")
    page.locator(".lk-skip").focus()
    stops = [name(page)]
    while (stop := tab(page)) != stops[0] and len(stops) < 100:
        stops.append(stop)
    expected = [
        "Skip to the pictures",
        "Likeness: show the whole library",
        "Choose a picture to search with",
        "Describe a picture",
        "Search",
        "Search settings",
        "number input for Results",
        "range slider for Results",
        "Automatic",
        "range slider for Minimum score",
        "Filters",
        "Add pictures",
        "Choose pictures",
        "Choose a folder",
        "Newer",
        "Settings",
    ]
    assert [stop for stop in stops if stop in expected] == expected
    assert sum(stop.startswith("View ") for stop in stops) == 12


def test_the_way_to_the_pictures_can_be_cut_short(apps, browser, audit):
    page = states.results(browser, apps)
    audit(page, states.results)
    assert tab(page) == "Skip to the pictures"
    page.keyboard.press("Enter")
    assert tab(page) == "Clear"
    assert tab(page) == "Download"
    assert tab(page) == "Why it matched"
    assert tab(page) == "Explain"
    assert tab(page).startswith("View Match 1")


def test_a_search_is_explained_by_keys(apps, browser, audit):
    page = states.results(browser, apps)
    tab_to(page, "Explain")
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog", name="This search, explained")
    dialog.get_by_text("Clusters searched").wait_for()
    audit(page, states.explained)
    assert "client.search(" in dialog.locator("code").text_content()
    page.keyboard.press("Escape")
    dialog.wait_for(state="hidden")
    page.wait_for_function("document.activeElement.textContent.trim() === 'Explain'")


def test_settings_are_worked_by_keys(apps, browser):
    page = states.results(browser, apps)
    tab_to(page, "range slider for Results")
    page.keyboard.press("ArrowLeft")
    wait_for_cards(page, 23)
    tab_to(page, "Manual")
    page.keyboard.press("Space")
    page.locator("#nprobe").wait_for()
    page.locator("#settings .label-wrap").focus()
    page.keyboard.press("Enter")
    page.locator("#limit").wait_for(state="hidden")
    page.locator("#settings .label-wrap[aria-expanded=false]").wait_for()
    assert name(page) == "Search settings"


def test_the_details_of_the_status_open_and_close_by_keys(apps, browser):
    page = states.library(browser, apps)
    page.locator(".lk-strip").focus()
    page.keyboard.press("Enter")
    page.locator(".lk-panel").wait_for()
    page.keyboard.press("Escape")
    page.locator(".lk-panel").wait_for(state="hidden")
    assert focused(page).evaluate("node => node.classList.contains('lk-strip')")


def test_the_menu_of_the_library_opens_and_closes_by_keys_and_its_dialogs_give_the_focus_back(apps, browser, audit):
    page = states.library_menu(browser, apps)
    audit(page, states.library_menu)
    page.keyboard.press("Escape")
    assert name(page) == "Library"
    assert not page.get_by_role("button", name="Trash…").is_visible()
    page.keyboard.press("Enter")
    tab_to(page, "Trash…")
    page.keyboard.press("Enter")
    page.get_by_role("dialog", name="Trash").wait_for()
    page.keyboard.press("Escape")
    wait_for_focus(page, "Library")
    assert not page.get_by_role("button", name="Trash…").is_visible()


def test_the_viewer_keeps_its_keys_at_either_end(apps, browser):
    page = states.results(browser, apps)
    page.locator(".lk-open").nth(22).focus()
    page.keyboard.press("Enter")
    viewer = page.locator(".lk-viewer")
    tab_to(page, "Next picture")
    page.keyboard.press("Enter")  # and with the last picture the button goes
    viewer.get_by_text("24 of 24").wait_for()
    page.keyboard.press("ArrowLeft")
    viewer.get_by_text("23 of 24").wait_for()
    tab_to(page, "Find similar")
    page.keyboard.press("ArrowLeft")
    viewer.get_by_text("22 of 24").wait_for()
    page.keyboard.press("ArrowLeft")
    viewer.get_by_text("21 of 24").wait_for()


def test_deleting_and_its_question_are_worked_by_keys(apps, browser):
    page = browser.open(apps.changing().url)
    upload(page, apps.picture("not for long.png"))
    search(page, "a purple thing")
    before = cards(page).count()
    page.get_by_role("button", name="View Match").and_(page.get_by_label("not for long.png")).focus()
    page.keyboard.press("Enter")
    tab_to(page, "Delete")
    page.keyboard.press("Enter")
    assert name(page) == "Keep it"
    page.keyboard.press("Enter")
    assert name(page) == "Delete"
    page.keyboard.press("Enter")
    page.keyboard.press("Shift+Tab")
    assert name(page) == "Move to trash"
    page.keyboard.press("Enter")
    page.locator(".lk-toast.shown").wait_for()
    page.wait_for_function("before => document.querySelectorAll('.lk-open').length < before", arg=before)
    assert focused(page).evaluate("node => Boolean(node.closest('#results'))")


def test_the_receipt_is_read_and_left_by_keys(apps, browser):
    page = states.receipt(browser, apps)
    page.get_by_role("button", name="Details", exact=True).focus()
    page.keyboard.press("Enter")
    page.locator(".lk-receipts table").wait_for()
    assert focused(page).evaluate("node => Boolean(node.closest('dialog'))")
    tab_to(page, "Files")  # the table itself, so that the arrow keys scroll it
    page.keyboard.press("Escape")
    page.locator(".lk-receipts").wait_for(state="hidden")
    assert name(page) == "Details"


def test_a_picture_to_search_with_can_be_taken_back_by_keys(apps, browser, audit):
    page = states.picture_results(browser, apps)
    audit(page, states.picture_results)
    page.get_by_label("Describe a picture").focus()
    page.keyboard.press("Shift+Tab")
    assert name(page) == "Remove file"
    page.keyboard.press("Enter")
    page.locator("#query .thumbnail-item").wait_for(state="detached")
