"""Selects pictures in a real browser, exports them, and deletes them."""

import csv
import json
import re
from pathlib import Path
from zipfile import ZipFile

import pytest
from PIL import Image

from library.images import content_id
from testing import states
from testing.browser import cards, names, upload, wait_for_cards
from testing.pictures import samples

pytestmark = pytest.mark.filterwarnings("ignore")


def bar(page, words):
    return page.locator(".lk-selection", has_text=words)


def pick(page, place, **options):
    """Selects a card with the mouse, whose box appears under the pointer."""
    cards(page).nth(place).hover()
    page.locator(".lk-pick").nth(place).click(**options)


def picked(page):
    return page.locator(".lk-pick").evaluate_all("boxes => boxes.flatMap((box, place) => box.checked ? [place] : [])")


def download(page, name):
    with page.expect_download() as download:
        page.get_by_role("button", name=re.compile(f"^{re.escape(name)} of")).click()
    return download.value.suggested_filename, Path(download.value.path())


def figures(page):
    return [float(figure) for figure in page.locator(".lk-card .lk-number").all_text_contents()]


def test_two_selected_results_come_as_csv_and_as_a_zip_of_originals(apps, browser, audit):
    page = states.results(browser, apps)
    pick(page, 0)
    pick(page, 2)
    bar(page, "2 selected").wait_for()
    audit(page, states.selected)
    chosen = [names(page)[place] for place in (0, 2)]
    name, path = download(page, "CSV")
    assert name == "likeness-2-results.csv"
    with path.open(newline="", encoding="utf-8-sig") as file:
        rows = list(csv.DictReader(file))
    assert [(row["name"], row["rank"]) for row in rows] == list(zip(chosen, ["1", "3"], strict=True))
    assert [round(float(row["score"]), 3) for row in rows] == [figures(page)[place] for place in (0, 2)]
    assert rows[0]["relevance"] == "stands out"
    name, path = download(page, "Originals (zip)")
    drawn = samples()
    with ZipFile(path) as file:
        assert {each: file.read(each) for each in file.namelist()} == {each: drawn[each] for each in chosen}


def test_with_nothing_selected_all_results_come(apps, browser, audit):
    page = states.downloads(browser, apps)
    audit(page, states.downloads)
    shown = names(page)
    name, path = download(page, "JSON")
    assert name == "likeness-24-results.json"
    assert [row["name"] for row in json.loads(path.read_bytes())] == shown


def test_without_a_query_the_page_of_the_library_comes(apps, browser):
    page = states.last_page(browser, apps)
    page.locator(".lk-line").get_by_role("button", name="Download").click()
    bar(page, "12 pictures on this page").wait_for()
    name, path = download(page, "CSV")
    assert name == "likeness-12-pictures.csv"
    with path.open(newline="", encoding="utf-8-sig") as file:
        assert [row["name"] for row in csv.DictReader(file)] == names(page)


def test_a_range_is_selected_with_shift(apps, browser):
    page = states.results(browser, apps)
    pick(page, 1)
    pick(page, 4, modifiers=["Shift"])
    assert picked(page) == [1, 2, 3, 4]
    pick(page, 2)
    assert picked(page) == [1, 3, 4]
    page.locator(".lk-open").nth(6).click(modifiers=["Shift"])  # the picture itself does as well
    assert picked(page) == [1, 2, 3, 4, 5, 6]
    page.locator(".lk-open").nth(8).click(modifiers=["Control"])
    assert picked(page) == [1, 2, 3, 4, 5, 6, 8]
    assert not page.locator(".lk-viewer").is_visible()


def test_pictures_are_selected_by_keys(apps, browser):
    page = states.results(browser, apps)
    page.locator(".lk-open").nth(3).focus()
    page.keyboard.press("x")
    page.locator(".lk-open").nth(5).focus()
    page.keyboard.press("Shift+X")
    assert picked(page) == [3, 4, 5]
    page.locator(".lk-pick").nth(4).focus()
    page.keyboard.press("Space")
    assert picked(page) == [3, 5]
    page.get_by_role("button", name="Select all on this page").press("Enter")
    assert len(picked(page)) == 24
    page.get_by_role("button", name="Clear the selection").press("Enter")
    assert picked(page) == []
    assert page.evaluate("document.activeElement.classList.contains('lk-line')")


def test_a_selection_lasts_from_page_to_page_and_no_longer_than_the_question(apps, browser, audit):
    page = states.selected_on_two_pages(browser, apps)
    audit(page, states.selected_on_two_pages)
    page.get_by_role("button", name="Newer", exact=True).click()
    wait_for_cards(page, 48)
    assert picked(page) == [1]
    _, path = download(page, "JSON")
    assert len(json.loads(path.read_bytes())) == 2
    page.get_by_label("Describe a picture").fill("a rainbow")
    page.keyboard.press("Enter")
    wait_for_cards(page, 24)
    assert picked(page) == []
    assert not page.locator(".lk-selection").is_visible()


