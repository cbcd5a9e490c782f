"""Checks that requests which the frameworks below would fail over are answered with a sentence."""

import asyncio
import errno
import os

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.testclient import TestClient

from ui.guards.body_turns import BodyTurns
from ui.guards.full_disk import FullDiskAnswer
from ui.guards.json_limits import MOST_OF_STRANGERS, MOST_VALUES, JsonLimits, is_nested_too_deep


async def echo(request: Request) -> Response:
    return JSONResponse(await request.json())


async def full(request: Request) -> Response:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


async def broken(request: Request) -> Response:
    raise OSError(errno.EIO, "broken")


@pytest.fixture
def client():
    paths = {"/echo": echo, "/gradio_api/mcp/": echo, "/full": full, "/broken": broken}
    routes = [Route(path, answer, methods=["POST"]) for path, answer in paths.items()]
    return client_of(routes, "all")


def client_of(routes, edits):
    guards = [Middleware(JsonLimits, edits=edits), Middleware(FullDiskAnswer)]
    return TestClient(Starlette(routes=routes, middleware=guards), raise_server_exceptions=False)


@pytest.mark.parametrize("body", ["[" * 1_000 + "]" * 1_000, '{"a":' * 1_000 + "1" + "}" * 1_000, "[" * 1_000])
def test_a_body_nested_without_end_is_refused_in_one_sentence(client, body):
    answer = client.post("/echo", content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code == 400
    assert answer.json()["detail"].startswith("What was sent is nested too deep: no more than 100 lists")
    answer = client.post("/gradio_api/mcp/", content=body, headers={"Accept-Language": "ko,en;q=0.5"})
    assert answer.status_code == 400 and answer.json()["error"]["code"] == -32700
    assert answer.json()["error"]["message"].startswith("보낸 내용이 너무 깊이")


@pytest.mark.parametrize("edits, most", [("all", MOST_VALUES), ("add", MOST_OF_STRANGERS), ("none", MOST_OF_STRANGERS)])
def test_a_body_of_more_values_than_any_call_has_is_refused_before_it_is_read(edits, most):
    async def count(request: Request) -> Response:
        return JSONResponse(len(await request.json()))

    visitor = client_of([Route(path, count, methods=["POST"]) for path in ("/call", "/gradio_api/mcp/")], edits)
    visitor.headers["accept-language"] = "en"
    within, beyond = b"[" + b"0," * (most - 1) + b"0]", b"[" + b"[]," * (most // 2) + b"[]]"
    assert visitor.post("/call", content=within).json() == most
    refused = visitor.post("/call", content=beyond)
    assert refused.status_code == 400 and refused.json()["detail"].startswith(
        f"What was sent holds more than {most:,} values"
    )
    assert visitor.post("/gradio_api/mcp/", content=beyond).json()["error"]["code"] == -32700


def test_a_number_of_thousands_of_digits_is_refused_in_one_sentence(client):
    digits = "9" * 6_000
    for body in (f'{{"n": {digits}}}', f'["{digits}", -{digits}]'):
        answer = client.post("/echo", content=body, headers={"Content-Type": "application/json"})
        assert (answer.status_code, answer.json()["detail"].partition(".")[0]) == (
            400,
            "What was sent holds a number of more than 4,000 digits",
        )
    assert client.post("/echo", json=[digits, 'a "quote" 1']).json() == [digits, 'a "quote" 1']


def test_what_agents_send_has_to_be_text(client):
    answer = client.post("/gradio_api/mcp/", content=b"\xff", headers={"accept-language": "en"})
    assert answer.status_code == 400 and "no text in UTF-8" in answer.json()["error"]["message"]


def test_any_other_body_arrives_whole(client):
    sent = {"texts": ["[" * 5_000, '"]{' * 9], "flat": [[] for _ in range(500)], "deep": [[[[{"a": "é\\"}]]]]}
    assert client.post("/echo", json=sent).json() == sent


def test_a_large_body_waits_until_others_were_answered_behind_the_one_before():
    async def given():
        return "body"

    async def asked(turns):
        large = [asyncio.ensure_future(turns.in_turn(given, 1)()) for _ in range(3)]
        await asyncio.wait(large, return_when=asyncio.FIRST_COMPLETED)
        for _ in range(100):
            await asyncio.sleep(0)
        return large

    async def given_meanwhile():
        large = await asked(BodyTurns(seconds_a_byte=3600.0))
        count = sum(each.done() for each in large)
        for each in large:
            each.cancel()
        return count

    async def given_in_the_end():
        return await asyncio.gather(*await asked(BodyTurns(seconds_a_byte=0.0)))

    assert asyncio.run(given_meanwhile()) == 1
    assert asyncio.run(given_in_the_end()) == ["body"] * 3


def test_brackets_in_texts_are_no_nesting():
    assert not is_nested_too_deep(b'["' + b'\\"[' * 500 + b'"]')
    assert not is_nested_too_deep(b"[" + b",".join([b"[1]"] * 500) + b"]")
    assert is_nested_too_deep(b"[" * 101 + b"]" * 101)
    for end in (b"", b"\\", b'"'):  # a text that never ends is read once, not once from each of its quotes
        assert not is_nested_too_deep(b'["' + b'\\"[' * 100_000 + end)


def test_an_upload_onto_a_full_disk_gets_a_sentence_and_any_other_failure_stays_one(client):
    answer = client.post("/full", files={"files": b"x"})
    assert answer.status_code == 507
    assert answer.text.startswith("Not uploaded: the disk that uploads wait on is full. Make room on it")
    assert client.post("/broken", files={"files": b"x"}).status_code == 500
