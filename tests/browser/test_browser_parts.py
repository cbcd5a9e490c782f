"""Combines texts and pictures in a real browser: chips, sliders, more and less like this, crops."""

import re

import pytest
from PIL import Image

from library.errors import IndexUnavailable
from testing import states
from testing.browser import cards, names, search, search_with_file, wait_for_box, wait_for_cards
from testing.pictures import record
from testing.states import steps
from ui.views import View, browse_view, error_view, waiting_view

pytestmark = pytest.mark.filterwarnings("ignore")

SUNSET = "a sunset over the sea"


def parts(page):
    return [" ".join(each.split()) for each in page.locator(".lk-part").all_inner_texts()]


def wait_for_parts(page, count):
    page.wait_for_function("count => document.querySelectorAll('.lk-part').length == count", arg=count)


def wait_for_address(page, pattern):
    page.wait_for_url(re.compile(pattern))


def press(card, name):
    card.hover()
    card.get_by_role("button", name=name).click()


ANSWERS_IN_TURN = """async (values) => {
  const { src } = document.querySelector('script[src$="/page.js"]');
  const { Results } = await import(src.replace('/page.js', '/search/results.js'));
  const [element, drawn] = [document.createElement('div'), document.createElement('div')];
  const props = { value: { state: 'starting' }, edits: 'all' };
  let tell;
  new Results({ element, drawn, props, trigger() {}, upload() {}, watch: (_, listener) => { tell = listener; } });
  return values.map((value) => { props.value = value; tell(); return element.dataset.state; });
}"""


def test_a_refresh_that_is_late_does_not_undo_a_search(server, browser):
    page = browser.open(server.url)
    library, found = View(), View.of("a sunset")
    answers = [
        browse_view([], 0, library),
        browse_view([record(1)], 1, library) | {"refreshes": True},
        waiting_view(found),
        browse_view([record(1)], 1, library) | {"refreshes": True},
        error_view(IndexUnavailable("milvus_away"), found) | {"refreshes": True},
    ]
    assert page.evaluate(ANSWERS_IN_TURN, answers) == ["empty", "browse", "waiting", "waiting", "error"]


def test_every_search_shows_its_parts_and_words_can_be_added(server, browser):
    page = browser.open(server.url)
    search(page, SUNSET)
    assert parts(page) == [f"“{SUNSET}” 1.0"]
    page.get_by_label("Add words to the search").fill("a moon")
    page.get_by_label("Add words to the search").press("Enter")
    wait_for_parts(page, 2)
    wait_for_address(page, r"\?q=a\+sunset\+over\+the\+sea&q=a\+moon$")
    assert page.evaluate("document.activeElement.getAttribute('aria-label')") == "Add words to the search"


def test_a_slider_moved_by_keys_searches_and_keeps_the_focus(server, browser):
    page = browser.open(server.url)
    search(page, "a full moon")
    assert "moon" in names(page)[0]
    page.get_by_label("Add words to the search").fill("the sea")
    page.get_by_label("Add words to the search").press("Enter")
    wait_for_parts(page, 2)
    slider = page.get_by_label("Weight of a full moon")
    slider.focus()
    for _ in range(13):
        page.keyboard.press("ArrowLeft")
    wait_for_address(page, r"q=a\+full\+moon&w=-0\.3&q=the\+sea")
    page.locator(".lk-part.negative").wait_for()
    assert "moon" not in names(page)[0]
    assert slider.evaluate("node => node === document.activeElement")
    assert slider.get_attribute("aria-valuetext") == "−0.3, less like this"
    page.go_back()  # past all the steps of the slider
    wait_for_parts(page, 1)


def test_more_and_less_like_a_result_add_it_with_a_weight(server, browser):
    page = browser.open(f"{server.url}/?q=balloons")
    wait_for_cards(page, 24)
    [first, second, *_] = names(page)
    press(cards(page).nth(0), f"More like {first}")
    wait_for_parts(page, 2)
    press(cards(page).filter(has_text=second), f"Less like {second}")
    wait_for_parts(page, 3)
    assert parts(page) == ["“balloons” 1.0", f"{first} 0.5", f"{second} −0.3"]
    assert not {first, second} & set(names(page))
    assert re.search(r"q=balloons&like=[0-9a-f]{64}&w=0\.5&like=[0-9a-f]{64}&w=-0\.3$", page.url)
    found = names(page)
    other = browser.open(page.url)
    wait_for_parts(other, 3)
    assert names(other) == found
    page.go_back()
    wait_for_parts(page, 2)


def test_the_viewer_adds_what_it_shows(server, browser):
    page = browser.open(f"{server.url}/?q=balloons")
    wait_for_cards(page, 24)
    cards(page).nth(2).locator(".lk-open").click()
    page.get_by_role("button", name="Less like this", exact=True).last.click()
    wait_for_parts(page, 2)
    page.locator(".lk-part.negative").wait_for()
    assert page.locator("dialog[open]").count() == 0


