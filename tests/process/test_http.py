"""Calls the page's functions over HTTP: an endpoint that the page hides can still be called."""

import errno
import json
import os
import urllib.error
import urllib.request
import uuid

import pytest

from library.image_library import ImageLibrary
from library.images import content_id
from library.ingest.runs import Worker
from testing.fakes import ColourEncoder, MemoryDatabase, MemoryStore, ready
from testing.page_calls import UNFILTERED
from testing.pictures import item
from ui.page import build_page, launch_options

pytestmark = pytest.mark.filterwarnings("ignore")


class Client:
    def __init__(self, url):
        self.url = url

    def get(self, path):
        with urllib.request.urlopen(self.url + path, timeout=20) as response:
            return response.read()

    def post(self, path, body):
        request = urllib.request.Request(
            self.url + path, json.dumps(body).encode(), {"Content-Type": "application/json"}
        )
        with urllib.request.urlopen(request, timeout=20) as response:
            return json.load(response)

    def call(self, index, event_data, data=()):
        """Joins the queue as a browser does and waits for the outcome."""
        session = uuid.uuid4().hex
        body = {"data": list(data), "event_data": event_data, "fn_index": index, "session_hash": session}
        self.post("/gradio_api/queue/join", body)
        outcome = f"{self.url}/gradio_api/queue/data?session_hash={session}"
        with urllib.request.urlopen(outcome, timeout=20) as stream:
            for line in stream:
                if line.startswith(b"data:"):
                    message = json.loads(line[5:])
                    if message["msg"] == "process_completed":
                        return message["output"]
        raise AssertionError("the stream ended without an outcome")


class Site:
    """Serves the page over one library, once for each kind of edits."""

    def __init__(self, library, uploads):
        self.library = library
        self.uploads = uploads
        self._worker = Worker(library)
        self._pages = {}
        self._urls = {}

    def __call__(self, edits):
        """Returns a client and the page's functions by name."""
        if edits not in self._pages:
            self._pages[edits] = page = build_page(self.library, self._worker, edits)
            options = launch_options(self.library)
            _, url, _ = page.launch(server_name="127.0.0.1", prevent_thread_lock=True, quiet=True, **options)
            self._urls[edits] = url.rstrip("/")
        functions = {function.api_name: index for index, function in self._pages[edits].fns.items() if function.fn}
        return Client(self._urls[edits]), functions

    def close(self):
        for page in self._pages.values():
            page.close()
        self._worker.close()


def serve(library, folder):
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("GRADIO_ANALYTICS_ENABLED", "False")
        environment.setenv("GRADIO_TEMP_DIR", str(folder))
        site = Site(library, folder)
        yield site
        site.close()


@pytest.fixture
def launch(library, tmp_path):
    """Returns a function: launch("add") gives a client and the page's functions by name, over a new library."""
    yield from serve(library, tmp_path / "gradio")


@pytest.fixture(scope="module")
def shared(tmp_path_factory, picture):
    """Returns the same as `launch`, over a library of three pictures that no test changes."""
    library = ImageLibrary(MemoryStore(), ready(ColourEncoder()), MemoryDatabase())
    list(library.add([item(f"{colour}.png", picture(colour)) for colour in ("red", "green", "blue")]))
    yield from serve(library, tmp_path_factory.mktemp("shared") / "gradio")


@pytest.mark.parametrize(("edits", "left"), [("none", 3), ("add", 3), ("all", 2)])
def test_a_raw_post_removes_only_where_that_is_allowed(launch, library, filled, edits, left):
    client, functions = launch(edits)
    client.call(functions["remove"], {"id": filled["red"]})
    assert len(library.browse(0, 9)) == left


def test_the_public_api_says_what_it_takes(shared):
    client, _ = shared("all")
    endpoints = json.loads(client.get("/gradio_api/info"))["named_endpoints"]
    assert set(endpoints) == {"/search", "/why", "/status", "/add", "/delete", "/trash", "/restore"}
    parameters = [parameter["parameter_name"] for parameter in endpoints["/search"]["parameters"]]
    paging = ["where", "match", "sort", "offset"]
    assert parameters == ["text", "limit", "nprobe", "exact", "min_score", "image", *paging, "parts", "model"]
    assert endpoints["/search"]["parameters"][5]["python_type"]["type"] == "None | filepath"
    assert endpoints["/add"]["parameters"][0]["python_type"]["type"] == "list[filepath]"


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["red", "many", None, False, -1], "has to be a number"),
        (["red", 0, None, False, -1], "The limit is 0"),
        (["red", 5, 2.5, False, -1], "has to be a whole number"),
        ([None, 5, None, False, -1], "Describe a picture"),
    ],
)
def test_the_public_api_refuses_in_words(shared, arguments, complaint):
    client, functions = shared("all")
    outcome = client.call(functions["search"], None, [*arguments, None, *UNFILTERED, []])
    assert complaint in outcome["error"]


