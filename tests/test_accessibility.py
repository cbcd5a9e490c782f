"""The page for everyone: axe in every state, light and dark, wide and narrow; and a visit without a mouse."""

import pytest

from tests.browser import PHONE, WIDE, overhang
from tests.states import STATES

try:
    from axe_playwright_python.sync_playwright import Axe
except ImportError:
    Axe = None

pytestmark = pytest.mark.filterwarnings("ignore")

SERIOUS = ("serious", "critical")
EVERYTHING = {"resultTypes": ["violations"]}
COLOURS = {**EVERYTHING, "runOnly": ["color-contrast", "link-in-text-block"]}


def findings(page, options):
    found = Axe().run(page, options=options).response["violations"]
    return [
        f"{each['id']} ({each['impact']}): {node['html']} {node['failureSummary']}"
        for each in found
        if each["impact"] in SERIOUS
        for node in each["nodes"]
    ]


def go_dark(page):
    page.emulate_media(color_scheme="dark")
    page.locator("body.dark").wait_for()


@pytest.mark.parametrize("size", [WIDE, PHONE], ids=["wide", "phone"])
@pytest.mark.parametrize("state", STATES, ids=lambda state: state.__name__)
def test_axe_finds_nothing_serious_and_nothing_hangs_over_the_edge(places, visit, state, size):
    page = state(visit(size), places)
    assert overhang(page) <= 0
    assert findings(page, EVERYTHING) == []
    go_dark(page)
    assert findings(page, COLOURS) == []
