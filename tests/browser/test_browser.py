"""Drives the whole app in a real browser: the real server, the bundled model, Milvus Lite, Chromium."""

import json
import re
from pathlib import Path

import pytest
from PIL import Image

from library.samples.pictures import sample_pictures
from testing import states
from testing.apps import HOSTILE, LONGEST, RIGHT_TO_LEFT
from testing.blocked_model import BlockedModel
from testing.browser import (
    cards,
    choose,
    counts,
    loaded,
    names,
    run,
    search,
    search_with_file,
    upload,
    wait_for_box,
    wait_for_cards,
    wait_for_focus,
)

pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.fixture(scope="module")
def drawn(tmp_path_factory):
    """Returns three sample pictures as files."""
    folder = tmp_path_factory.mktemp("drawn")
    for name, data in sample_pictures(3):
        (folder / name).write_bytes(data)
    return sorted(folder.iterdir())


# Looking


def test_without_a_query_the_library_is_shown_page_by_page(server, browser):
    page = browser.open(server.url)
    assert page.locator(".lk-line h2").text_content() == "60 pictures"
    assert cards(page).count() == 48
    loaded(page, ".lk-card img")
    page.get_by_role("button", name="Older", exact=True).click()
    page.get_by_text("49–60 of 60").wait_for()
    assert cards(page).count() == 12


def test_pictures_far_below_are_fetched_when_they_come_near(server, browser):
    page = browser.open(server.url)
    loaded(page, ".lk-card:first-child img")
    last = page.locator(".lk-card img").last
    assert last.get_attribute("src") is None
    last.scroll_into_view_if_needed()
    loaded(page, ".lk-card:last-child img")


def test_words_find_pictures_and_enter_the_address(server, browser):
    page = browser.open(server.url)
    search(page, "snowy mountains")
    assert cards(page).count() == 24
    assert "mountain" in names(page)[0]
    assert re.search(r"encode \d.*load \d.*search \d.* ms", page.locator(".lk-timing").inner_text(), re.DOTALL)
    assert page.url.endswith("?q=snowy+mountains")
    page.go_back()
    page.locator(".lk-line h2", has_text="60 pictures").first.wait_for()
    page.locator(".lk-pager").wait_for()
    page.go_forward()
    page.locator(".lk-timing").wait_for()
    wait_for_box(page, "snowy mountains")


def test_an_address_with_a_query_runs_it(server, browser):
    page = browser.open(f"{server.url}/?q=a+rainbow")
    page.locator(".lk-timing").wait_for()
    assert "rainbow" in names(page)[0]
    wait_for_box(page, "a rainbow")


def test_the_settings_in_an_address_are_followed_and_shown_by_the_controls(server, browser):
    page = browser.open(f"{server.url}/?q=a+rainbow&limit=3&nprobe=9&offset=3")
    wait_for_cards(page, 3)
    page.locator("#nprobe").wait_for()
    assert page.locator("#limit input[type=number]").input_value() == "3"
    assert page.locator("#nprobe input[type=number]").input_value() == "9"
    assert "rainbow" not in names(page)[0]


def test_a_picture_finds_itself_first(server, browser, drawn):
    page = browser.open(server.url)
    search_with_file(page, drawn[0])
    page.locator(".lk-part", has_text=drawn[0].name).wait_for()
    page.locator(".lk-timing").wait_for()
    assert names(page)[0] == drawn[0].name
    assert page.locator(".lk-number").first.text_content() == "1.000"


def test_a_file_that_is_no_picture_gets_a_plain_sentence(server, browser, tmp_path, audit):
    (tmp_path / "page.jpg").write_text("<html>hello</html>")
    page = browser.open(server.url)
    search_with_file(page, tmp_path / "page.jpg")
    alert = page.locator("#results [role=alert]")
    alert.wait_for()
    assert "This is a web page, as servers send" in alert.inner_text()
    audit(page, states.bad_file)
    assert "/" not in alert.inner_text()


def test_settings_change_the_results_at_once(server, browser, audit):
    page = browser.open(server.url)
    search(page, "a red circle")
    page.get_by_label("Exact").check(force=True)
    assert not page.locator("#nprobe").is_visible()
    page.get_by_label("Manual").check(force=True)
    page.locator("#nprobe").wait_for()
    audit(page, states.settings)
    limit = page.locator("#limit input[type=number]")
    limit.fill("7")
    limit.press("Enter")
    wait_for_cards(page, 7)
    score = page.locator("#minscore input[type=number]")
    score.fill("1")
    score.press("Enter")
    page.get_by_text("Nothing close enough").wait_for()


