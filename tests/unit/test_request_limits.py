"""Checks what a request may bring, and what one address may upload within an hour."""

import asyncio
import shutil
from types import SimpleNamespace

import pytest
from gradio import Blocks
from gradio.routes import App
from mcp.server.transport_security import DEFAULT_MAX_REQUEST_BODY_SIZE
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from ui.guards import request_limits
from ui.guards.request_limits import (
    AGENTS_BODY,
    HOUR,
    KEPT_ADDRESSES,
    ROUTE,
    Bodies,
    Body,
    RequestLimits,
    UploadQuota,
)
from ui.guards.upload_refusals import FILES_AT_ONCE, UploadRefusals

MEGABYTE = bytes(1 << 20)
FORM = {"content-type": "multipart/form-data; boundary=y"}


@pytest.fixture
def client(tmp_path):
    """Returns a function: client("none") asks an app that says how many bytes came."""

    async def take(request):
        return PlainTextResponse(str(len(await request.body())))

    def made(edits="all", quota=None):
        guard = Middleware(RequestLimits, edits=edits, folder=tmp_path / "not yet there", quota=quota)
        routes = [Route(path, take, methods=["POST"]) for path in (ROUTE, "/call", "/gradio_api/mcp/")]
        return TestClient(Starlette(routes=routes, middleware=[guard]))

    return made


def megabytes(count, in_pieces=False):
    return (MEGABYTE for _ in range(count)) if in_pieces else MEGABYTE * count


@pytest.mark.parametrize("in_pieces", [False, True])
@pytest.mark.parametrize(
    "edits, path, most", [("all", "/call", 16), ("add", "/call", 2), ("none", "/gradio_api/mcp/", 4)]
)
def test_a_body_that_is_no_upload_has_its_limit_told_or_not(client, in_pieces, edits, path, most):
    assert client(edits).post(path, content=megabytes(most, in_pieces)).text == str(most << 20)
    refused = client(edits).post(path, content=megabytes(most + 1, in_pieces), headers={"accept-language": "en"})
    assert (refused.status_code, refused.text[:38]) == (413, f"This request is larger than {most} MB, which"[:38])


def test_large_bodies_that_are_sent_or_wait_have_a_bound_together():
    bodies = Bodies(3 << 20)
    first, second = object(), object()
    bodies.hold(first, 2 << 20)
    with pytest.raises(Exception, match="has to wait"):
        bodies.hold(second, 2 << 20)
    bodies.let_go(first)
    bodies.hold(second, 3 << 20)


def sent_in_pieces(app, pieces):
    """Sends the pieces of a form one after the other, as the client of the tests cannot; returns the answer."""
    rest, answers = list(pieces), []

    async def receive():
        return {"type": "http.request", "body": rest.pop(0), "more_body": bool(rest)}

    async def send(message):
        answers.append(message)

    headers = [(b"content-type", FORM["content-type"].encode()), (b"accept-language", b"en")]
    scope = {"type": "http", "method": "POST", "path": ROUTE, "query_string": b"", "headers": headers}
    asyncio.run(app(scope, receive, send))
    return answers[0]["status"], answers[1]["body"].decode()


def test_nothing_of_a_refused_upload_stays_on_the_disk(tmp_path, picture, monkeypatch):
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path))
    guards = [Middleware(RequestLimits, edits="none", folder=tmp_path), Middleware(UploadRefusals)]
    with Blocks() as page:
        page.max_file_size = None
    app = App.create_app(page, app_kwargs={"middleware": guards})
    head = b'--y\r\nContent-Disposition: form-data; name="files"; filename="a.png"\r\n\r\n'
    part = head + picture("red") + b"\r\n"
    assert sent_in_pieces(app, [part, b"--y--\r\n"])[0] == 200
    kept = [path for path in tmp_path.rglob("*") if path.is_file()]
    code, said = sent_in_pieces(app, [part, part, b"--y--\r\n"])
    assert code == 413 and "one after the other" in said
    assert kept and [path for path in tmp_path.rglob("*") if path.is_file()] == kept


def test_a_body_that_never_ends_is_not_waited_for(monkeypatch):
    async def nothing():
        await asyncio.Event().wait()

    monkeypatch.setattr(request_limits, "LONGEST_BODY", 0.0)
    with pytest.raises(Exception, match="took more than 0 seconds"):
        asyncio.run(Body(Bodies()).receive(nothing))


