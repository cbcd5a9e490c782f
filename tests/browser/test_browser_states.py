"""Looks at the page while something is missing or under way: the model, Milvus, a file, an upload."""

import csv
import io
import shutil
import time
import uuid
from pathlib import Path

import pytest

from encoders.model_folders import SMALL_FOLDER
from testing import states
from testing.apps import LONGEST, NO_PICTURE, without_network
from testing.blocked_model import BlockedModel
from testing.browser import (
    PATIENCE,
    WIDE,
    cards,
    choose,
    counts,
    names,
    run,
    search,
    upload,
    wait_for_box,
    wait_for_cards,
)
from testing.callers import Caller
from testing.states import steps
from testing.tiny_clip import TINY_CLIP, put_into_hub_cache
from ui.lanes import SEARCHES_AT_ONCE

pytestmark = pytest.mark.filterwarnings("ignore")

BACK_WITHIN = 90  # seconds: a server that says it is healthy may still be gathering its parts


def alert(page):
    return page.locator(".lk-alert:visible, #results [role=alert]").first


# The model


def test_a_search_made_while_the_model_loads_runs_by_itself_once_it_is_there(serve, browser, apps, tmp_path):
    model = BlockedModel(tmp_path / "gate")
    server = serve(*model.program)
    page = browser.open(server.url)
    page.get_by_text("model loading…").wait_for()
    choose(page, [apps.picture() for _ in range(3)])
    run(page, "running")
    page.get_by_role("heading", name="Waiting for the model to load").wait_for()
    page.get_by_label("Describe a picture").fill("anything")
    page.keyboard.press("Enter")
    page.get_by_text("The search runs automatically once the model is loaded").wait_for()
    model.let_go()
    run(page, "done")
    page.locator("#results [data-state]:not([data-state=waiting])").wait_for(state="attached")
    search(page, "anything at all")
    wait_for_cards(page, 3)
    page.locator(".lk-chip.model[data-state=ready]").wait_for()


def test_a_search_behind_others_shows_its_place_in_line_and_one_beyond_the_end_when_to_try_again(
    serve, browser, tmp_path, audit
):
    model = BlockedModel(tmp_path / "gate")
    server = serve(*model.program, QUEUE="2")
    page, late = browser.open(server.url), browser.open(server.url)
    for each in (page, late):
        each.locator("#results [data-state=empty]").wait_for(state="attached")
    Caller(server.url).fill_the_lane(SEARCHES_AT_ONCE + 1)
    place = page.locator(".lk-place-in-line")
    for each, told in (
        (page, place.get_by_text("In queue: 2 of 2")),
        (late, late.get_by_text("2 others are already waiting").first),
    ):
        each.get_by_label("Describe a picture").fill("anything")
        each.keyboard.press("Enter")
        told.wait_for()
    audit(page, states.in_line)
    model.let_go()
    place.wait_for(state="hidden")
    [noted] = browser.problems
    assert "429" in noted  # by Chromium, beside what the page says
    browser.problems.clear()


def test_while_the_model_loads_the_library_can_be_looked_through(apps, browser, audit):
    page = states.waiting(browser, apps)
    audit(page, states.waiting)
    page.get_by_role("button", name="Show the library").click()
    page.locator(".lk-line h2", has_text="60 pictures").wait_for()
    assert cards(page).count() == 48
    page.locator(".lk-chip.model[data-state=loading]").wait_for()
    audit(page, states.loading)


def test_without_a_model_the_page_says_what_to_do_and_still_shows_the_library(apps, browser, audit):
    page = states.no_model(browser, apps)
    assert "The memory of the graphics card is full." in alert(page).inner_text()
    assert page.locator(".lk-alert").get_by_role("button").count() == 0  # only a new start helps
    wait_for_cards(page, 48)
    audit(page, states.no_model)
    page.get_by_label("Describe a picture").fill("a rainbow")
    page.keyboard.press("Enter")
    page.locator("#results [role=alert]", has_text="The model is not available").wait_for()
    audit(page, states.no_model_for_a_search)
    choose(page, apps.picture())
    run(page, "failed")
    audit(page, states.no_model_for_an_upload)
    assert "The memory of the graphics card is full." in page.locator(".lk-problem").inner_text()


