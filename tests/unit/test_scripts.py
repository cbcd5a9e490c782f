"""Checks the page's modules: under an address of their own, kept by browsers, never another release's."""

import re

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from ui.scripts import FOLDER, Scripts

IMPORT = re.compile(r"^(?:import|export) [^;]*?from '([^']+)';", re.MULTILINE)
MODULES = sorted(FOLDER.rglob("*.js"))


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "shared").mkdir()
    (tmp_path / "main.js").write_text("import './shared/dom.js';\n")
    (tmp_path / "shared" / "dom.js").write_text("export const el = 1;\n")
    return tmp_path


def entry_of(scripts):
    return re.search(r'<script type="module" src="([^"]+)">', scripts.head())[1]


def client_of(scripts):
    return TestClient(Starlette(routes=scripts.routes()), base_url="http://test")


def test_the_page_asks_for_every_module_at_once(folder):
    head = Scripts(folder).head()
    assert re.findall(r'<link rel="modulepreload" href="[^"]+/([^"/]+)">', head) == ["main.js", "dom.js"]


def test_a_module_is_served_as_javascript_that_a_browser_keeps(folder):
    scripts = Scripts(folder)
    answer = client_of(scripts).get(f"/{entry_of(scripts)}")
    assert answer.text == (folder / "main.js").read_text()
    assert answer.headers["content-type"].startswith("text/javascript")
    assert "immutable" in answer.headers["cache-control"]


def test_what_a_module_imports_lies_beside_it_under_the_same_address(folder):
    scripts = Scripts(folder)
    url = f"/{entry_of(scripts)}".replace("main.js", "shared/dom.js")
    assert client_of(scripts).get(url).text == (folder / "shared" / "dom.js").read_text()


@pytest.mark.parametrize("changed", ["main.js", "shared/dom.js"])
def test_another_release_has_another_address(folder, changed):
    before = entry_of(Scripts(folder))
    assert entry_of(Scripts(folder)) == before
    (folder / changed).write_text("export const el = 2;\n")
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