def test_where_nothing_may_be_added_an_upload_is_one_picture_to_search_with(client):
    told = {"content-length": str(102 << 20)}
    assert client("none").post(ROUTE, content=MEGABYTE).status_code == 200
    assert client("none").post(ROUTE, headers=told).status_code == 413
    assert client("add").post(ROUTE, headers=told).status_code == 200


@pytest.mark.parametrize("edits, code", [("none", 413), ("own", 200)])
def test_where_nothing_may_be_added_neither_several_files_nor_archives_are_taken(client, picture, edits, code):
    def told(*files):
        headers = {"accept-language": "en"}
        return client(edits).post(ROUTE, files=[("files", (name, data)) for name, data in files], headers=headers)

    red, packed = ("a.png", picture("red")), ("a.png", b"PK\x03\x04" + bytes(600))
    assert told(red).status_code == 200
    assert told(red, red).status_code == told(packed).status_code == code
    if edits == "none":
        assert "one after the other" in told(red, red).text and "archive (zip)" in told(packed).text


@pytest.mark.parametrize("data", [b"<script>alert(1)</script>", b"<svg/>", b"%PDF-1.7", b"<html>" + bytes(900)])
def test_where_nothing_may_be_added_only_pictures_are_taken(client, data):
    def told(edits):
        return client(edits).post(ROUTE, files={"files": ("a.png", data)}, headers={"accept-language": "en"})

    assert (told("none").status_code, told("add").status_code) == (413, 200)
    assert told("none").text.startswith("This is ")


def test_pictures_to_search_with_have_a_share_of_their_own(client):
    assert RequestLimits(None, "none", None)._quota.most < RequestLimits(None, "add", None)._quota.most


def test_an_address_that_has_sent_its_share_waits_for_the_next_hour(client):
    now = 0.0
    quota = UploadQuota(3 << 20, lambda: now)
    visitor = client("add", quota)
    for _ in range(3):
        assert visitor.post(ROUTE, content=MEGABYTE).status_code == 200
    late = visitor.post(ROUTE, content=MEGABYTE, headers={"accept-language": "en"})
    assert (late.status_code, late.headers["retry-after"]) == (429, "3601") and "Try again in 61 minutes" in late.text
    assert visitor.post("/call", content=MEGABYTE).status_code == 200
    assert client("all", quota).post(ROUTE, content=MEGABYTE).status_code == 200
    now = HOUR
    assert visitor.post(ROUTE, content=MEGABYTE).status_code == 200


def test_only_so_many_addresses_are_remembered():
    quota = UploadQuota(1)
    for number in range(KEPT_ADDRESSES + 5):
        quota.spend(str(number), 1)
    assert quota.wait("0") == 0 < quota.wait(str(KEPT_ADDRESSES))


def test_on_a_disk_that_is_nearly_full_no_upload_is_taken(client, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=request_limits.FREE_SPACE - 1))
    refused = client().post(ROUTE, content=MEGABYTE, headers={"accept-language": "en"})
    assert refused.status_code == 507 and "is full" in refused.text
    assert client().post("/call", content=MEGABYTE).status_code == 200


REFUSED = [
    ({"files": [("files", ("a.png", b""))] * (FILES_AT_ONCE + 1)}, 413, "Send them in several uploads"),
    ({"files": [("files", ("a.png", bytes(11)))]}, 413, "Not uploaded: it is larger than 100 MB."),
    ({"content": b"x", "headers": FORM}, 400, "Send a form (multipart/form-data)"),
    ({"content": b"x"}, 400, "Send a form (multipart/form-data)"),
    ({"files": [("files", (None, "text"))]}, 400, "Send a form (multipart/form-data)"),
]


def test_what_gradio_refuses_of_an_upload_is_one_sentence_of_ours(tmp_path, monkeypatch):
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path))
    with Blocks() as page:
        page.max_file_size = 10
    app = App.create_app(page, app_kwargs={"middleware": [Middleware(UploadRefusals)]})
    visitor = TestClient(app, headers={"accept-language": "en"})
    for sent, code, said in REFUSED:
        refused = visitor.post(ROUTE, **sent)
        assert (refused.status_code, said in refused.text) == (code, True), refused.text


def test_agents_are_told_of_a_limit_that_their_library_does_not_go_below():
    assert AGENTS_BODY <= DEFAULT_MAX_REQUEST_BODY_SIZE
