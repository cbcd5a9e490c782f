"""Opens the tuning and the evaluations in a real browser."""

import pytest

from testing import states
from testing.states import steps

pytestmark = pytest.mark.filterwarnings("ignore")


def test_tuning_measures_plots_and_suggests(apps, browser, audit):
    page = states.tuning(browser, apps)
    audit(page, states.tuning)
    steps.measure(page)
    audit(page, states.measured)
    assert page.locator(".lk-plot[role=img]").count() == 2
    assert page.locator(".lk-figures.steps tbody tr").count() >= 14
    assert page.locator(".lk-report-sentence").inner_text().startswith("nprobe ")
    page.get_by_role("button", name="Let Automatic use nprobe").wait_for()
    page.keyboard.press("Escape")
    steps.open_dialog(page, "Evaluations…")
    page.get_by_text("There is no evaluation yet").wait_for()
    audit(page, states.nothing_evaluated)


def test_an_evaluation_shows_models_beside_each_other_and_the_worst_queries_with_pictures(apps, browser, audit):
    page = states.evaluation(browser, apps)
    audit(page, states.evaluation)
    page.get_by_role("rowheader", name="random minus small").first.wait_for()
    page.wait_for_function("document.querySelector('.lk-worst img')?.naturalWidth > 0")
    page.get_by_label("Model of the tables below").select_option("1")
    assert page.get_by_label("Model of the tables below").input_value() == "1"
