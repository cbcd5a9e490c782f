"""Calls the endpoints as docs/http-api.md shows them, through gradio_client and a running app."""

import re
import shlex
import subprocess
import sys

import httpx
import pytest
from gradio_client import Client
from gradio_client.exceptions import AppError

from library.samples.pictures import sample_pictures
from testing.app_server import ROOT, ForkedServer
from testing.pages import blocks


def test_the_shown_program_runs(tmp_path):
    [program] = blocks("python", ROOT / "docs" / "http-api.md")
    server = ForkedServer(tmp_path).wait()
    for name, (_, data) in zip(("beach.jpg", "forest.jpg"), sample_pictures(2), strict=True):
        (tmp_path / name).write_bytes(data)
    try:
        result = subprocess.run(
            [sys.executable, "-c", program.replace("http://127.0.0.1:7860", server.url)],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=120,
        )
    finally:
        server.stop()
    assert result.returncode == 0, result.stderr
    added, *hits, last = result.stdout.splitlines()[-4:]
    assert re.fullmatch(r"2 [0-9a-f]{64}", added)
    assert sorted(line.split("  ")[1] for line in hits) == ["beach.jpg", "forest.jpg"]
    assert last == "2 beach.jpg"


def test_the_shown_request_finds_in_one_go_what_a_call_finds(server):
    [command] = blocks("sh", ROOT / "docs" / "http-api.md")
    address, _, header, _, body = shlex.split(command)[1:]
    name, value = header.split(": ")
    answer = httpx.post(address.replace("http://127.0.0.1:7860", server.url), content=body, headers={name: value})
    found = Client(server.url, verbose=False).predict(text="a boat", limit=5, api_name="/search")
    assert answer.status_code == 200 and len(found) == 5
    assert [hit["content_id"] for hit in answer.json()["data"][0]] == [hit["content_id"] for hit in found]


def test_filters_order_and_offset_reach_a_program(server):
    client = Client(server.url, verbose=False)
    where = [{"field": "name", "operator": "starts with", "value": "night sky"}]
    found = client.predict(text="a full moon", where=where, api_name="/search")
    assert {hit["name"].split(" with")[0] for hit in found} == {"night sky"}
    listed = client.predict(where=where, match="any", sort="name", offset=1, api_name="/search")
    assert [(hit["name"], hit["score"]) for hit in listed] == [("night sky with a full moon.png", None)]
    with pytest.raises(AppError, match="No picture has a field 'nowhere'"):
        client.predict(text="x", where=[{"field": "nowhere", "operator": "=", "value": 1}], api_name="/search")
    with pytest.raises(AppError, match="A filter is a list"):
        client.predict(text="x", where="width > 5", api_name="/search")
