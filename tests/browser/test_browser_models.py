"""Uses several models over one library in a real browser: chosen, compared, encoded for, dropped."""

import pytest

from testing import states
from testing.browser import cards, search
from testing.states import steps
from testing.tiny_clip import save_tiny_clip

pytestmark = pytest.mark.filterwarnings("ignore")


def model_of(page, name):
    return page.locator(".lk-model").filter(has=page.locator("h3", has_text=name))


def test_two_models_answer_in_two_columns_with_the_overlap_marked(apps, browser, audit):
    page = states.beside(browser, apps)
    audit(page, states.beside)
    columns = page.locator(".lk-beside > section")
    assert columns.locator("h3").all_inner_texts() == ["small", "other"]
    assert columns.nth(0).locator(".lk-card").count() == columns.nth(1).locator(".lk-card").count() == 24
    found = [set(columns.nth(at).locator(".lk-name").all_text_contents()) for at in (0, 1)]
    assert columns.nth(0).locator(".in-both").count() == len(found[0] & found[1])
    assert f"{len(found[0] & found[1])} of 24 in both" in page.locator(".lk-line").inner_text()
    columns.nth(1).locator(".lk-open").first.click()
    page.locator(".lk-viewer[open]").wait_for()
    assert page.locator(".lk-viewer .lk-title").inner_text() == columns.nth(1).locator(".lk-name").first.text_content()


def test_the_model_that_is_chosen_answers_the_next_question_too(apps, browser):
    page = browser.open(f"{apps.side_by_side().url}/?q=stripes")
    first = page.locator(".lk-card .lk-number").first.inner_text()
    steps.open_settings(page)
    page.locator("#model-pickers").get_by_label("Model", exact=True).select_option("other")
    page.wait_for_function("first => document.querySelector('.lk-card .lk-number')?.textContent !== first", arg=first)
    assert "model=other" in page.url
    search(page, "a red circle")
    page.wait_for_url("**/?*q=a+red+circle*")
    assert "model=other" in page.url
    assert cards(page).count() == 24


def test_weights_that_are_cut_off_are_told_and_the_present_model_goes_on(apps, browser):
    page = browser.open(f"{apps.side_by_side().url}/?q=stripes&model=cut+off")
    page.locator("#results .lk-message", has_text="The model cut off cannot be loaded").wait_for()
    steps.open_settings(page)
    page.locator("#model-pickers").get_by_label("Model", exact=True).select_option("small")
    page.locator(".lk-card .lk-number").first.wait_for()


def test_where_the_other_model_cannot_be_had_the_present_one_answers_alone(apps, browser):
    page = browser.open(f"{apps.side_by_side().url}/?q=stripes&against=cut+off")
    page.locator(".lk-notes", has_text="The model cut off cannot be loaded").wait_for()
    assert cards(page).count() == 24
    assert page.locator(".lk-beside").count() == 0


def test_pictures_are_encoded_for_a_model_and_its_collection_is_dropped(serve, browser, libraries, tmp_path, audit):
    data = libraries.copy(libraries.samples(), tmp_path)
    server = serve(CLIP_OTHERS=str(save_tiny_clip(tmp_path / "further")), DATA_DIR=str(data))
    page = browser.open(server.url)
    page.locator(".lk-line h2", has_text="60 pictures").wait_for()
    steps.open_dialog(page, "Models…")
    further = model_of(page, "further")
    further.get_by_role("button", name="Encode 60 pictures").click()
    further.get_by_text("60 of 60").wait_for()
    audit(page, states.models)
    assert model_of(page, "small").get_by_text("in use").count() == 1
    assert model_of(page, "small").get_by_role("button").count() == 0
    further.get_by_role("button", name="Drop the collection").click()
    further.get_by_role("button", name="Cancel").press("Enter")
    further.get_by_role("button", name="Drop the collection").click()
    assert "The pictures stay" in further.inner_text()
    further.get_by_role("button", name="Drop", exact=True).click()
    further.get_by_role("button", name="Encode 60 pictures").wait_for()
    assert further.get_by_text("0 of 60").count() == 1
