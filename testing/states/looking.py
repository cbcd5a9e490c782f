"""Brings the page into the states of those who look and search."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlencode

from testing.apps import FILTERED, NO_PICTURE, NONSENSE, Apps, quote_filter
from testing.browser import Browser, search_with_file, wait_for_cards
from testing.states.steps import open_cropper, open_settings, select

if TYPE_CHECKING:
    from playwright.sync_api import Page


def empty(visitor: Browser, apps: Apps) -> Page:
    page = visitor.open(apps.empty().url)
    page.get_by_text("A library waiting for pictures").wait_for()
    return page


def read_only(visitor: Browser, apps: Apps) -> Page:
    page = visitor.open(apps.read_only().url)
    page.get_by_text("The library is empty").wait_for()
    return page


def signed_out(visitor: Browser, apps: Apps) -> Page:
    page = visitor.context.new_page()
    page.goto(apps.closed().url)
    page.get_by_label("username").wait_for()
    return page


def library(visitor: Browser, apps: Apps) -> Page:
    page = visitor.open(apps.filled().url)
    wait_for_cards(page, 48)
    return page


def last_page(visitor: Browser, apps: Apps) -> Page:
    page = library(visitor, apps)
    page.get_by_role("button", name="Older", exact=True).click()
    page.get_by_text("49–60 of 60").wait_for()
    return page


def results(visitor: Browser, apps: Apps, query: str = "a sunset over the sea") -> Page:
    return judged(visitor, f"{apps.filled().url}/?{urlencode({'q': query})}")


def judged(visitor: Browser, url: str) -> Page:
    """Shows results with their confidence, which is not there right after a start."""
    for _ in range(20):
        page = visitor.open(url)
        wait_for_cards(page, 24)
        if page.locator(".lk-mark").count():
            return page
        page.close()
    raise AssertionError("results are never judged")


def picture_results(visitor: Browser, apps: Apps) -> Page:
    page = library(visitor, apps)
    page.get_by_label("Describe a picture").fill("by the sea")
    search_with_file(page, apps.picture())
    page.locator(".lk-part").nth(1).wait_for()
    wait_for_cards(page, 24)
    return page


def unsure(visitor: Browser, apps: Apps) -> Page:
    page = judged(visitor, f"{apps.filled().url}/?q={NONSENSE}")
    page.get_by_text("No confident match").wait_for()
    return page


def explained(visitor: Browser, apps: Apps) -> Page:
    page = results(visitor, apps)
    page.get_by_role("button", name="Explain").click()
    page.locator(".lk-explain .lk-code").wait_for()
    return page


def why(visitor: Browser, apps: Apps) -> Page:
    """Lays maps over the cards that are in sight."""
    page = results(visitor, apps)
    page.locator(".lk-line").get_by_role("button", name="Why it matched").click()
    page.wait_for_function(
        "[...document.querySelectorAll('.lk-card')].every(card =>"
        " card.getBoundingClientRect().top >= innerHeight || card.querySelector('.lk-heat'))"
    )
    return page


def why_in_the_viewer(visitor: Browser, apps: Apps) -> Page:
    page = visitor.open(f"{apps.filled().url}/?q=a+sunset+over+the+sea&q=a+moon&w=-0.4")
    wait_for_cards(page, 24)
    page.locator(".lk-open").first.click()
    page.locator(".lk-viewer").get_by_role("button", name="Why it matched").click()
    page.locator(".lk-why li").nth(1).wait_for()
    page.locator(".lk-viewer:not(.loading)").wait_for()
    return page


def similar(visitor: Browser, apps: Apps) -> Page:
    page = results(visitor, apps)
    page.locator(".lk-card").first.get_by_role("button", name="Find pictures similar").click(force=True)
    page.locator(".lk-part-picture").wait_for()
    return page


def combined(visitor: Browser, apps: Apps) -> Page:
    """Combines words, a picture of the library, a part of one that was uploaded, and something to leave out."""
    page = visitor.open(f"{apps.filled().url}/?q=a+sunset+over+the+sea&q=a+moon&w=-0.4")
    wait_for_cards(page, 24)
    page.locator(".lk-card").nth(1).get_by_role("button", name="More like").click(force=True)
    page.locator(".lk-part").nth(2).wait_for()
    page.get_by_label("Pictures to search with").set_input_files(apps.picture())
    page.locator(".lk-part").nth(3).wait_for()
    open_cropper(page)
    page.get_by_label("Width %").fill("50")
    page.get_by_role("button", name="Search with this part").click()
    page.locator(".lk-part canvas").wait_for()
    page.locator("#results .html-container:not(.pending)").wait_for()
    return page


def cropping(visitor: Browser, apps: Apps) -> Page:
    page = similar(visitor, apps)
    open_cropper(page)
    page.get_by_label("Left %").fill("20")
    page.get_by_label("Width %").fill("50")
    page.get_by_label("Height %").fill("60")
    return page


def only_negative(visitor: Browser, apps: Apps) -> Page:
    page = visitor.open(f"{apps.filled().url}/?q=a+moon&w=-0.4")
    page.get_by_text("only says what to leave out").wait_for()
    return page


def no_match(visitor: Browser, apps: Apps) -> Page:
    page = results(visitor, apps)
    open_settings(page)
    score = page.locator("#minscore input[type=number]")
    score.fill("1")
    score.press("Enter")
    page.get_by_text("Nothing close enough").wait_for()
    return page


def bad_file(visitor: Browser, apps: Apps) -> Page:
    page = library(visitor, apps)
    search_with_file(page, apps.text_file())
    page.get_by_text("This picture cannot be used").wait_for()
    return page


def bad_address(visitor: Browser, apps: Apps) -> Page:
    page = visitor.open(f"{apps.filled().url}/?like={NO_PICTURE}")
    page.get_by_text("This picture cannot be found").wait_for()
    return page


def settings(visitor: Browser, apps: Apps) -> Page:
    page = library(visitor, apps)
    open_settings(page)
    page.get_by_label("Manual").check(force=True)
    page.locator("#nprobe").wait_for()
    return page


def filtered(visitor: Browser, apps: Apps) -> Page:
    page = visitor.open(f"{apps.filled().url}/?{FILTERED}")
    page.get_by_label("Lowest value of condition 2").wait_for(state="attached")
    wait_for_cards(page, 2)
    open_settings(page)
    return page


def nothing_meets_the_filters(visitor: Browser, apps: Apps) -> Page:
    page = visitor.open(f"{apps.filled().url}/?{quote_filter('name', 'starts with', 'nowhere')}")
    page.get_by_role("heading", name="No picture meets the filters").wait_for()
    return page


def bad_filter(visitor: Browser, apps: Apps) -> Page:
    page = visitor.open(f"{apps.filled().url}/?q=a+rainbow&{quote_filter('nowhere', '=', 1)}")
    page.get_by_text("No picture has a field 'nowhere'").wait_for()
    return page


def later_results(visitor: Browser, apps: Apps) -> Page:
    page = results(visitor, apps)
    page.get_by_role("button", name="More", exact=True).click()
    page.get_by_text("25–48", exact=True).wait_for()
    return page


def details(visitor: Browser, apps: Apps) -> Page:
    page = results(visitor, apps)
    page.locator(".lk-strip").click()
    page.locator(".lk-panel").wait_for()
    return page


def library_menu(visitor: Browser, apps: Apps) -> Page:
    page = library(visitor, apps)
    page.get_by_role("button", name="Library", exact=True).click()
    page.get_by_role("button", name="Trash…").wait_for()
    return page


def viewer(visitor: Browser, apps: Apps) -> Page:
    page = results(visitor, apps)
    page.locator(".lk-open").nth(1).click()
    page.wait_for_function("document.querySelector('.lk-large')?.src.includes('/preview/')")
    page.locator(".lk-viewer:not(.loading)").wait_for()
    return page


def downloads(visitor: Browser, apps: Apps) -> Page:
    page = results(visitor, apps)
    page.locator(".lk-line").get_by_role("button", name="Download").click()
    page.locator(".lk-selection", has_text="24 results").wait_for()
    return page


def selected(visitor: Browser, apps: Apps) -> Page:
    page = results(visitor, apps)
    select(page, 0, 2)
    page.locator(".lk-selection", has_text="2 selected").wait_for()
    return page


def selected_on_two_pages(visitor: Browser, apps: Apps) -> Page:
    page = library(visitor, apps)
    select(page, 1)
    page.get_by_role("button", name="Older", exact=True).click()
    page.get_by_text("49–60 of 60").wait_for()
    select(page, 0)
    page.locator(".lk-selection", has_text="2 selected, 1 on other pages").wait_for()
    return page


def asked_before_deleting_several(visitor: Browser, apps: Apps) -> Page:
    page = library(visitor, apps)
    select(page, *range(8))
    page.get_by_role("button", name="Delete…").click()
    page.get_by_role("button", name="Keep them").wait_for()
    page.wait_for_function("[...document.querySelectorAll('.lk-discarded img')].every(each => each.naturalWidth)")
    return page


def asked_before_deleting(visitor: Browser, apps: Apps) -> Page:
    page = viewer(visitor, apps)
    page.get_by_role("button", name="Delete", exact=True).click()
    page.get_by_role("button", name="Keep it").wait_for()
    return page
