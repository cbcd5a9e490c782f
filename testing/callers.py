"""Calls a running app by its documented HTTP API, and as its page does."""

import json
import re
import uuid
from typing import Any

import httpx

from testing.waiting import until

OUTCOME = re.compile(r"event: (complete|error)\ndata: (.*)\n")


class Caller:
    """Keeps one connection to an app."""

    def __init__(self, url: str, timeout: float = 60.0) -> None:
        # Less than the five seconds after which the server closes an idle connection, maybe under a request.
        limits = httpx.Limits(keepalive_expiry=2.0)
        self.http = httpx.Client(base_url=f"{url}/gradio_api", timeout=timeout, limits=limits)
        self._url = url

    def begin(self, endpoint: str, headers: dict[str, str] | None = None, **arguments: Any) -> httpx.Response:
        return self.http.post(f"/call/v2/{endpoint}", json=arguments, headers=headers)

    def ask(self, endpoint: str, headers: dict[str, str] | None = None, **arguments: Any) -> tuple[str, Any]:
        """Returns the last event of a call, complete or error, with its data."""
        event = self.begin(endpoint, headers, **arguments).raise_for_status().json()["event_id"]
        [(kind, data)] = OUTCOME.findall(self.http.get(f"/call/{endpoint}/{event}").text)
        return kind, json.loads(data)

    def fill_the_lane(self, searches: int) -> None:
        """Begins as many searches; one that is refused, since others were not taken up yet, is begun again."""
        for _ in range(searches):
            until(lambda: self.begin("search", text="red").is_success)

    def upload(self, name: str, data: bytes) -> dict[str, str]:
        """Uploads a file and returns the value that names it in a call."""
        [path] = self.http.post("/upload", files={"files": (name, data)}).raise_for_status().json()
        return {"path": path, "orig_name": name, "meta": {"_type": "gradio.FileData"}}

    def trigger(self, elem_id: str, event: str, data: Any = None) -> httpx.Response:
        """Sends an event of a part of the page, as its script does."""
        config = httpx.get(f"{self._url}/config").json()
        part = next(each["id"] for each in config["components"] if each["props"].get("elem_id") == elem_id)
        fn = next(each["id"] for each in config["dependencies"] if [part, event] in map(list, each["targets"]))
        body = {"data": [], "fn_index": fn, "session_hash": uuid.uuid4().hex, "trigger_id": part, "event_data": data}
        return self.http.post("/queue/join", json=body).raise_for_status()