def test_filters_apply_at_once_stay_and_are_in_the_address(server, browser, audit):
    page = browser.open(server.url)
    wait_for_cards(page, 48)
    page.get_by_role("button", name="Filters").click()
    page.get_by_label("Operator of condition 1").select_option("starts with")
    value = page.get_by_label("Value of condition 1")
    value.fill("night sky")
    value.press("Enter")
    wait_for_cards(page, 2)
    page.get_by_label("Sort by").select_option("name")
    page.locator(".lk-line", has_text="by name").wait_for()
    assert names(page) == ["night sky with a crescent moon.png", "night sky with a full moon.png"]
    search(page, "a full moon")
    wait_for_cards(page, 2)
    page = browser.open(page.url)
    wait_for_cards(page, 2)
    page.get_by_label("Value of condition 1").wait_for()
    assert page.get_by_role("button", name="Filters, 1 active").count() == 1
    audit(page, states.filtered)
    page.get_by_role("button", name="Remove condition 1").click()
    wait_for_cards(page, 24)
    page.go_back()
    wait_for_cards(page, 2)


def test_results_go_on_page_by_page(server, browser, audit):
    page = browser.open(f"{server.url}/?q=a+red+circle")
    wait_for_cards(page, 24)
    first = names(page)
    page.get_by_role("button", name="More", exact=True).click()
    page.get_by_text("25–48", exact=True).wait_for()
    second = names(page)
    audit(page, states.later_results)
    page.get_by_role("button", name="More", exact=True).click()
    page.get_by_text("49–60", exact=True).wait_for()
    assert len({*first, *second, *names(page)}) == 60
    page.get_by_role("button", name="Better", exact=True).click()
    page.get_by_text("25–48", exact=True).wait_for()
    assert names(page) == second


def test_the_viewer_shows_all_and_is_worked_by_keys(server, browser, audit):
    page = browser.open(server.url)
    search(page, "balloons")
    page.locator(".lk-open").nth(1).click()
    viewer = page.locator(".lk-viewer")
    viewer.get_by_text("Match", exact=True).wait_for()
    for fact in ("Size", "File", "Added", "Source", "Content ID", "2 of 24", "512 × 512", "PNG", "samples"):
        assert fact in viewer.inner_text()
    page.wait_for_function("document.querySelector('.lk-large').src.includes('/preview/')")
    loaded(page, ".lk-large")
    audit(page, states.viewer)
    page.keyboard.press("ArrowRight")
    viewer.get_by_text("3 of 24").wait_for()
    page.keyboard.press("Escape")
    viewer.wait_for(state="hidden")
    wait_for_focus(page, "View Match 3")


def test_a_download_is_the_original_under_its_name(server, browser, drawn):
    page = browser.open(server.url)
    search(page, drawn[0].stem)
    card = cards(page).filter(has_text=drawn[0].name).first
    card.hover()
    with page.expect_download() as download:
        card.locator("a").click()
    assert download.value.suggested_filename == drawn[0].name
    assert Path(download.value.path()).read_bytes() == drawn[0].read_bytes()


def test_similar_pictures_can_be_gone_back_from(server, browser):
    page = browser.open(f"{server.url}/?q=balloons")
    page.locator(".lk-timing").wait_for()
    first = names(page)[0]
    card = cards(page).first
    card.hover()
    card.get_by_role("button", name="Find pictures similar").click()
    asked = page.locator(".lk-part:has(.lk-part-picture)")
    asked.wait_for()
    assert first in asked.inner_text()
    assert first not in names(page)
    assert "like=" in page.url
    page.go_back()
    asked.wait_for(state="detached")
    assert names(page)[0] == first


