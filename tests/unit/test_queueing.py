"""Checks what becomes of the queue's calls: sessions are let go, bugs are logged and answered with a sentence."""

import asyncio
import threading
from types import SimpleNamespace

import gradio as gr
import httpx
import pytest
from gradio.events import api
from gradio.routes import App
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware

from library.errors import UNEXPECTED, NotAllowed
from library.image_library import ImageLibrary
from library.ingest.runs import Worker
from testing.fakes import ColourEncoder, MemoryDatabase, MemoryStore, ready
from ui.direct_line import direct_line
from ui.guards.direct_calls import DirectCalls
from ui.lanes import waiting
from ui.page import build_page
from ui.queueing import check_room, watch_queue

REFUSED = NotAllowed("read_only", edits="none")


def test_the_session_of_a_call_is_let_go_and_that_of_a_page_is_kept():
    """Checks that sessions of calls are removed, of which Gradio would keep 100 KB each."""
    library = ImageLibrary(MemoryStore(), ready(ColourEncoder()), MemoryDatabase())
    page = build_page(library, Worker(library), "all")
    page._queue.set_server_app(App.create_app(page))
    fn = next(iter(page.fns.values()))
    page._queue.create_event_queue_for_fn(fn)
    for id, session in {"a call": "a call", "another call": "a page"}.items():
        assert page.state_holder[session]
        request = SimpleNamespace(scope={})
        event = SimpleNamespace(_id=id, session_hash=session, alive=False, enqueue_time=0.0, request=request)
        event.concurrency_id = fn.concurrency_id
        asyncio.run(page._queue.process_events([event], False, 0.0, fn))
    assert list(page.state_holder.session_data) == ["a page"]


@pytest.mark.parametrize(
    ("raised", "told"), [(ValueError("a bug"), UNEXPECTED), (gr.Error(str(REFUSED)), REFUSED.message)]
)
def test_a_call_that_fails_is_counted_and_answered_with_a_sentence_and_prints_nothing(raised, told):
    async def failing(*_, **__):
        raise raised

    counted = []
    with gr.Blocks() as page:
        page.__dict__["process_api"] = failing
        watch_queue(page, 1, SimpleNamespace(failed=lambda *given: counted.append(given)))
    with pytest.raises(gr.Error) as refused:
        asyncio.run(page.process_api())
    assert refused.value.print_exception is False and counted == [("api", told.code)]
    assert refused.value.message == str(told)


def watched_queue():
    with gr.Blocks() as page:
        watch_queue(page, 1, SimpleNamespace())
    return page._queue


def test_the_queue_goes_on_after_what_gradio_did_not_expect(monkeypatch, caplog):
    """Checks that later calls are answered, where Gradio itself would answer none until the next start."""
    monkeypatch.setattr("ui.queueing.PAUSE", 0)
    taken = []

    def get_events():
        taken.append(1)
        if len(taken) == 1:
            raise KeyError("a session")
        queue.stopped = True

    queue = watched_queue()
    queue.__dict__["get_events"] = get_events
    queue.active_jobs = [None]
    queue.event_queue_per_concurrency_id["lane"] = SimpleNamespace(queue=["a call"])
    monkeypatch.setattr(type(queue), "__len__", lambda _: 1)
    asyncio.run(queue.start_processing())
    assert len(taken) == 2 and "goes on" in caplog.text


def test_a_message_for_a_session_that_gradio_has_forgotten_is_left_out():
    queue = watched_queue()
    queue.send_message(SimpleNamespace(session_hash="forgotten", alive=True, _id="x"), SimpleNamespace())


def test_a_call_that_passes_by_the_queue_waits_in_line_or_is_refused():
    go_on, unwatched = threading.Event(), SimpleNamespace(took=lambda *_: None)
    with gr.Blocks() as page:
        api(lambda: go_on.wait(20) and None, api_name="search", concurrency_id="search", concurrency_limit=1)
        api(lambda: None, api_name="status", concurrency_id="status", concurrency_limit=None)
    watch_queue(page, 1, unwatched)
    guard = Middleware(DirectCalls, most=1, monitor=unwatched)
    transport = httpx.ASGITransport(App.create_app(page, app_kwargs={"middleware": [guard]}))
    english = {"accept-language": "en"}

    async def calls():
        async with httpx.AsyncClient(
            transport=transport, base_url="http://test/gradio_api/", headers=english
        ) as client:
            two = [client.post(way, json={"data": []}) for way in ("run/search", "api/search/")]
            answers = asyncio.gather(*two)
            while waiting(page._queue) != {"search": 1}:
                await asyncio.sleep(0)
            late = {
                "api/search": {},
                "run/predict": {"fn_index": 0},
                "run/status": {"fn_index": "0"},
                "call/search": {},
            }
            refused = [await client.post(way, json={"data": []} | more) for way, more in late.items()]
            status = await client.post("run/status", json={"data": []})
            go_on.set()
            answered = await answers
            page._queue.close()
            return answered, refused, status, await client.post("run/search", json={"data": []})

    answers, refused, status, too_late = asyncio.run(calls())
    assert [each.status_code for each in (*answers, status, too_late)] == [200, 200, 200, 503]
    assert too_late.json()["detail"].startswith("The app is stopping.")
    assert {(each.status_code, each.headers["retry-after"]) for each in refused} == {(429, "1")}
    assert all(each.json()["detail"].startswith("1 other is already waiting, which is the limit.") for each in refused)
    assert page._queue.event_queue_per_concurrency_id["search"].current_concurrency == 0


def test_a_lane_without_a_limit_has_an_end():
    queue = SimpleNamespace(process_time_per_fn={})
    lane = SimpleNamespace(queue=[], concurrency_limit=None, current_concurrency=19)
    scope = {"type": "http", "headers": [], "query_string": b""}
    check_room(queue, lane, 2, scope)
    lane.current_concurrency = 20
    with pytest.raises(HTTPException, match="20 others are already waiting") as full:
        check_room(queue, lane, 2, scope)
    assert full.value.headers["Retry-After"] == "1"


def test_a_call_whose_client_has_hung_up_waits_no_longer():
    lane = SimpleNamespace(queue=[], concurrency_limit=1, current_concurrency=0)
    line = direct_line(lane)

    async def calls():
        gone = asyncio.get_running_loop().create_future()

        async def given_up():
            async with line.turn("search", gone) as waited:
                return waited

        async with line.turn("search"):
            waiting_ones = [asyncio.ensure_future(given_up()) for _ in range(3)]
            while len(line.waiting) < 3:
                await asyncio.sleep(0)
            gone.set_result(None)
            assert await asyncio.gather(*waiting_ones) == [None] * 3
            while line.waiting:
                await asyncio.sleep(0)
            assert lane.current_concurrency == 1
        async with line.turn("search") as waited:
            assert waited is not None
        assert lane.current_concurrency == 0

    asyncio.run(asyncio.wait_for(calls(), 20))


def test_direct_and_queued_calls_take_turns():
    lane = SimpleNamespace(queue=["a call"], concurrency_limit=2, current_concurrency=0)
    line = direct_line(lane)

    async def taken():
        async with line.turn("search"):
            assert lane.current_concurrency == 1 and not line._is_next()  # the next turn is the queue's
            line.was_last = False  # which it has taken
            assert line._is_next()

    asyncio.run(taken())