def test_from_no_network_to_the_chosen_model(serve, browser, apps, tmp_path, audit):
    server = serve(**without_network(tmp_path / "hub", TINY_CLIP))
    page = browser.open(server.url)
    upload(page, [apps.picture() for _ in range(3)])
    banner = page.locator(".lk-fallback")
    banner.get_by_text(f"{TINY_CLIP} is not on this machine and huggingface.co cannot be reached").wait_for()
    audit(page, states.fallback)
    search(page, "anything")
    wait_for_cards(page, 3)
    banner.get_by_role("button", name="Try again").click()
    banner.get_by_role("button", name="Try again", disabled=False).wait_for()  # the first try is over
    put_into_hub_cache(tmp_path / "hub")
    banner.get_by_role("button", name="Try again").click()
    banner.wait_for(state="hidden")
    page.locator(".lk-chip.model", has_text=TINY_CLIP).wait_for()
    search(page, "anything else")
    wait_for_cards(page, 3)


def test_pictures_of_another_model_are_encoded_on_request(serve, browser, apps, audit):
    page = browser.open(f"{serve(IMAGE_STORE=apps.pictures()).url}/?q=a+rainbow")
    page.get_by_text("60 pictures cannot be found with small").wait_for()
    audit(page, states.not_encoded)
    page.get_by_role("button", name="Encode them").click()
    page.locator(".lk-fallback").wait_for(state="hidden")
    search(page, "a rainbow over a field")
    page.locator(".lk-card .lk-name", has_text="rainbow").first.wait_for()


def test_where_visitors_may_only_add_the_banner_says_who_can_help(serve, browser, tmp_path):
    page = browser.open(serve(EDITS="add", **without_network(tmp_path / "hub")).url)
    banner = page.locator(".lk-fallback")
    banner.get_by_text("The operator of this app can fix this by running: python app.py reindex").wait_for()
    assert banner.get_by_role("button").count() == 0


# Milvus


@pytest.mark.kills_server
def test_milvus_goes_away_and_comes_back_under_an_open_page(serve, browser, apps, milvus_server, tmp_path):
    model = tmp_path / "small"
    shutil.copytree(SMALL_FOLDER, model, ignore=shutil.ignore_patterns("*.py", "__pycache__"))
    (model / "own.txt").write_text(uuid.uuid4().hex)  # other weights, a collection of one's own
    page = browser.open(serve(CLIP_MODEL=str(model), MILVUS_URI=milvus_server.uri).url)
    upload(page, [apps.picture() for _ in range(3)])
    search(page, "anything")
    wait_for_cards(page, 3)

    milvus_server.kill()
    page.get_by_label("Describe a picture").fill("something else")
    page.keyboard.press("Enter")
    page.locator("#results [role=alert]", has_text="Milvus is not answering").wait_for()
    assert "does not answer. Start it" in alert(page).inner_text()
    page.locator(".lk-chip.database[data-state=down]").wait_for(state="attached")
    late = apps.picture()
    choose(page, late)
    run(page, "failed")
    page.locator(".lk-brand").click()
    wait_for_cards(page, 4)  # the file is kept, and found once its row is there
    page.locator(".lk-alert", has_text="Milvus is not answering").wait_for()

    milvus_server.start()
    page.locator(".lk-alert").wait_for(state="hidden", timeout=BACK_WITHIN * 1000)
    found_again(page, "something else")
    wait_for_cards(page, 3)
    upload(page, late)
    assert counts(page) == ["1 new"]
    search(page, "one more")
    wait_for_cards(page, 4)


def found_again(page, words):
    deadline = time.monotonic() + BACK_WITHIN
    page.get_by_label("Describe a picture").fill(words)
    page.get_by_role("button", name="Search", exact=True).click()
    answered = page.locator(".lk-timing, #results [role=alert]").first
    answered.wait_for()
    while not page.locator(".lk-timing").is_visible():
        assert time.monotonic() < deadline
        page.get_by_role("button", name="Try again").last.click()
        answered.wait_for()


def test_without_milvus_the_library_is_shown_and_a_search_says_what_to_do(apps, browser, audit):
    page = states.no_milvus(browser, apps)
    wait_for_cards(page, 48)
    assert "does not answer. Start it" in alert(page).inner_text()
    audit(page, states.no_milvus)
    page.get_by_role("button", name="Try again").click()
    page.get_by_label("Describe a picture").fill("a rainbow")
    page.keyboard.press("Enter")
    page.locator("#results [role=alert]", has_text="Milvus is not answering").wait_for()
    assert page.locator(".lk-alert").is_hidden()  # said once is enough
    audit(page, states.no_milvus_for_a_search)