def test_the_status_strip_counts_loads_and_searches(server, browser, audit):
    page = browser.open(server.url)
    searches = page.locator(".lk-step").nth(1).locator("b")
    before = int(searches.text_content())
    search(page, "stripes")
    page.wait_for_function(
        "before => Number(document.querySelectorAll('.lk-step b')[1].textContent) > before", arg=before
    )
    page.locator(".lk-strip").click()
    panel = page.locator(".lk-panel")
    for fact in ("60 pictures", "small", "IVF_FLAT", "COSINE", "nlist", "Milvus Lite"):
        assert fact in panel.inner_text()
    audit(page, states.details)


def test_nprobe_goes_as_far_as_the_index_has_clusters(apps, browser, audit):
    page = states.rebuilding(browser, apps)
    audit(page, states.rebuilding)
    page.get_by_label("Manual").check()
    page.locator("#nprobe input[type=range][max='512']").wait_for()
    number = page.locator("#nprobe input[type=number]")
    number.fill("300")
    number.press("Enter")
    with page.expect_response("**/queue/data*"):
        page.locator("#query textarea").fill("stripes")
        page.keyboard.press("Enter")
    page.wait_for_timeout(3_000)  # two rounds of the status timer
    assert number.input_value() == "300"
    assert page.get_by_test_id("toast-body").count() == 0


def test_slash_goes_to_the_search_box(server, browser):
    page = browser.open(server.url)
    page.keyboard.press("/")
    page.keyboard.type("abc")
    assert page.get_by_label("Describe a picture").input_value() == "abc"


def test_what_is_typed_early_stays(server, browser):
    page = browser.context.new_page()
    page.goto(server.url)
    box = page.locator("#query textarea")
    box.wait_for()
    box.fill("typed at once")
    page.locator("#results .lk-line h2").wait_for()
    page.wait_for_timeout(3_000)  # two rounds of the status timer
    assert box.input_value() == "typed at once"


def test_two_visitors_see_their_own_results(server, browser):
    first, second = browser.open(server.url), browser.open(server.url)
    search(first, "rainbow")
    search(second, "snowman")
    assert "rainbow" in names(first)[0]
    assert "snowman" in names(second)[0]


# Changing


def test_uploads_end_in_a_receipt_and_odd_names_stay_text(fresh, browser, tmp_path):
    folder = tmp_path / "files"
    folder.mkdir()
    for number, name in enumerate((HOSTILE, RIGHT_TO_LEFT, LONGEST)):
        Image.new("RGB", (60, 40), (80 * number, 90, 90)).save(folder / name)
    (folder / "copy.png").write_bytes((folder / HOSTILE).read_bytes())
    (folder / "notes.jpg").write_text("not a picture")
    page = browser.open(fresh.url)
    page.get_by_text("A library waiting for pictures").wait_for()
    upload(page, sorted(folder.iterdir()))
    assert counts(page) == ["3 new", "1 duplicate", "1 rejected"]
    wait_for_cards(page, 3)
    shown = names(page)
    assert RIGHT_TO_LEFT in shown
    assert LONGEST in shown
    assert HOSTILE in shown or "copy.png" in shown
    page.get_by_role("button", name="Details", exact=True).click()
    table = page.locator(".lk-receipts table")
    assert "notes.jpg" in table.inner_text()
    page.get_by_role("button", name=re.compile("All 5")).click()
    assert HOSTILE in table.inner_text()
    with page.expect_download() as download:
        page.get_by_role("link", name="CSV").click()
    assert HOSTILE.replace('"', '""') in Path(download.value.path()).read_text("utf-8-sig")
    page.get_by_role("button", name="Close").last.click()
    for place in range(3):
        page.locator(".lk-open").nth(place).click()
        page.locator(".lk-viewer .lk-title").wait_for()
        page.keyboard.press("Escape")


def test_a_folder_brings_the_sidecars_of_its_pictures(fresh, browser, tmp_path):
    folder = tmp_path / "Takeout"
    (folder / "no pictures").mkdir(parents=True)
    Image.new("RGB", (30, 30), "red").save(folder / "a.png")
    takeout = {"photoTakenTime": {"timestamp": "1588336200"}, "description": "By the sea"}
    (folder / "a.png.supplemental-metadata.json").write_text(json.dumps(takeout))
    (folder / "no pictures" / "package.json").write_text("{}")
    page = browser.open(fresh.url)
    page.locator("#uploads input[type=file]").nth(1).set_input_files(folder)
    run(page, "done")
    assert counts(page) == ["1 new", "2 skipped"]
    page.locator(".lk-open").first.click()
    page.get_by_text("By the sea").wait_for()
    page.keyboard.press("Escape")


