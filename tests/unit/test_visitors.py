"""Checks how visitors are told apart, and that each has runs of their own."""

import threading

import gradio as gr
import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from library.ingest.items import Item
from ui.guards.ownership import LONGEST_NAME, Ownership
from ui.handlers.page import PageHandlers
from ui.handlers.uploads import NO_RUN
from ui.visitor_cookie import COOKIE, SCRIPT, Visitors, visitor_of, visitor_routes, visitor_script


def client(**options):
    routes = [Route(path, lambda request: PlainTextResponse("page")) for path in ("/", "/config")]
    return TestClient(Starlette(routes=routes, middleware=[Middleware(Visitors, **options)]))


def test_a_browser_is_given_one_number_and_keeps_it():
    browser, other = client(), client()
    given = browser.get("/").cookies[COOKIE]
    assert "set-cookie" not in browser.get("/").headers
    assert given != other.get("/").cookies[COOKIE]
    for false in ("", "short", "x" * 44, "é" * 43):
        assert COOKIE in client().get("/", headers={"cookie": f"{COOKIE}={false}".encode()}).cookies


def test_only_the_page_gives_a_number_and_no_script_reads_it():
    assert "set-cookie" not in client().get("/config").headers
    assert "HttpOnly; SameSite=Lax" in client().get("/").headers["set-cookie"]
    assert "SameSite=None; Secure; Partitioned" in client(in_a_frame=True).get("/").headers["set-cookie"]


def test_a_program_without_the_cookie_is_known_by_its_session():
    number = "a" * 43
    for cookie, visitor in {f"x=y; {COOKIE}={number}": number, f"{COOKIE}=../x": "s", "[=;": "s", "": "s"}.items():
        assert visitor_of(gr.Request(headers={"cookie": cookie}, session_hash="s")) == visitor
    assert visitor_of(gr.Request(headers={})) == ""


@pytest.fixture
def running(worker):
    """Returns the ID of a run of Ann's that waits for her file."""
    arrives = threading.Event()
    run = worker.start([Item("a.png", "a.png", lambda: arrives.wait() and b"")], owner="ann")
    yield run
    arrives.set()
    run.over.wait(20)


def uploads(library, worker, edits, tmp_path):
    return PageHandlers.build(library, worker, edits, tmp_path).uploads


def test_only_who_began_a_run_sees_and_stops_it(library, worker, running, tmp_path):
    handlers = uploads(library, worker, "add", tmp_path)
    for run_id in (running.id, None):
        assert handlers.follow(run_id, "bob") == (NO_RUN, None)
    assert handlers.stop(running.id, "bob") == (NO_RUN, None) and not running.stop.is_set()
    for run_id in (running.id, None):
        assert handlers.follow(run_id, "ann")[1] == running.id
    assert handlers.stop(running.id, "ann")[1] == running.id and running.stop.is_set()


def test_a_run_that_a_program_began_is_shown_to_no_visitor_of_no_name(library, worker, running, tmp_path):
    handlers = uploads(library, worker, "add", tmp_path)
    program = handlers.start([{"path": "a.png"}])
    for run_id in (program.id, None):
        assert handlers.follow(run_id, "") == (NO_RUN, None)


def test_who_may_change_everything_sees_the_runs_of_all(library, worker, running, tmp_path):
    handlers = uploads(library, worker, "all", tmp_path)
    assert handlers.follow(None, "bob")[1] == running.id
    assert handlers.stop(running.id, "bob")[1] == running.id and running.stop.is_set()


def test_a_script_brings_the_number_where_the_page_does_not_come_from_here():
    app = Starlette(routes=visitor_routes(), middleware=[Middleware(Visitors)])
    answer = TestClient(app).get(f"/{SCRIPT}")
    assert COOKIE in answer.cookies and answer.text == "" and answer.headers["cache-control"] == "no-store"
    assert visitor_script() == '<script src="gradio_api/visitor.js"></script>'


def test_a_name_longer_than_any_is_nobodys_and_not_kept():
    ownership = Ownership()
    assert ownership.claim("a" * LONGEST_NAME, "ann")
    assert not ownership.claim("a" * (LONGEST_NAME + 1), "ann")
    assert not ownership.has("a" * (LONGEST_NAME + 1), "ann")


def test_what_is_claimed_stays_the_claimers_and_nobodys_becomes_whose_it_is(tmp_path):
    ownership = Ownership()
    assert ownership.claim("session", "") and ownership.claim("session", "ann")
    assert not ownership.claim("session", "bob") and not ownership.claim("session", "")
    assert ownership.has("session", "ann") and not ownership.has("other", "ann")
    both, hers = tmp_path / "both.png", tmp_path / "hers.png"
    for path, visitors in {both: ("ann", "bob"), hers: ("ann",)}.items():
        path.touch()
        for visitor in visitors:
            ownership.note_file(str(path), visitor)
    ownership.forget("ann")
    assert both.exists() and not hers.exists()
    assert ownership.has_file(both, "bob") and not ownership.has_file(both, "ann")