def test_a_program_that_knows_fewer_inputs_gets_the_defaults_of_the_others(shared):
    client, functions = shared("all")
    [hits] = client.call(functions["search"], None, ["red", 2])["data"]
    assert hits[0]["name"] == "red.png" and len(hits) == 2
    assert "Describe a picture" in client.call(functions["search"], None, [])["error"]


def test_a_program_names_the_model_that_answers(shared):
    client, functions = shared("all")
    [hits] = client.call(functions["search"], None, ["red", 1, 1, True, -1, None, *UNFILTERED, [], "colour"])["data"]
    assert hits[0]["name"] == "red.png"
    outcome = client.call(functions["search"], None, ["red", 1, 1, True, -1, None, *UNFILTERED, [], "huge"])
    assert "The model huge is not offered here. These are: colour." in outcome["error"]


@pytest.mark.parametrize("query", ["page=-5", "page=99999999999999999999", "q=red&page=x", "page=%ED%A0%BD"])
def test_the_page_is_shown_whatever_page_an_address_names(shared, query):
    client, _ = shared("all")
    assert b"likeness-words" in client.get(f"/?{query}")


BEYOND = [1e400, float("nan"), 10**30, 10**400]


@pytest.mark.parametrize("number", BEYOND)
def test_a_number_beyond_every_other_gets_one_sentence_of_the_public_api(shared, number):
    client, functions = shared("all")
    for arguments in (["red", number, None, False, -1], ["red", 5, number, False, -1], ["red", 5, None, False, number]):
        error = client.call(functions["search"], None, [*arguments, None, *UNFILTERED, []])["error"]
        assert error.endswith(".") and len(error) < 120
    error = client.call(functions["search"], None, ["red", 5, None, False, -1, None, None, "all", "score", number, []])
    assert error["error"].endswith(".")


def test_half_of_an_emoji_is_no_failure_of_the_public_api(shared):
    client, functions = shared("all")

    def search(text, where=None, parts=()):
        return client.call(functions["search"], None, [text, 3, None, False, -1, None, where, "all", "score", 0, parts])

    for refused in (search("red \ud83d"), search("\ud83d"), search("", parts=[{"text": "\ud83d"}])):
        assert "holds half of a character" in refused["error"]
    where = [{"field": "name\ud83d", "operator": "=", "value": "\ud83d"}]
    assert "holds half of a character" in search("red", where)["error"]


@pytest.mark.parametrize(
    "visited",
    [
        {"address": "?q=%ED%A0%BD&where=" + "[" * 1_000},
        {"address": "?q=red&where=" + "%5B" * 1_000 + "%5D" * 1_000},
        {"q": "red \ud83d"},
        {"parts": [{"text": "red \ud83d"}], "where": [], "model": "\ud83d"},
        {"parts": [{"text": "red", "weight": 1e400}]},
        {"parts": [{"text": "red"}], "where": [{"field": "\ud83d", "operator": "\ud83d", "value": "\ud83d"}]},
        {"parts": [{"text": "red"}], "sort": "\ud83d", "turn": 10**30},
        {"address": "?like=\ud83d&crop=nan,inf,1e400,5&w=1e400"},
        {"offset": 10**30},
        {"offset": 1e400},
    ],
    ids=lambda visited: str(visited)[:40].encode("ascii", "replace").decode(),
)
def test_the_page_answers_whatever_an_address_or_a_link_says(shared, visited):
    client, functions = shared("all")
    shown = client.call(functions["visit"], visited, [24, "Automatic", 16, 0])["data"][0]
    assert shown["state"] in ("results", "error", "browse")
    assert shown["state"] != "error" or shown["kind"] != "LikenessError"


def test_health_is_served_beside_the_page(shared):
    client, _ = shared("none")
    assert json.loads(client.get("/gradio_api/health")) == {"state": "ready", "why": [], "codes": []}


def file_data(site, name, data):
    """Returns what a client says of a file that it has uploaded."""
    site.uploads.mkdir(exist_ok=True)
    path = site.uploads / f"{uuid.uuid4().hex}.bin"
    path.write_bytes(data)
    return {"path": str(path), "orig_name": name, "meta": {"_type": "gradio.FileData"}}


def test_the_public_api_adds_and_gives_a_receipt_for_every_file(launch, picture):
    client, functions = launch("add")
    nameless = {"path": file_data(launch, "", picture("red"))["path"]}
    files = [file_data(launch, "red.png", picture("red")), nameless, file_data(launch, "x.png", b"text")]
    [result] = client.call(functions["add"], None, [files])["data"]
    assert [result[status] for status in ("new", "duplicate", "rejected", "skipped")] == [1, 1, 1, 0]
    assert result["files"][0] == {
        "name": "red.png",
        "status": "new",
        "content_id": content_id(picture("red")),
        "reason": None,
    }
    assert [record.name for record in launch.library.browse(0, 9)] == ["red.png"]


def test_the_public_api_searches_by_a_picture(shared, picture):
    client, functions = shared("none")
    image = file_data(shared, "green.png", picture("green", size=(9, 9)))
    [hits] = client.call(functions["search"], None, ["", 2, None, False, -1, image, *UNFILTERED, []])["data"]
    assert hits[0]["name"] == "green.png"


