"""Sends malformed calls to every route of Gradio: none fails, and no other call ends."""

import json

import gradio as gr
import httpx
import pytest

from library.image_library import ImageLibrary
from library.ingest.runs import Worker
from library.messages import message
from testing.fakes import ColourEncoder, MemoryDatabase, MemoryStore, ready
from ui.guards.hosts import AllowedHosts
from ui.page import build_page, launch_options

pytestmark = pytest.mark.filterwarnings("ignore")

API = "/gradio_api"
LONG = "a" * 5_000
CALLED = [
    *(
        f"{API}/{kind}/{name}"
        for kind in ("call", "call/v2", "run", "api")
        for name in ("search", "backup", "%00", LONG)
    ),
    *(f"{API}/{path}" for path in ("queue/join", "cancel", "reset/", "component_server", "stream/x", "vibe-edit", "x")),
]
READ = [
    *(f"{API}/{path}" for path in ("call/search/x", "call/v2/search/x", "queue/data?session_hash=x", "queue/data")),
    *(f"{API}/{path}" for path in ("file=%00", f"file={LONG}", "file=http://[", "proxy=http://[", "stream/a/b/c/x.ts")),
    *(
        "/pwa_icon/0",
        "/pwa_icon/99999",
        f"/assets/{LONG}",
        "/static/%00",
        "/custom_component/x/y/z/w",
        "/monitoring/%ff",
    ),
]
SESSION = {"data": [], "session_hash": "s"}
OBJECTS = [
    *({}, [], None, 1, {"data": None}, {"data": []}, {"data": {}}, {"text": 5, "nope": 1}),
    *({"data": [], "session_hash": name} for name in ("", 5, LONG, "\ud800", "s\0")),
    *(SESSION | {"fn_index": index} for index in (-1, 0, 99_999, "x", float("inf"))),
    SESSION | {"fn_index": 0, "event_data": 5, "batched": True, "trigger_id": 999},
    {"data": "x", "component_id": 99_999, "session_hash": "s", "fn_name": "x"},
    {"session_hash": "s", "fn_index": 1, "event_id": ["x"]},
    SESSION | {"data": [{"path": "/etc/passwd", "meta": {"_type": "gradio.FileData"}}], "fn_index": 0},
]
NAMED_SITE = "https://photos.example.org"
BODIES = [b"", b"{", b"\xff", *(json.dumps(each).encode() for each in OBJECTS)]


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    """Serves a page over an empty library, and yields it with its address."""
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("GRADIO_TEMP_DIR", str(tmp_path_factory.mktemp("gradio")))
        library = ImageLibrary(MemoryStore(), ready(ColourEncoder()), MemoryDatabase())
        page = build_page(library, Worker(library), "all")
        _, url, _ = page.launch(
            server_name="127.0.0.1", prevent_thread_lock=True, quiet=True, **launch_options(library)
        )
        yield page, httpx.Client(base_url=url, headers={"content-type": "application/json"}, timeout=20)
        page.close()


def test_no_route_fails_over_what_it_is_sent_and_the_queue_goes_on(page, capfd, caplog):
    served, client = page
    for path in CALLED:
        for body in BODIES:
            answer = client.post(path, content=body)
            assert answer.status_code < 500, (path, body, answer.text)
        form = client.post(path, content=b"--x\r\n", headers={"content-type": "multipart/form-data; boundary=x"})
        assert form.status_code < 500, (path, form.text)
    for path in READ:
        assert client.get(path).status_code < 500, path
    assert not served._queue.stopped
    assert client.post(f"{API}/run/status", json={"data": []}).json()["data"][0]["pictures"] == 0
    assert "Traceback" not in "".join(capfd.readouterr()) + caplog.text


def test_the_page_opens_where_the_machine_is_too_busy_for_gradio_to_reach_it(monkeypatch):
    monkeypatch.setattr("gradio.networking.url_ok", lambda url: False)
    library = ImageLibrary(MemoryStore(), ready(ColourEncoder()), MemoryDatabase())
    with gr.Blocks() as page:
        pass
    _, url, _ = page.launch(server_name="127.0.0.1", prevent_thread_lock=True, quiet=True, **launch_options(library))
    assert httpx.get(f"{url}gradio_api/health", timeout=60).json()
    page.close()


def test_no_page_of_another_origin_may_read_an_answer_but_those_of_sites_that_are_named():
    library = ImageLibrary(MemoryStore(), ready(ColourEncoder()), MemoryDatabase())
    hosts = AllowedHosts(sites=["photos.example.org"])
    with gr.Blocks() as page:
        pass
    options = launch_options(library, allowed_hosts=hosts)
    _, url, _ = page.launch(server_name="127.0.0.1", prevent_thread_lock=True, quiet=True, **options)
    for origin, is_named in (("http://localhost:9999", False), ("https://evil.example", False), (NAMED_SITE, True)):
        asked = {"origin": origin, "access-control-request-method": "POST", "cookie": "a=b"}
        for answer in (httpx.get(url, headers=asked, timeout=60), httpx.options(url, headers=asked, timeout=60)):
            assert (answer.headers.get("access-control-allow-origin") == origin) == is_named, (origin, answer.headers)
    page.close()


def test_what_the_page_has_no_use_for_is_closed(page):
    _, client = page
    for path in (
        "dev/reload",
        "deep_link?session_hash=x",
        "vibe-starter-queries",
        "process_recording",
        "component_server",
        "proxy=%00",
        "proxy=https://a.hf.space/",
    ):
        assert client.get(f"{API}/{path}").status_code == client.post(f"{API}/{path}").status_code == 404, path
    assert client.head(f"{API}/mcp/sse").status_code == 404
    for path in ("/monitoring", "/monitoring/summary", "/openapi.json"):
        assert client.get(path).status_code == 404, path
    assert client.get(f"{API}/openapi.json").json()["paths"]


def test_each_says_in_a_sentence_what_is_wrong(page):
    _, client = page

    def told(path, **body):
        answer = client.post(f"{API}/{path}", json=body, headers={"accept-language": "en"})
        return answer.status_code, answer.json()["detail"]

    unknown, wrong = str(message("no_such_call")), str(message("inputs_refused"))
    for path in ("call/backup", "run/backup"):
        assert told(path, data=[]) == (404, unknown)
    assert told("call/v2/backup") == told("queue/join", data=[], session_hash="s", fn_index=99_999) == (404, unknown)
    assert told("call/v2/search", nope=1) == (400, wrong)
    for path in ("call/v2/search", "call/search", "queue/join"):
        for body, code in ((b"{", "body_no_json"), (b"[1", "body_no_json"), (b"[]", "inputs_refused")):
            answer = client.post(f"{API}/{path}", content=body, headers={"accept-language": "en"})
            assert (answer.status_code, answer.json()) == (400, {"detail": str(message(code))}), (path, body)
    assert told("queue/join", data=[], session_hash="") == (400, str(message("session_impossible", most=100)))
    refused = client.post(f"{API}/run/delete", json={"data": [1, False]})
    assert (refused.status_code, refused.json()["error"]) == (400, "No picture is selected. Select one or more.")
