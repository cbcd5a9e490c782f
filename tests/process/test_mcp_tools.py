"""Searches over MCP, with the real client and a running app."""

import base64
import json
import urllib.request

import pytest

from testing.agent import call, described, tools
from testing.app_server import ROOT, ForkedServer
from testing.pictures import samples
from testing.program import run_forked

WITHOUT_MCP = "import sys; sys.modules['mcp'] = None; import app; app.main()"


@pytest.fixture(scope="module")
def server(tmp_path_factory, libraries):
    folder = tmp_path_factory.mktemp("mcp")
    libraries.copy(libraries.samples(), folder)
    server = ForkedServer(folder, MCP="1", EDITS="add").wait()
    yield server
    server.stop()


@pytest.fixture
def search(server):
    def ask(**arguments):
        answer = call(server.url, "search_pictures", arguments)
        assert not answer.isError, answer.content
        [text] = answer.content
        return json.loads(text.text)

    return ask


@pytest.fixture
def refusal(server):
    def ask(tool="search_pictures", **arguments):
        answer = call(server.url, tool, arguments)
        assert answer.isError
        [text] = answer.content
        return text.text

    return ask


def test_an_agent_is_told_what_it_can_do(server):
    search, status = described(server.url)
    assert (search.name, status.name) == ("search_pictures", "library_status")
    assert "Find the pictures" in search.description and "How many pictures" in status.description
    properties = search.inputSchema["properties"]
    assert {name: each.get("type") for name, each in properties.items()} == {
        "text": "string",
        "image": "string",
        "limit": "integer",
        "min_score": "number",
        "where": None,  # a list or nothing
        "match": "string",
        "sort": "string",
        "offset": "integer",
        "parts": "array",
        "nprobe": None,  # a number or nothing
        "exact": "boolean",
        "model": "string",
    }
    assert all(each["description"] for each in properties.values())


def test_words_find_pictures_best_first(search):
    found = search(text="a sunset over the sea", limit=3)
    assert [each["rank"] for each in found] == [1, 2, 3]
    assert found[0]["name"] == "sunset over the sea.png"
    assert found[0]["score"] > found[1]["score"] > found[2]["score"]


def test_an_agent_can_reach_what_it_found(search):
    [found] = search(text="a sunset over the sea", limit=1)
    with urllib.request.urlopen(found["thumbnail"]) as thumbnail, urllib.request.urlopen(found["original"]) as original:
        assert thumbnail.headers["content-type"] == "image/jpeg"
        assert original.read() == samples()[found["name"]]


def test_an_agent_chooses_the_accuracy_and_the_model(search):
    exactly = search(text="a sunset over the sea", limit=3, exact=True, model="small")
    assert exactly == search(text="a sunset over the sea", limit=3, nprobe=128)


def test_a_picture_finds_what_resembles_it(search):
    name, data = next(iter(samples().items()))
    [found] = search(image=f"data:image/png;base64,{base64.b64encode(data).decode()}", limit=1)
    assert (found["name"], round(found["score"], 2)) == (name, 1.0)
    others = search(image=found["content_id"], limit=5)
    assert name not in [each["name"] for each in others] and len(others) == 5


def test_a_picture_of_the_library_and_words_go_together(search):
    [moon] = search(text="night sky with a full moon", limit=1)
    found = [each["name"] for each in search(image=moon["content_id"], text="a sunset over the sea", limit=10)]
    assert "night sky with a crescent moon.png" in found and "sunset over the sea.png" in found
    assert moon["name"] not in found


def test_an_agent_weighs_texts_and_pictures(search):
    [moon] = search(text="night sky with a full moon", limit=1)
    parts = [{"text": "a sunset over the sea"}, {"image": moon["content_id"], "weight": -0.3, "crop": [0, 0, 1, 0.9]}]
    names = [each["name"] for each in search(parts=parts, limit=60)]
    assert names[0] == "sunset over the sea.png" and moon["name"] not in names


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"parts": [{"text": "x", "weight": -1}]}, "only says what to leave out"),
        ({"parts": [{"text": "x"}] * 17}, "16 are possible"),
        ({"parts": [{"text": "x", "image": "0" * 64}]}, "only one of them"),
        ({"parts": [{}]}, "only one of them"),
        ({"parts": [{"text": "x", "weight": "much"}]}, "has to be a number"),
        ({"parts": [{"image": "0" * 64, "crop": [0, 0, 2, 1]}]}, "reaches beyond"),
        ({"parts": [{"image": "/etc/passwd"}]}, "The image has to be"),
        ({}, "Describe a picture"),
        ({"text": "x", "limit": 0}, "1 to 200 results"),
        ({"text": "x", "limit": 10**30}, "1 to 200 results"),
        ({"text": "x", "offset": 10**30}, "Only the best 16,384 results"),
        ({"text": "x", "where": [{"field": "width", "operator": "=", "value": 10**30}]}, "compared with numbers from"),
        ({"text": "x", "limit": "many"}, 'The limit has to be a number, not "many".'),
        ({"text": "x", "min_score": 2}, "-1 to 1 is possible"),
        ({"text": "x", "nprobe": 0}, "1 to 65536 is possible"),
        ({"text": "x", "model": "huge"}, "huge"),
        ({"image": "0" * 64}, "no longer in the library"),
        ({"image": "data:image/png;base64,aGVsbG8="}, "This is plain text"),
        ({"image": "data:image/png;base64,%%%"}, "The image has to be"),
        ({"image": "http://127.0.0.1/secret.png"}, "The image has to be"),
        ({"image": "file:///etc/passwd"}, "The image has to be"),
        ({"image": "/etc/passwd"}, "The image has to be"),
    ],
)
def test_a_bad_argument_gets_one_sentence(refusal, arguments, sentence):
    answer = refusal(**arguments)
    assert sentence in answer and "\n" not in answer and "Traceback" not in answer


@pytest.mark.parametrize("tool", ["add", "status", "search", "mcp_search", "remove"])
def test_nothing_else_is_a_tool(refusal, tool):
    assert "Unknown tool" in refusal(tool)


def test_an_agent_learns_how_the_library_is(server):
    answer = call(server.url, "library_status", {})
    assert json.loads(answer.content[0].text)["pictures"] == len(samples())


def test_mcp_is_off_unless_asked_for_and_needs_no_package_then(tmp_path):
    server = ForkedServer(tmp_path, ("-c", WITHOUT_MCP)).wait()
    try:
        with pytest.raises(ExceptionGroup):
            tools(server.url)
    finally:
        server.stop()


def test_a_missing_package_ends_the_program_with_what_to_install(tmp_path):
    environment = {"PATH": "/usr/bin", "MCP": "1", "DATA_DIR": str(tmp_path)}
    result = run_forked(["-c", WITHOUT_MCP], ROOT, environment)
    assert (result.returncode, result.stderr) == (
        2,
        'MCP=1 needs one more package: pip install "gradio[mcp]"\n',
    )


def test_filters_order_and_offset_reach_an_agent(search, refusal):
    where = [{"field": "name", "operator": "starts with", "value": "night sky"}]
    assert {hit["name"].split(" with")[0] for hit in search(text="a full moon", where=where)} == {"night sky"}
    [listed] = search(where=where, sort="name", offset=1)
    assert (listed["rank"], listed["name"], listed["score"]) == (2, "night sky with a full moon.png", None)
    assert "No picture has a field 'nowhere'" in refusal(
        text="x", where=[{"field": "nowhere", "operator": "=", "value": 1}]
    )
