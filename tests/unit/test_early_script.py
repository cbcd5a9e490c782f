"""Checks that a script stands first in the page's HTML, and in nothing else."""

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.responses import HTMLResponse, PlainTextResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from ui.early_script import EarlyScript

PAGE = "<!doctype html><html><head><title>é</title></head><head></html>"


@pytest.fixture
def client(tmp_path):
    (tmp_path / "early.js").write_text("first();")
    routes = [
        Route("/", lambda _: HTMLResponse(PAGE)),
        Route("/other", lambda _: HTMLResponse(PAGE)),
        Route("/empty", lambda _: PlainTextResponse("")),
    ]
    middleware = [Middleware(EarlyScript, script=tmp_path / "early.js")]
    return TestClient(Starlette(routes=routes, middleware=middleware))


def test_the_script_comes_before_everything_else_in_the_head_once(client):
    answer = client.get("/")
    assert answer.text == PAGE.replace("<head>", "<head><script>first();</script>", 1)
    assert int(answer.headers["content-length"]) == len(answer.content)


def test_nothing_else_is_changed(client):
    assert client.get("/other").text == PAGE
    assert client.get("/empty").text == ""
    assert client.head("/").headers["content-length"] == str(len(PAGE.encode()))
