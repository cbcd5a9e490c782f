"""Checks the public demo over HTTP: two visitors, each route and each function, asked with what is another's."""

import json
from collections.abc import Callable
from http.cookiejar import DefaultCookiePolicy
from inspect import signature
from itertools import zip_longest
from pathlib import Path

import httpx
import pytest
from gradio.blocks import BlockFunction
from gradio.components import Component

from db.images.local import LocalImageStore
from db.milvus.database import Milvus
from library.image_library import ImageLibrary
from library.images import content_id
from library.visitors.bounds import DemoRules
from public_demo import Demo
from settings import load_settings
from testing.agent import call
from testing.fakes import ColourEncoder, ready
from testing.pictures import item
from tests.process.test_sign_in import routes
from ui.mcp import offer_tools
from ui.page import build_page, launch_options

HERS = "ann on the beach.png"
QUOTA = 3
TEXT_SEARCH = {"text": "green", "limit": 24, "nprobe": None, "exact": False, "min_score": -1.0, "image": None}
SEARCH = [*TEXT_SEARCH.values(), None, "all", "score", 0]

# Whoever adds a route to the page, or has Gradio add one, says here who may ask for it: all others are closed.
OPEN = {
    *("/", "/assets/{path:path}", "/config", "/favicon.ico", "/manifest.json", "/pwa_icon", "/pwa_icon/{size}"),
    *("/robots.txt", "/static/{path:path}", "/svelte/{path:path}", "/theme.css", "/login", "/logout", "/metrics"),
    *(f"/gradio_api/{name}" for name in ("app_id", "info", "login_check", "openapi.json", "startup-events", "token")),
    *(f"/gradio_api/{name}" for name in ("theme.css", "user", "scripts/{version}/{name:path}", "health", "metrics")),
    "/gradio_api/visitor.js",
}
VISITED = {
    *(f"/gradio_api/{name}" for name in ("media/{size}/{id}", "taking/{kind}")),
    *(f"/gradio_api/mcp{name}" for name in ("", "/messages", "/schema", "/sse")),
}
CLAIMED = {
    *(f"/gradio_api/{name}/{{api_name}}" for name in ("api", "call", "call/v2", "run")),
    *(f"/gradio_api/{name}/{{api_name}}/{{event_id}}" for name in ("call", "call/v2")),
    *(f"/gradio_api/{name}" for name in ("cancel", "reset", "queue/data", "queue/join", "upload", "upload_progress")),
    *(f"/gradio_api/{name}" for name in ("file/{path:path}", "file={path_or_url:path}", "heartbeat/{session_hash}")),
}
CLOSED = {
    *("/monitoring", "/monitoring/summary", "/monitoring/{key}", "/openapi.json"),
    *(f"/gradio_api/{name}" for name in ("component_server", "deep_link", "dev/reload", "process_recording", "runs")),
    *(f"/gradio_api/{name}" for name in ("proxy={url_path:path}", "queue/status", "stream/{event_id}")),
    "/gradio_api/stream/{event_id}/close",
    *(
        f"/gradio_api/stream/{{session_hash}}/{{run}}/{{component_id}}/{name}"
        for name in ("playlist-file", "playlist.m3u8", "{segment_id}.{ext}")
    ),
    *(f"/gradio_api/{name}" for name in ("vibe-code", "vibe-edit", "undo-vibe-edit", "vibe-starter-queries")),
    "/gradio_api/custom_component/{id}/{environment}/{type}/{file_name}",
}
ENDLESS = {"/gradio_api/mcp/sse", "/gradio_api/heartbeat/{session_hash}", "/gradio_api/queue/data"}
FUNCTIONS = {
    *("search", "why", "status", "add", "delete", "trash", "restore", "search_pictures", "library_status", "visit"),
    *("refill", "refresh", "turn", "retune", "greet", "show", "apply", "fields", "add_from_server", "add_samples"),
    *("stop", "past_runs", "go_on", "view", "reset", "remove", "remove_all", "begin", "halt", "tuning", "measure"),
    *("choose", "encode", "drop", "look", "decide", "empty", "undo", "check", "repair", "watch"),
}
TELLING = {"search", "visit", "show"}