def test_a_folder_leaves_out_what_is_no_picture(fresh, browser, tmp_path):
    folder = tmp_path / "holiday"
    (folder / "deeper").mkdir(parents=True)
    Image.new("RGB", (30, 30), "red").save(folder / "a.png")
    Image.new("RGB", (30, 30), "blue").save(folder / "deeper" / "b.png")
    (folder / ".DS_Store").write_bytes(b"\0" * 50)
    for name in ("deeper/@eaDir", "deeper/.thumbnails"):
        (folder / name).mkdir()
        for picture in ("a.png", "b.png"):
            (folder / name / picture).write_bytes((folder / "a.png").read_bytes())
    page = browser.open(fresh.url)
    page.locator("#uploads input[type=file]").nth(1).set_input_files(folder)
    run(page, "done")
    assert counts(page) == ["2 new", "3 skipped"]
    told = page.locator(".lk-run").inner_text()
    for reason in ("1 hidden file", "1 hidden folder", "1 folder of the operating system"):
        assert reason in told


def test_an_upload_that_fails_leaves_the_form_ready_for_the_next_one(fresh, browser, drawn):
    page = browser.open(fresh.url)
    page.route("**/gradio_api/upload*", lambda route: route.abort())
    page.locator("#uploads input[type=file]").first.set_input_files(drawn)
    run(page, "done")
    assert counts(page) == ["3 skipped"]
    page.unroute("**/gradio_api/upload*")
    browser.problems.clear()
    upload(page, drawn)
    wait_for_cards(page, 3)


def test_deleting_asks_first(fresh, browser, drawn):
    page = browser.open(fresh.url)
    upload(page, drawn)
    wait_for_cards(page, 3)
    page.locator(".lk-open").first.click()
    page.get_by_role("button", name="Delete", exact=True).click()
    page.get_by_role("button", name="Keep it").click()
    page.get_by_role("button", name="Delete", exact=True).click()
    page.get_by_role("button", name="Move to trash").click()
    page.locator(".lk-toast.shown").wait_for()
    wait_for_cards(page, 2)
    browser.open(fresh.url).locator(".lk-line h2", has_text="2 pictures").wait_for()


def test_a_tab_opened_later_sees_the_run_under_way(serve, browser, tmp_path, drawn):
    model = BlockedModel(tmp_path / "gate")
    server = serve(*model.program)
    first = browser.open(server.url)
    choose(first, drawn)
    run(first, "running")
    second = browser.open(server.url)
    first.close()
    run(second, "running")
    model.let_go()
    run(second, "done")
    assert counts(second) == ["3 new"]
    wait_for_cards(second, 3)


def test_a_library_for_looking_offers_no_changes(apps, browser, audit):
    page = browser.open(apps.read_only().url)
    page.get_by_text("The library is empty").wait_for()
    audit(page, states.read_only)
    assert page.get_by_role("button", name="Add sample pictures").count() == 0
    assert not page.locator("#uploads").is_visible()


def test_a_visitor_signs_in(serve, browser, audit, drawn):
    server = serve(AUTH="ann:pass:word")
    page = browser.context.new_page()
    page.goto(server.url)
    page.get_by_label("username").wait_for()
    audit(page, states.signed_out)
    sign_in(page, "ann", "wrong")
    page.get_by_role("alert").filter(has_text="User or password is wrong.").wait_for()
    assert not page.get_by_text("Incorrect Credentials").is_visible()
    assert page.locator("#results").count() == 0
    assert [problem for problem in browser.problems if "400" not in problem] == []
    browser.problems.clear()
    sign_in(page, "ann", "pass:word")
    upload(page, drawn)
    page.close()  # reloading would break off what it is asking, and it would complain
    page = browser.open(server.url)
    page.wait_for_function("[...document.querySelectorAll('#results img')].some(image => image.naturalWidth > 0)")
    assert browser.problems == []
    page.close()
    page = browser.context.new_page()
    page.goto(f"{server.url}/logout")
    page.get_by_label("password").wait_for()


def sign_in(page, user, password):
    page.get_by_label("username").fill(user)
    page.get_by_label("password").fill(password)
    page.get_by_role("button", name="Login").click()
