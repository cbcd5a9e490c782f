"""Looks at a running app from outside: its metrics, its log with the IDs of requests, and its queue with an end."""

import re

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from library.samples.pictures import sample_pictures
from testing.app_server import ForkedServer
from testing.blocked_model import BlockedModel
from testing.callers import Caller
from testing.waiting import until
from ui.lanes import SEARCHES_AT_ONCE

TOKEN = "xyzzyplugh"
ID = "from-a-test.1"


def metrics(caller: Caller) -> dict[tuple[str, ...], float]:
    """Returns the samples by their name and the values of their labels."""
    families = text_string_to_metric_families(caller.http.get("/metrics").text)
    return {(each.name, *each.labels.values()): each.value for family in families for each in family.samples}


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    server = ForkedServer(tmp_path_factory.mktemp("seen"), METRICS="1", LOG_LEVEL="debug", QUEUE="1").wait()
    yield server
    if server.process.poll() is None:
        server.stop()


def test_an_app_tells_what_it_does_and_never_of_whom_or_what(server):
    caller = Caller(server.url)
    [(_, picture), *_] = sample_pictures(1)
    files = [caller.upload(f"{TOKEN}.png", picture), caller.upload(f"{TOKEN}.gif", b"none")]
    assert caller.ask("add", files=files)[0] == "complete"
    kind, [hits] = caller.ask("search", {"x-request-id": ID}, text=TOKEN)
    assert (kind, [hit["name"] for hit in hits]) == ("complete", [f"{TOKEN}.png"])
    where = [{"field": TOKEN, "operator": "=", "value": TOKEN}]
    assert caller.ask("search", text=TOKEN, where=where)[0] == "error"
    assert caller.ask("search", image={"path": f"/etc/{TOKEN}"})[0] == "error"
    assert caller.ask("delete", content_ids=[hits[0]["content_id"]])[0] == "complete"
    assert caller.http.get(f"/media/thumb/{TOKEN}").status_code == 404
    log = server.log.read_text()
    assert TOKEN not in log
    assert re.search(rf"library\.search\.searcher \[{ID}\]: search: 1 hits", log)
    assert re.search(r"library\.jobs \[(\w{8})\]: upload \1: started, 2 files, by request \w+", log)
    told = metrics(caller)
    assert told["likeness_searches_total", "text", "ok"] == 1
    assert told["likeness_files_added_total", "new"] == told["likeness_files_added_total", "rejected"] == 1
    assert told["likeness_errors_total", "404", "http"] == 1
    assert told["likeness_stage_seconds_count", "encode"] >= 1 <= told["likeness_stage_seconds_count", "queue"]
    assert told["likeness_milvus_up",] == told["likeness_ready",] == 1
    assert ("likeness_queue_length", "search") in told
    assert TOKEN not in caller.http.get("/metrics").text


def test_every_answer_carries_an_id(server):
    with httpx.Client(base_url=server.url) as client:
        assert client.get("/gradio_api/health", headers={"x-request-id": ID}).headers["x-request-id"] == ID
        made = {
            client.get("/gradio_api/health", headers={"x-request-id": bad}).headers["x-request-id"]
            for bad in ("", "a b", "x" * 65)
        }
        assert len(made) == 3 and all(re.fullmatch(r"[0-9a-f]{16}", each) for each in made)


def test_a_full_queue_says_when_to_try_again(tmp_path):
    model = BlockedModel(tmp_path / "gate")
    server = ForkedServer(tmp_path, model.program, QUEUE="1").wait()
    caller = Caller(server.url)
    answers = [caller.begin("search", {"accept-language": "ko"}, text="red") for _ in range(SEARCHES_AT_ONCE + 8)]
    refused = [each for each in answers if each.status_code != 200]
    assert refused and {each.status_code for each in refused} == {429}
    assert int(refused[0].headers["retry-after"]) >= 1
    assert refused[0].json()["detail"].startswith("이미 1개의 요청이 대기 중이며")
    assert caller.begin("status").status_code == 200
    model.let_go()
    until(lambda: caller.begin("search", text="red").status_code == 200)
    server.stop()