class Visitor:
    """Sends requests as one browser, with the cookie that the page gave it, or as a program without one."""

    def __init__(self, url: str, has_cookie: bool = True) -> None:
        self.http = httpx.Client(base_url=url, timeout=30)
        if has_cookie:
            given = self.http.get("/gradio_api/visitor.js").headers["set-cookie"]
            self.http.headers["cookie"] = given.partition(";")[0]
        self.http.cookies.jar.set_policy(DefaultCookiePolicy(allowed_domains=[]))

    def upload(self, name: str, data: bytes) -> str:
        [path] = self.http.post("/gradio_api/upload", files={"files": (name, data)}).json()
        return path

    def run(self, name: str, *data: object, **more: object) -> httpx.Response:
        return self.http.post(f"/gradio_api/run/{name}", json={"data": data, **more})

    def add(self, name: str, data: bytes) -> dict:
        file = {"path": self.upload(name, data), "orig_name": name, "meta": {"_type": "gradio.FileData"}}
        return self.run("add", [file]).json()["data"][0]["files"][0]

    def found(self) -> list[str]:
        return [each["name"] for each in self.run("search", *SEARCH, []).json()["data"][0]]

    def counts(self) -> tuple[int, int]:
        status = self.run("status").json()["data"][0]
        return status["pictures"], status["index"]["rows"]


class Site:
    """Serves a demo of two pictures that all see."""

    def __init__(self, folder, picture: Callable[[str], bytes]) -> None:
        settings = load_settings(data_dir=folder, demo=True, demo_quota=QUOTA)
        self.folder = folder
        self.shared = ImageLibrary(
            LocalImageStore(folder / "images"), ready(ColourEncoder()), Milvus(folder / "milvus.db")
        )
        list(self.shared.add([item(f"{colour}.png", picture(colour)) for colour in ("red", "blue")]))
        self.demo = demo = Demo(settings, self.shared)
        self.page = build_page(demo.library, demo.worker, settings.allowed_edits, mcp=True, desk=demo.desk)
        options = launch_options(demo.library, None, True, edits=settings.allowed_edits, desk=demo.desk)
        _, url, _ = self.page.launch(server_name="127.0.0.1", prevent_thread_lock=True, quiet=True, **options)
        self.url = url.rstrip("/")

    def close(self) -> None:
        self.page.close()
        self.demo.worker.close()
        self.demo.spaces.close()
        self.shared.close()

    def routes(self) -> set[str]:
        return {path.rstrip("/") or "/" for path, _ in routes(self.page.app)}


@pytest.fixture(scope="module")
def site(tmp_path_factory, picture):
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("GRADIO_ANALYTICS_ENABLED", "False")
        environment.setenv("GRADIO_TEMP_DIR", str(tmp_path_factory.mktemp("uploads")))
        site = Site(tmp_path_factory.mktemp("demo"), picture)
        yield site
        site.close()


class Anns:
    """Holds what Ann has in the demo, by which others might look for it."""

    def __init__(self, site: Site, data: bytes) -> None:
        self.visitor = Visitor(site.url)
        self.data, self.id = data, content_id(data)
        self.path = self.visitor.upload("file.png", data)
        self.receipt = self.visitor.add(HERS, data)
        self.session = "anns-session"
        answer = self.visitor.http.post("/gradio_api/call/status", json={"data": [], "session_hash": self.session})
        self.event = answer.json()["event_id"]
        [self.run] = [run.id for run in site.demo.worker._runs if run.owner]

    def is_in(self, answer: httpx.Response, with_id: bool) -> bool:
        """Looks for the IDs too, unless they are what was sent."""
        secrets = [HERS, *([self.id, self.path] if with_id else [])]
        return any(each in answer.text for each in secrets) or self.data in answer.content


@pytest.fixture(scope="module")
def ann(site, picture):
    return Anns(site, picture("green"))


@pytest.fixture(scope="module")
def bob(site):
    return Visitor(site.url)


@pytest.fixture(scope="module")
def program(site):
    return Visitor(site.url, has_cookie=False)


def test_a_picture_is_there_for_its_visitor_alone(ann, bob, program):
    assert ann.receipt["status"] == "new"
    assert ann.visitor.found()[0] == HERS and len(ann.visitor.found()) == 3
    assert ann.visitor.counts() == (3, 3)
    for other in (bob, program):
        assert sorted(other.found()) == ["blue.png", "red.png"]
        assert other.counts() == (2, 2)


