"""Checks the page's modules: under an address of their own, kept by browsers, never another release's."""

import json
import re

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from ui.bundle import joined
from ui.languages import tables
from ui.scripts import FOLDER, Scripts

IMPORT = re.compile(r"^(?:import|export) [^;]*?from '([^']+)';", re.MULTILINE)
MODULES = sorted(FOLDER.rglob("*.js"))
MAIN = "import { el } from './shared/dom.js';\n\nexport const twice = 2 * el;\n"
DOM = "export const el = 1;\n"


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "shared").mkdir()
    (tmp_path / "main.js").write_text(MAIN)
    (tmp_path / "shared" / "dom.js").write_text(DOM)
    return tmp_path


def entry_of(scripts):
    return re.search(r'<script type="module" src="([^"]+)">', scripts.head())[1]


def client_of(scripts):
    return TestClient(Starlette(routes=scripts.routes()), base_url="http://test")


def test_a_module_opens_with_a_sentence_on_what_it_does():
    for path in MODULES:
        first = path.read_text(encoding="utf-8").splitlines()[0]
        assert re.match(r"// (?!Icons|Numbers|Pictures|Plots|Tables|Which|What)[A-Z][a-z]+s ", first), path.name


def test_all_modules_come_as_one_that_a_browser_keeps(folder):
    scripts = Scripts(folder)
    answer = client_of(scripts).get(f"/{entry_of(scripts)}")
    assert answer.text == joined({"main.js": MAIN, "shared/dom.js": DOM}, "main.js")
    assert answer.headers["content-type"].startswith("text/javascript")
    assert "immutable" in answer.headers["cache-control"]


def test_the_words_of_each_language_lie_where_the_head_says(folder):
    scripts = Scripts(folder)
    [told] = re.findall(r'id="likeness-words">([^<]+)<', scripts.head())
    for language, address in json.loads(told).items():
        answer = client_of(scripts).get(f"/{address}")
        assert answer.json() == tables()[language]
        assert "immutable" in answer.headers["cache-control"]


def test_each_module_lies_beside_them_for_whoever_looks_for_a_fault(folder):
    scripts = Scripts(folder)
    url = f"/{entry_of(scripts)}".replace("page.js", "shared/dom.js")
    assert client_of(scripts).get(url).text == (folder / "shared" / "dom.js").read_text()


@pytest.mark.parametrize("changed", ["main.js", "shared/dom.js"])
def test_another_release_has_another_address(folder, changed):
    before = entry_of(Scripts(folder))
    assert entry_of(Scripts(folder)) == before
    with (folder / changed).open("a") as file:
        file.write("export const changed = 2;\n")
    assert entry_of(Scripts(folder)) != before


def test_a_page_of_another_release_is_given_what_there_is_and_does_not_keep_it(folder):
    answer = client_of(Scripts(folder)).get("/gradio_api/scripts/0123456789abcdef/main.js")
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "private, no-cache"


@pytest.mark.parametrize("path", ["nowhere.js", "../scripts.py", "%2e%2e/%2e%2e/scripts.py", "shared", ""])
def test_nothing_but_modules_is_served(folder, path):
    answer = client_of(Scripts(folder)).get(f"/gradio_api/scripts/x/{path}")
    assert answer.status_code == 404
    assert answer.headers["cache-control"] == "no-store"


def test_gradio_finds_the_names_of_a_component_s_events_in_its_hook(folder):
    assert '"results", ["visit", "turn"]' in Scripts(folder).mount("results", ["visit", "turn"])


def test_every_module_is_reached_from_the_entry():
    reached, ahead = set(), [FOLDER / "main.js"]
    while ahead:
        module = ahead.pop()
        if module not in reached:
            reached.add(module)
            ahead += [(module.parent / name).resolve() for name in IMPORT.findall(module.read_text("utf-8"))]
    assert sorted(reached) == MODULES


# Joining modules


SOURCES = {
    "b.js": "import { one as first } from './c/d.js';\nexport const one = first + 1;\n",
    "a.js": "import { one } from './b.js';\nexport { two } from './c/d.js';\nexport const three = () => one + 1;\n",
    "c/d.js": "export const one = 1;\nexport class two {}\n",
}


def test_a_module_runs_after_those_that_it_needs_and_keeps_its_own_names():
    text = joined(
        {**SOURCES, "b.js": "import { one as first } from './c/d.js';\nexport const one = first + 1;\n"}, "a.js"
    )
    assert text.splitlines() == [
        *("const _c_d_js = await (async () => {", "const one = 1;", "class two {}", "return { one, two };", "})();"),
        *("const _b_js = await (async () => {", "const { one: first } = _c_d_js;", "const one = first + 1;"),
        *("return { one };", "})();"),
        *("const _a_js = await (async () => {", "const { one } = _b_js;", "const { two } = _c_d_js;"),
        *("const three = () => one + 1;", "return { three, two };", "})();"),
        "export const { three, two } = _a_js;",
    ]


@pytest.mark.parametrize(
    "odd", ["import './b.js';", "import x from './b.js';", "export default 1;", "export let x = 1;"]
)
def test_what_cannot_be_joined_is_refused(odd):
    with pytest.raises(ValueError, match="imports or exports in a way that cannot be joined"):
        joined({"a.js": f"{odd}\n"}, "a.js")


def test_a_circle_is_refused():
    with pytest.raises(ValueError, match="circle"):
        joined({"a.js": "import { b } from './b.js';\n", "b.js": "import { a } from './a.js';\n"}, "a.js")