def test_the_public_api_weighs_texts_and_pictures(shared, picture):
    client, functions = shared("none")
    parts = [
        {"text": "red", "weight": 0.5},
        {"image": file_data(shared, "green.png", picture("green", size=(9, 9))), "crop": [0, 0, 0.5, 0.5]},
        {"content_id": content_id(picture("blue")), "weight": -0.5},
    ]
    [hits] = client.call(functions["search"], None, ["", 5, None, False, -1, None, *UNFILTERED, parts])["data"]
    assert [hit["name"] for hit in hits] == ["green.png", "red.png"]


@pytest.mark.parametrize(
    ("parts", "complaint"),
    [
        ("red", "are a list"),
        (["red"], "only one of them"),
        ([{"text": "red"}] * 500, "has 500 parts"),
        ([{"text": "red", "weight": 0}], "weight 0 is not possible"),
        ([{"text": "red", "weight": "NaN"}], "has to be a number"),
        ([{"content_id": "x"}], "is not a content ID"),
        ([{"text": "red"}, {"text": "red", "weight": -1}], "cancel each other out"),
        ([{"image": {"path": "/etc/passwd"}}], "no longer here"),
        ([{"content_id": "0" * 64, "crop": [0, 0]}], "four numbers"),
    ],
)
def test_the_public_api_refuses_bad_parts_in_words(shared, parts, complaint):
    client, functions = shared("none")
    outcome = client.call(functions["search"], None, ["", 5, None, False, -1, None, *UNFILTERED, parts])
    assert complaint in outcome["error"]


@pytest.mark.parametrize("path", ["/etc/passwd", "elsewhere.png", "../elsewhere.png", "", None, 3, ["x"]])
def test_the_public_api_reads_uploaded_files_only(shared, picture, path):
    client, functions = shared("all")
    outside = shared.uploads.parent / "elsewhere.png"
    outside.write_bytes(picture("white"))
    named = {"path": str(outside) if path == "elsewhere.png" else path}
    assert (
        "no longer here"
        in client.call(functions["search"], None, ["", 5, None, False, -1, named, *UNFILTERED, []])["error"]
    )
    [result] = client.call(functions["add"], None, [[named]])["data"]
    assert (result["skipped"], len(shared.library.browse(0, 9))) == (1, 3)


def test_a_file_of_the_server_and_inputs_that_do_not_fit_get_one_sentence_and_no_traceback(shared, capfd):
    client, functions = shared("all")
    for path in ("/etc/passwd", __file__, "a\0b", "~root/.ssh/id_rsa"):
        file = {"path": path, "meta": {"_type": "gradio.FileData"}}
        for name, inputs in (
            ("search", ["", 5, None, False, -1, file, *UNFILTERED, []]),
            ("search", ["", 5, None, False, -1, None, *UNFILTERED, [{"image": file}]]),
            ("add", [[file]]),
        ):
            said = client.call(functions[name], None, inputs)["error"]
            assert "was not uploaded here" in said or "inputs do not fit this call" in said, path
            assert path not in said
        for data in ({"files": [file]}, {"id": {"path": path}}):
            assert "was not uploaded here" in client.call(functions["remove"], data)["error"]
    assert "inputs do not fit this call" in client.call(functions["add"], None, [])["error"]
    assert "Traceback" not in "".join(capfd.readouterr())


@pytest.mark.parametrize(("edits", "files", "complaint"), [("none", [{}], "read-only"), ("all", "x", "No files")])
def test_the_public_api_refuses_additions_in_words(shared, edits, files, complaint):
    client, functions = shared(edits)
    assert complaint in client.call(functions["add"], None, [files])["error"]


@pytest.mark.parametrize("path", ["/gradio_api/queue/join", "/gradio_api/call/search", "/gradio_api/run/search"])
def test_a_body_nested_a_thousand_deep_gets_a_sentence(shared, path):
    client, _ = shared("all")
    deep = json.loads("[" * 900 + "]" * 900)
    with pytest.raises(urllib.error.HTTPError) as refused:
        client.post(path, {"data": ["red", 3, None, False, -1, None, deep]})
    assert refused.value.code == 400
    assert "nested too deep" in json.load(refused.value)["detail"]


def test_an_upload_onto_a_full_disk_leaves_nothing_behind(shared, monkeypatch):
    client, _ = shared("all")
    before = set(shared.uploads.iterdir())

    def full(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("gradio.route_utils.GradioUploadFile.write", full)
    body = b'--x\r\nContent-Disposition: form-data; name="files"; filename="a.png"\r\n\r\nabc\r\n--x--\r\n'
    request = urllib.request.Request(
        f"{client.url}/gradio_api/upload", body, {"Content-Type": "multipart/form-data; boundary=x"}
    )
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(request, timeout=20)
    assert refused.value.code == 507 and b"Make room on it" in refused.value.read()
    assert set(shared.uploads.iterdir()) == before