def test_a_visitor_is_told_why_their_own_picture_matched_and_nobody_else(ann, bob, program):
    assert ann.visitor.run("why", ann.id, "green").json()["data"][0][0]["found"]["box"] == [0, 0, 1, 1]
    for other in (bob, program):
        refused = other.run("why", ann.id, "green")
        assert refused.status_code == 400 and "found" not in refused.text


def test_every_route_says_who_may_ask_for_it(site):
    assert site.routes() == OPEN | VISITED | CLAIMED | CLOSED


def filled(route: str, ann: Anns) -> str:
    values = {
        "{size}/{id}": f"original/{ann.id}",
        "{kind}": "csv",
        "{api_name}": "status",
        "{event_id}": ann.event,
        "{session_hash}": ann.session,
        "{path:path}": ann.path,
        "{path_or_url:path}": ann.path,
    }
    for name, value in values.items():
        route = route.replace(name, value)
    return route.replace("{", "").replace("}", "")


def test_no_route_gives_out_what_is_anothers(site, ann, bob, program):
    query = {"session_hash": ann.session, "upload_id": ann.session}
    body = {"data": [], "session_hash": ann.session, "event_id": ann.event, "fn_index": 1}
    form = {"rows": json.dumps([{"id": ann.id}])}
    for visitor in (bob, program):
        for route in sorted(site.routes() - (ENDLESS & VISITED)):
            url = filled(route, ann)
            answers = [
                visitor.http.get(url, params=query),
                visitor.http.post(url, data=form) if "taking" in route else visitor.http.post(url, json=body),
            ]
            assert not any(ann.is_in(answer, with_id=True) for answer in answers), route
            if route in CLOSED or route in CLAIMED - {"/gradio_api/upload"}:
                assert {answer.status_code for answer in answers} <= {404, 405}, route
        for size in ("thumb", "preview", "original"):
            assert visitor.http.get(f"/gradio_api/media/{size}/{ann.id}").status_code == 404
            assert ann.visitor.http.get(f"/gradio_api/media/{size}/{ann.id}").status_code == 200
    assert ann.visitor.http.get(f"/gradio_api/file={ann.path}").content == ann.data


class Call:
    """Calls a function of the page with the IDs of Ann's pictures, files and runs, or without any."""

    def __init__(self, ann: Anns, names: bool) -> None:
        file = {"path": ann.path, "orig_name": "x.png", "meta": {"_type": "gradio.FileData"}}
        ids = [ann.id] if names else []
        parts = [{"content_id": id} for id in ids]
        where = {"where": None, "match": "all", "sort": "score", "offset": 0}
        self.files = [file] if names else []
        self.run = ann.run
        self.inputs = {**TEXT_SEARCH, **where, "parts": parts, "files": self.files, "content_ids": ids, "model": ""}
        self.inputs["content_id"] = ann.id if names else ""
        self.tool = self.inputs | {"image": "".join(ids), "parts": [{"image": id} for id in ids]}
        event = {"id": ann.id, "ids": ids, "like": ann.id, "key": ann.id, "kept": ann.id}
        self.event = event | {"files": [{"path": ann.path, "name": "x.png"}]} if names else {"files": []}

    def __call__(self, visitor: Visitor, function: BlockFunction) -> httpx.Response:
        names = [name for name in signature(function.fn).parameters if name not in ("request", "event")]
        given = self.tool if function.name == "search_pictures" else self.inputs
        pairs = zip_longest(names, function.inputs, fillvalue="")
        data = [given[name] if type(block).__name__ == "Api" else self._value(block) for name, block in pairs]
        return visitor.run("predict", *data[: len(function.inputs)], fn_index=function._id, event_data=self.event)

    def _value(self, block: Component) -> object:
        kind = type(block).__name__
        by_name = {"limit": 24, "nprobe": 1, "minscore": 0, "accuracy": "Automatic"}
        return {"MultimodalTextbox": {"text": "green", "files": self.files}, "State": self.run}.get(
            kind, by_name.get(getattr(block, "elem_id", ""))
        )