# Addresses


@pytest.mark.parametrize(
    ("like", "title"),
    [(NO_PICTURE, "This picture cannot be found"), ("../../etc/passwd", "There is no such picture")],
)
def test_an_address_of_no_picture_is_explained_and_left_by_a_search(server, browser, like, title, audit):
    page = browser.open(f"{server.url}/?like={like}")
    page.locator("#results [role=alert]", has_text=title).wait_for()
    audit(page, states.bad_address)
    search(page, "a rainbow")
    assert page.url.endswith("?q=a+rainbow")


def test_an_address_with_a_picture_shows_what_is_like_it_and_the_buttons_lead_back_and_forth(server, browser, audit):
    page = browser.open(f"{server.url}/?q=balloons")
    page.locator(".lk-timing").wait_for()
    first = names(page)[0]
    page.locator(".lk-card").first.hover()
    page.get_by_role("button", name=f"Find pictures similar to {first}").click()
    page.locator(".lk-part", has_text=first).wait_for()
    address = page.url
    similar = names(page)
    audit(page, states.similar)
    page.go_back()
    page.locator(".lk-part-picture").wait_for(state="detached")
    page.go_forward()
    page.locator(".lk-part", has_text=first).wait_for()
    assert names(page) == similar
    other = browser.open(address)
    other.locator(".lk-part", has_text=first).wait_for()
    assert names(other) == similar


def test_pages_lead_forth_and_back_and_clear_leads_to_the_first(server, browser, audit):
    page = browser.open(server.url)
    audit(page, states.library)
    newest = names(page)[0]
    page.get_by_role("button", name="Older", exact=True).click()
    page.get_by_text("49–60 of 60").wait_for()
    assert page.get_by_role("button", name="Older", exact=True).is_disabled()
    assert newest not in names(page)
    audit(page, states.last_page)
    page.get_by_role("button", name="Newer", exact=True).click()
    page.get_by_text("1–48 of 60").wait_for()
    assert names(page)[0] == newest
    search(page, "snow")
    page.get_by_role("button", name="Clear").click()
    page.get_by_text("1–48 of 60").wait_for()
    assert page.get_by_label("Describe a picture").input_value() == ""


def test_a_minimum_score_that_nothing_reaches_is_named(apps, browser, audit):
    page = states.no_match(browser, apps)
    assert "No picture reaches the minimum score of 1.00. Lower it" in page.locator(".lk-message").inner_text()
    assert page.locator(".lk-line h2").text_content() == "0 of 60 pictures"
    audit(page, states.no_match)


# Uploads


def test_a_stopped_upload_keeps_what_was_done_and_skips_the_rest(serve, browser, apps, tmp_path):
    model = BlockedModel(tmp_path / "gate")
    page = browser.open(serve(*model.program).url)
    choose(page, [apps.picture() for _ in range(40)])
    run(page, "running")
    page.get_by_role("button", name="Stop").click()
    page.get_by_role("button", name="Stopping…", disabled=True).wait_for()
    model.let_go()
    run(page, "stopped")
    assert counts(page) == ["32 new", "8 skipped"]  # the batch in hand is finished
    assert page.get_by_text("Add the same again for the rest").is_visible()
    wait_for_cards(page, 32)
    page.get_by_role("button", name="Details", exact=True).click()
    assert "Stopped before this file." in page.locator(".lk-receipts table").inner_text()


def test_cancelling_before_the_files_have_arrived_adds_nothing(apps, browser, audit):
    page = states.empty(browser, apps)
    audit(page, states.empty)
    held = []
    page.route("**/gradio_api/upload*", lambda route: held.append(route))
    choose(page, [apps.picture() for _ in range(5)])
    page.get_by_text("Uploading 0 of 5 files").wait_for()
    audit(page, states.sending)
    page.get_by_role("button", name="Cancel").click()
    for route in held:
        route.continue_()
    page.get_by_role("button", name="Choose pictures").first.wait_for()
    page.locator("#uploads .lk-progress").wait_for(state="hidden")
    assert page.locator(".lk-run").is_hidden()
    assert len(held) < 5


