"""Holds that a wrong value of a search gets the same sentence whatever it comes by."""

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest
from typer.testing import CliRunner

import commands.main
from library.ingest.runs import Worker
from python_api.library import Library
from testing.agent import call
from testing.app_server import ForkedServer
from testing.page_calls import SETTINGS
from ui.endpoints import NO_PARTS
from ui.handlers.page import PageHandlers

HALF = "\ud83d"
INPUTS = {
    "text": "",
    "limit": 24,
    "nprobe": None,
    "exact": False,
    "min_score": -1.0,
    "image": None,
    "where": None,
    "match": "all",
    "sort": "score",
    "offset": 0,
    "parts": NO_PARTS,
    "model": "",
}


@dataclass(frozen=True)
class Wrong:
    """Holds one wrong value as each way can say it; None where a way has no means to."""

    sentence: str
    json: dict[str, Any]
    typed: list[str] | None = None
    address: dict[str, str] | None = None
    python: tuple[Any, dict[str, Any]] | None = None

    @classmethod
    def setting(cls, sentence: str, name: str, value: Any, *not_by: str) -> "Wrong":
        typed = None if "cli" in not_by else ["a", f"--{name.replace('_', '-')}={value}"]
        address = None if "page" in not_by else {"q": "a", name: str(value)}
        return cls(sentence, {"text": "a", name: value}, typed, address, ("a", {name: value}))


WRONG = [
    Wrong.setting("The limit has to be a whole number, not 2.5.", "limit", 2.5),
    Wrong.setting('The limit has to be a number, not "many".', "limit", "many"),
    Wrong.setting("The limit is 0: 1 to 200 results are possible.", "limit", 0),
    Wrong.setting("The limit is 201: 1 to 200 results are possible.", "limit", 201),
    Wrong.setting('The nprobe has to be a number, not "few".', "nprobe", "few"),
    Wrong.setting("nprobe is 0: 1 to 65536 is possible.", "nprobe", 0),
    Wrong.setting('The minimum score has to be a number, not "a".', "min_score", "a"),
    Wrong.setting("The minimum score is 2.0: -1 to 1 is possible.", "min_score", 2),
    Wrong.setting("The offset is -1: 0 or more is possible.", "offset", -1),
    Wrong.setting('The offset has to be a number, not "x".', "offset", "x"),
    Wrong.setting("Sorting by 'colour' is not possible: score, name, added, size are.", "sort", "colour"),
    Wrong.setting("'z' is not possible: all or any of the conditions match.", "match", "z", "cli"),
    Wrong.setting('exact has to be true or false, not "yes".', "exact", "yes", "cli", "page"),
    Wrong.setting("The model has to be a text, not 5.", "model", 5, "cli", "page"),
    Wrong("A text to search with has to be a string, not 5.", {"text": 5}),
    Wrong("Describe a picture, or choose one to search with.", {"text": " "}, [" "], None, (" ", {})),
    Wrong(
        "One text of the query is empty. Write something, or leave it out.",
        {"parts": [{"text": "a"}, {"text": ""}]},
        ["a", "--text", ""],
        None,
        (["a", ""], {}),
    ),
    Wrong(
        "The weight 101 is not possible: -100 to 100 are, but not 0.",
        {"parts": [{"text": "a", "weight": 101}]},
        ["--text", "a^101"],
        {"q": "a", "w": "101"},
        (("a", 101), {}),
    ),
]


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    server = ForkedServer(tmp_path_factory.mktemp("refusals"), MCP="1").wait()
    yield server
    server.stop()


@pytest.fixture
def handlers(library, tmp_path):
    return PageHandlers.build(library, Worker(library), "all", tmp_path)


def by_http(server, wrong: Wrong) -> str:
    data = list((INPUTS | wrong.json).values())
    answer = httpx.post(f"{server.url}/gradio_api/run/search", json={"data": data})
    assert answer.status_code == 400
    return answer.json()["error"]


def by_mcp(server, wrong: Wrong) -> str:
    answer = call(server.url, "search_pictures", wrong.json)
    assert answer.isError
    return answer.content[0].text


@pytest.mark.parametrize("wrong", WRONG, ids=lambda wrong: wrong.sentence)
def test_a_program_and_an_agent_are_told_the_same(server, wrong):
    assert (by_http(server, wrong), by_mcp(server, wrong)) == (wrong.sentence, wrong.sentence)


@pytest.mark.parametrize("wrong", [each for each in WRONG if each.typed], ids=lambda wrong: wrong.sentence)
def test_the_command_line_says_it_too(wrong, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(commands.main.commands, ["search", *wrong.typed])
    assert (result.exit_code, result.output) == (2, f"{wrong.sentence}\n")


@pytest.mark.parametrize("wrong", [each for each in WRONG if each.python], ids=lambda wrong: wrong.sentence)
def test_a_python_program_is_told_it_too(wrong, library):
    query, settings = wrong.python
    with Library(library) as opened, pytest.raises(Exception) as refused:
        opened.search(query, **settings)
    assert str(refused.value) == wrong.sentence


@pytest.mark.parametrize("wrong", [each for each in WRONG if each.address], ids=lambda wrong: wrong.sentence)
def test_the_page_shows_it_for_an_address(wrong, handlers, filled):
    value, _ = handlers.searches.visit({"address": f"?{urlencode(wrong.address)}"}, SETTINGS)
    assert value["detail"] == wrong.sentence


def test_half_of_a_character_is_told_alike_where_it_can_be_sent(library, handlers):
    with Library(library) as opened, pytest.raises(Exception, match="holds half of a character") as refused:
        opened.search(HALF)
    shown, _ = handlers.searches.submit({"text": HALF, "files": []}, handlers.searches.in_box({}), SETTINGS)
    assert shown["detail"] == str(refused.value)
