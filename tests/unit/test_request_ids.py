"""Checks that requests have IDs, in their answers and in the log, also where they fail and in threads."""

import logging
from types import SimpleNamespace

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from library.running.work import current
from ui.request_ids import RequestIds


@pytest.fixture
def failures():
    return []


@pytest.fixture
def client(failures):
    def name(request):  # in a thread of its own
        return PlainTextResponse(current().id)

    def fail(request):
        raise ValueError("a bug")

    monitor = SimpleNamespace(failed=lambda place, code: failures.append((place, code)))
    routes = [Route("/name", name), Route("/fail", fail)]
    app = Starlette(routes=routes, middleware=[Middleware(RequestIds, monitor=monitor)])
    return TestClient(app, raise_server_exceptions=False)


def test_the_id_of_a_request_is_known_in_its_thread_and_taken_over_if_well_formed(client):
    given = client.get("/name", headers={"x-request-id": "a-1"})
    assert given.text == given.headers["x-request-id"] == "a-1"
    for malformed in ("", "a b", "x" * 65, "é"):
        made = client.get("/name", headers={"x-request-id": malformed.encode()})
        assert made.text == made.headers["x-request-id"] and len(made.text) == 16
    assert current().id == ""


def test_a_failure_is_logged_and_counted_under_the_id_and_answered_with_a_sentence(client, failures, caplog):
    def note(record):
        record.id = current().id
        return True

    caplog.handler.addFilter(note)
    answer = client.get("/fail", headers={"x-request-id": "a-1", "accept-language": "en"})
    assert (answer.status_code, answer.headers["x-request-id"]) == (500, "a-1")
    assert answer.text.endswith(".") and failures == [("http", "500")]
    assert [each.id for each in caplog.records if each.levelno == logging.ERROR] == ["a-1"]
    caplog.handler.removeFilter(note)