def test_the_last_part_taken_out_leads_to_the_library(server, browser, audit):
    page = browser.open(f"{server.url}/?q=balloons&q=a+moon&w=-0.5")
    wait_for_cards(page, 24)
    page.get_by_role("button", name="Remove balloons").click()
    page.get_by_text("only says what to leave out").wait_for()
    audit(page, states.only_negative)
    page.get_by_role("button", name="Remove a moon").click()
    page.get_by_text("newest first", exact=True).wait_for()
    assert page.locator(".lk-parts").is_hidden()
    wait_for_box(page, "")


def test_several_pictures_can_be_chosen_and_dropped(server, browser, apps):
    page = browser.open(server.url)
    wait_for_cards(page, 48)
    search_with_file(page, [apps.picture("one.png"), apps.picture("two.png")])
    wait_for_parts(page, 2)
    assert [each.split()[0] for each in parts(page)] == ["one.png", "two.png"]
    page.wait_for_function("[...document.querySelectorAll('.lk-part img')].every(each => each.naturalWidth)")
    transfer = page.evaluate_handle(
        """async () => {
          const transfer = new DataTransfer();
          const canvas = document.createElement('canvas');
          const blob = await new Promise((resolve) => canvas.toBlob(resolve));
          for (const name of ['three.png', 'four.png']) transfer.items.add(new File([blob], name));
          return transfer;
        }"""
    )
    page.locator(".lk-parts").dispatch_event("drop", {"dataTransfer": transfer})
    wait_for_parts(page, 4)
    assert [each.split()[0] for each in parts(page)] == ["one.png", "two.png", "three.png", "four.png"]


def test_several_pictures_can_be_pasted_into_the_search_box(server, browser):
    page = browser.open(server.url)
    wait_for_cards(page, 48)
    page.get_by_label("Describe a picture").focus()
    page.evaluate(
        """async () => {
          const clipboardData = new DataTransfer();
          const canvas = document.createElement('canvas');
          const blob = await new Promise((resolve) => canvas.toBlob(resolve));
          for (const name of ['a.png', 'b.png']) clipboardData.items.add(new File([blob], name, {type: 'image/png'}));
          const paste = new ClipboardEvent('paste', {clipboardData, bubbles: true, cancelable: true});
          document.activeElement.dispatchEvent(paste);
        }"""
    )
    page.locator("#query .thumbnail-item").nth(1).wait_for()
    page.get_by_role("button", name="Search", exact=True).click()
    wait_for_parts(page, 2)


def test_a_rectangle_drawn_on_a_picture_is_what_is_searched_with(server, browser, tmp_path):
    halves = Image.new("RGB", (400, 200), "white")
    halves.paste((255, 0, 0), (0, 0, 200, 200))
    halves.save(tmp_path / "halves.png")
    page = browser.open(server.url)
    search_with_file(page, tmp_path / "halves.png")
    wait_for_parts(page, 1)
    steps.open_cropper(page)
    box = page.locator(".lk-crop img").bounding_box()
    page.mouse.move(box["x"] + 2, box["y"] + 2)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.4, box["y"] + box["height"] * 0.8)
    page.mouse.up()
    assert 35 <= float(page.get_by_label("Width %").input_value()) <= 40
    page.get_by_role("button", name="Search with this part").click()
    page.locator(".lk-part canvas").wait_for()
    page.locator(".lk-part", has_text="Part of halves.png").wait_for()
    drawn = "node => [...node.getContext('2d').getImageData(40, 40, 1, 1).data]"
    page.wait_for_function(
        "document.querySelector('.lk-part canvas').getContext('2d').getImageData(9, 9, 1, 1).data[3]"
    )
    assert page.locator(".lk-part canvas").evaluate(drawn) == [255, 0, 0, 255]


def test_a_crop_needs_no_pointer_and_can_be_taken_back(server, browser, apps, audit):
    page = states.similar(browser, apps)
    steps.open_cropper(page)
    page.get_by_label("Left %").fill("150")
    assert page.get_by_label("Width %").input_value() == "1"
    page.get_by_label("Left %").fill("50")
    page.get_by_label("Width %").fill("50")
    page.get_by_label("Width %").press("Tab")
    audit(page, states.cropping)
    page.get_by_role("button", name="Search with this part").press("Enter")
    wait_for_address(page, r"crop=0\.5%2C0%2C0\.5%2C1")
    wait_for_parts(page, 1)
    steps.open_cropper(page)
    page.get_by_role("button", name="Whole picture").click()
    wait_for_address(page, r"like=[0-9a-f]{64}$")


def test_a_seventeenth_part_is_refused_before_it_is_asked(server, browser):
    page = browser.open(f"{server.url}/?q=sea{'&q=sea' * 15}")
    wait_for_parts(page, 16)
    page.get_by_label("Add words to the search").fill("one more")
    page.get_by_role("button", name="Add these words").click()
    page.locator(".lk-toast.shown", has_text="can combine at most 16 texts and pictures").wait_for()
    assert len(parts(page)) == 16