def test_a_receipt_sorts_what_became_of_every_file(apps, browser, audit):
    page = states.receipt(browser, apps)
    assert counts(page) == ["3 new", "1 duplicate", "1 rejected", "1 skipped"]
    audit(page, states.receipt)
    page.get_by_role("button", name="Details", exact=True).click()
    rows = page.locator(".lk-receipts tbody tr")
    for label, number in (("All 6", 6), ("Problems 2", 2), ("New 3", 3), ("Duplicates 1", 1)):
        page.get_by_role("button", name=label, exact=True).click()
        assert rows.count() == number
    audit(page, states.receipts)
    with page.expect_download() as download:
        page.get_by_role("link", name="CSV").click()
    head, *lines = csv.reader(io.StringIO(Path(download.value.path()).read_text("utf-8-sig")))
    assert head == ["file", "result", "reason", "content_id"]
    assert sorted(line[1] for line in lines) == ["duplicate", "new", "new", "new", "rejected", "skipped"]
    page.get_by_role("button", name="Close").last.click()
    page.get_by_role("button", name="Dismiss").click()
    page.locator(".lk-run").wait_for(state="hidden")
    steps.view(page, LONGEST)
    audit(page, states.longest_name)


def test_a_folder_of_the_server_is_imported_and_the_past_runs_tell_of_it(apps, browser, audit):
    page = states.from_the_server(browser, apps)
    assert counts(page) == ["1 new", "1 rejected"]
    audit(page, states.from_the_server)
    steps.show_past_runs(page)
    assert "1 rejected" in page.locator(".lk-past table").inner_text()
    audit(page, states.past_runs)
    page.keyboard.press("Escape")
    steps.import_a_table(page, apps)
    audit(page, states.a_table_of_the_server)


def test_an_upload_behind_another_says_that_it_waits(apps, browser, audit):
    page = states.upload_at_work(browser, apps)
    audit(page, states.upload_at_work)
    steps.choose_another(page, apps)
    assert "0 of 1 file" in page.locator(".lk-run").inner_text()
    audit(page, states.upload_in_line)


def test_what_is_chosen_while_others_are_sent_is_sent_after_them(apps, browser):
    page = browser.open(apps.changing().url)
    held = []
    page.route("**/gradio_api/upload*", lambda route: route.continue_() if held else held.append(route))
    with page.expect_request("**/gradio_api/upload*"):
        choose(page, apps.picture("a comet sent first.png"))
    choose(page, apps.picture("a comet sent later.png"))
    held[0].continue_()
    for name in ("first", "later"):
        cards(page).filter(has_text=f"a comet sent {name}.png").wait_for()


# Deleting


def test_a_picture_deleted_from_a_search_leaves_it(apps, browser, audit):
    page = browser.open(apps.changing().url)
    upload(page, apps.picture("a rainbow to lose.png"))
    search(page, "a rainbow")
    shown = cards(page).count()
    cards(page).filter(has_text="a rainbow to lose.png").locator(".lk-open").click()
    page.get_by_role("button", name="Delete", exact=True).click()
    audit(page, states.asked_before_deleting)
    page.get_by_role("button", name="Keep it").click()
    page.keyboard.press("Escape")
    assert cards(page).count() == shown
    cards(page).filter(has_text="a rainbow to lose.png").locator(".lk-open").click()
    page.get_by_role("button", name="Delete", exact=True).click()
    page.get_by_role("button", name="Move to trash").click()
    page.locator(".lk-toast.shown", has_text="a rainbow to lose.png").wait_for()
    audit(page, states.deleted)
    wait_for_cards(page, shown - 1)
    wait_for_box(page, "a rainbow")


# Looks


def test_the_page_follows_the_colours_of_the_system(server, visit):
    for scheme, darkest in (("light", 255), ("dark", 60)):
        page = visit(WIDE, scheme).open(server.url)
        colour = page.evaluate("getComputedStyle(document.body).backgroundColor")
        assert max(int(part) for part in colour[4:-1].split(",")) <= darkest
        assert page.locator("body.dark").count() == (scheme == "dark")


def test_a_picture_that_is_gone_from_the_store_leaves_a_sign_in_its_place(server, browser):
    page = browser.context.new_page()
    page.route("**/media/thumb/*", lambda route: route.fulfill(status=200, body="no picture"))
    page.goto(server.url)
    page.locator(".lk-open > svg").first.wait_for(timeout=PATIENCE)