def test_deleting_several_asks_first(fresh, browser, tmp_path, audit):
    page, other = filled(fresh, browser, tmp_path, 5)
    shown = names(page)
    for place in (0, 1, 3):
        pick(page, place)
    page.get_by_role("button", name="Delete…").click()
    dialog = page.get_by_role("dialog", name="Delete 3 pictures?")
    dialog.wait_for()
    audit(page, states.asked_before_deleting_several)
    dialog.get_by_role("button", name="Keep them").click()
    dialog.wait_for(state="hidden")
    assert cards(page).count() == 5 and picked(page) == [0, 1, 3]
    page.get_by_role("button", name="Delete…").click()
    dialog.get_by_role("button", name="Move 3 pictures to the trash").click()
    page.locator(".lk-toast.shown", has_text="Deleted 3 pictures").wait_for()
    wait_for_cards(page, 2)
    assert names(page) == [shown[2], shown[4]]
    assert not page.locator(".lk-selection").is_visible()
    assert page.evaluate("document.activeElement.classList.contains('lk-line')")
    # Who still sees them is told, and gets what is left.
    other.locator(".lk-line").get_by_role("button", name="Download").click()
    _, path = download(other, "Originals (zip)")
    with ZipFile(path) as file:
        assert sorted(file.namelist()) == sorted([shown[2], shown[4], "MISSING.txt"])


def test_what_cannot_be_taken_along_is_said(fresh, browser, tmp_path):
    page, other = filled(fresh, browser, tmp_path, 1)
    pick(page, 0)
    page.get_by_role("button", name="Delete…").click()
    page.get_by_role("button", name="Move 1 picture to the trash").click()
    page.locator(".lk-toast.shown", has_text="Deleted 1 picture").wait_for()
    pick(other, 0)
    other.get_by_role("button", name=re.compile("^CSV of")).click()
    other.locator(".lk-toast.shown.bad", has_text="This picture is no longer in the library.").wait_for()
    assert [problem for problem in browser.problems if "404" not in problem] == []
    browser.problems.clear()


def test_who_may_only_look_takes_along_but_deletes_nothing(serve, browser, libraries, tmp_path):
    server = serve(EDITS="add", DATA_DIR=str(libraries.copy(libraries.samples(), tmp_path)))
    page = browser.open(server.url)
    wait_for_cards(page, 48)
    pick(page, 0)
    bar(page, "1 selected").wait_for()
    assert page.get_by_role("button", name="Delete…").count() == 0
    [(name, data)] = [each for each in samples().items() if each[0] == names(page)[0]]
    _, path = download(page, "Originals (zip)")
    with ZipFile(path) as file:
        assert content_id(file.read(name)) == content_id(data)


def test_on_a_phone_boxes_are_always_there(apps, phone):
    page = states.results(phone, apps)
    box = page.locator(".lk-pick").first
    assert box.evaluate("box => getComputedStyle(box).opacity") == "1"
    box.tap()
    bar(page, "1 selected").wait_for()
    assert page.locator(".lk-selection").evaluate("bar => bar.getBoundingClientRect().bottom") == 844


def test_those_who_signed_in_take_along_and_strangers_do_not(serve, browser, libraries, tmp_path):
    server = serve(AUTH="ann:pass:word", DATA_DIR=str(libraries.copy(libraries.samples(), tmp_path)))
    page = browser.context.new_page()
    page.goto(server.url)
    page.get_by_label("username").fill("ann")
    page.get_by_label("password").fill("pass:word")
    page.get_by_role("button", name="Login").click()
    wait_for_cards(page, 48)
    pick(page, 0)
    assert download(page, "CSV")[0] == "likeness-1-picture.csv"
    browser.context.clear_cookies()
    page.get_by_role("button", name=re.compile("^CSV of")).click()
    page.locator(".lk-toast.shown.bad", has_text="Sign in first").wait_for()
    browser.problems.clear()  # the status of a page without its session


def filled(server, browser, folder, count):
    """Opens a library with the given number of pictures for two visitors."""
    paths = [folder / f"{number}.png" for number in range(count)]
    for number, path in enumerate(paths):
        Image.new("RGB", (60, 40), (40 * number, 90, 90)).save(path)
    page = browser.open(server.url)
    upload(page, paths)
    wait_for_cards(page, count)
    other = browser.open(server.url)
    wait_for_cards(other, count)
    return page, other