def test_no_function_tells_or_changes_what_is_anothers(site, ann, bob, program):
    functions = [each for each in site.page.fns.values() if each.fn]
    assert {each.name for each in functions} == FUNCTIONS
    with_names, without = Call(ann, names=True), Call(ann, names=False)
    telling = {each.name for each in functions if each.name in TELLING and ann.is_in(without(ann.visitor, each), True)}
    assert telling == TELLING  # asked like this, it is told to Ann
    [box] = [each for each in functions if each.name == "search" and len(each.inputs) == 6]
    assert ann.is_in(with_names(ann.visitor, box), with_id=False)  # with a file that is hers
    for visitor in (bob, program):
        for each in functions:
            assert not ann.is_in(with_names(visitor, each), with_id=False), each.name
            assert not ann.is_in(without(visitor, each), with_id=True), each.name
    assert ann.visitor.found()[0] == HERS and ann.visitor.counts() == (3, 3)
    assert site.shared.status().pictures == 2


def test_agents_see_what_their_visitor_sees(site, ann, bob, monkeypatch):
    mcp_server = site.page.mcp_server_obj
    monkeypatch.setattr(mcp_server, "api_info", mcp_server.api_info)
    monkeypatch.setattr(mcp_server, "tool_to_endpoint", mcp_server.tool_to_endpoint)
    offer_tools(site.page)
    for visitor, sees in ((ann.visitor, True), (bob, False), (None, False)):
        headers = {"cookie": visitor.http.headers["cookie"]} if visitor else {}
        answer = call(site.url, "search_pictures", {"text": "green"}, headers)
        assert (HERS in str(answer.content)) is sees
    for arguments in ({"image": ann.id}, {"parts": [{"image": ann.id}]}):
        answer = call(site.url, "search_pictures", arguments, {"cookie": bob.http.headers["cookie"]})
        assert answer.isError and "no longer in the library" in str(answer.content)


def test_two_visitors_may_have_the_same_picture_and_each_deletes_their_own(site, ann):
    carl = Visitor(site.url)
    assert carl.add("carl.png", ann.data)["status"] == "new"
    assert carl.found()[0] == "carl.png" and ann.visitor.found()[0] == HERS
    assert carl.run("delete", [ann.id]).json()["data"] == [{"deleted": 1}]
    assert "carl.png" not in carl.found() and ann.visitor.found()[0] == HERS
    assert carl.run("trash").json()["data"][0]["pictures"] == []


def test_what_all_see_is_changed_by_nobody(site, ann, picture):
    answer = ann.visitor.run("delete", [content_id(picture("red"))]).json()
    assert answer["error"].startswith("All visitors see this picture")
    assert site.shared.status().pictures == 2


def test_without_a_cookie_nothing_is_uploaded_and_nothing_kept(program, ann, picture):
    refused = program.http.post("/gradio_api/upload", files={"files": ("a.png", picture("white"))})
    assert refused.status_code == 403 and "cookie" in refused.text
    file = {"path": ann.path, "meta": {"_type": "gradio.FileData"}}
    answer = program.run("add", [file])
    assert "new" not in answer.text, answer.text


def test_a_new_cookie_is_counted_at_the_same_address(site, picture, monkeypatch):
    monkeypatch.setattr(site.demo.spaces._bounds, "_rules", DemoRules(QUOTA, 24, address_quota=0))
    visitor = Visitor(site.url)
    file = {"path": visitor.upload("gray.png", picture("gray")), "meta": {"_type": "gradio.FileData"}}
    assert "Visitors from your network address may have 0 pictures" in visitor.run("add", [file]).text


def test_no_visitor_has_more_than_their_share_and_a_reset_removes_it_all(site, picture):
    dora = Visitor(site.url)
    colours = ("white", "black", "yellow", "purple")
    receipts = [dora.add(f"{colour}.png", picture(colour)) for colour in colours]
    assert [each["status"] for each in receipts] == ["new", "new", "new", "rejected"]
    assert receipts[-1]["reason"].startswith(f"You may have {QUOTA} pictures")
    path = dora.upload("white.png", picture("white"))
    reset = next(each._id for each in site.page.fns.values() if each.name == "reset")
    shown = dora.run("predict", fn_index=reset).json()["data"][0]
    assert (shown["count"], shown["expires"], shown["problem"]) == (0, None, None)
    assert sorted(dora.found()) == ["blue.png", "red.png"]
    assert dora.http.get(f"/gradio_api/file={path}").status_code == 404 and not Path(path).exists()
    assert dora.add("again.png", picture("white"))["status"] == "new"
