"""Asks for the page and Gradio's files through what compresses and dates them."""

import gzip

import brotli
import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.routing import Route
from starlette.testclient import TestClient

from ui.page_cache import PageCache

PAGE = "<html><head></head><body>" + "pictures " * 500


@pytest.fixture
def client():
    async def page(request: Request) -> Response:
        if request.query_params.get("refused"):
            return HTMLResponse("Sign in first.", 401)
        return HTMLResponse(PAGE + request.headers.get("x-name", ""))

    async def file(_: Request) -> Response:
        return PlainTextResponse("text")

    paths = ("/assets/{name}", "/static/fonts/{name}", "/theme.css", "/gradio_api/{name}")
    routes = [Route("/", page), *(Route(path, file) for path in paths)]
    return TestClient(Starlette(routes=routes, middleware=[Middleware(PageCache)]))


@pytest.mark.parametrize(("accepted", "unpack"), [("gzip, br", brotli.decompress), ("gzip", gzip.decompress)])
def test_the_page_is_compressed_as_the_browser_takes_it(client, accepted, unpack):
    with client.stream("GET", "/", headers={"Accept-Encoding": accepted}) as answer:
        body = b"".join(answer.iter_raw())
    assert len(body) < len(PAGE) / 10 and unpack(body).decode() == PAGE
    assert answer.headers["content-length"] == str(len(body)) and "Accept-Encoding" in answer.headers["vary"]


def test_a_browser_that_takes_no_compression_gets_none(client):
    answer = client.get("/", headers={"Accept-Encoding": "identity"})
    assert answer.text == PAGE and "content-encoding" not in answer.headers


def test_a_page_that_has_not_changed_is_not_sent_again(client):
    tag = client.get("/").headers["etag"]
    again = client.get("/", headers={"If-None-Match": tag})
    assert again.status_code == 304 and again.content == b"" and again.headers["etag"] == tag


def test_another_page_is_sent_whole_under_another_tag(client):
    tag = client.get("/").headers["etag"]
    other = client.get("/", headers={"If-None-Match": tag, "x-name": "ann"})
    assert other.status_code == 200 and other.text == PAGE + "ann" and other.headers["etag"] != tag


def test_a_refusal_is_neither_dated_nor_kept(client):
    refused = client.get("/?refused=1")
    assert refused.status_code == 401 and "etag" not in refused.headers and "cache-control" not in refused.headers


@pytest.mark.parametrize(
    "path", ["/assets/index-DphvyggB.js", "/assets/Index-Akn07EZk2.js", "/static/fonts/Plex.woff2", "/theme.css?v=4e58"]
)
def test_a_file_whose_address_changes_with_its_content_is_kept_for_ever(client, path):
    assert "immutable" in client.get(path).headers["cache-control"]


@pytest.mark.parametrize("path", ["/assets/index.js", "/theme.css", "/gradio_api/index-DphvyggB.js"])
def test_no_other_file_is(client, path):
    assert "cache-control" not in client.get(path).headers
