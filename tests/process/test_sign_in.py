"""Requests every route of the running app with and without signing in.

`python -m tests.process.test_sign_in` prints the routes as a table.
"""

import base64
import http.client
import json
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import httpx
import pytest
from gradio.routes import App
from gradio_client import Client, handle_file
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.responses import PlainTextResponse
from starlette.routing import Mount, Route, WebSocketRoute
from starlette.testclient import TestClient
from starlette.websockets import WebSocketDisconnect

from library.image_library import ImageLibrary
from library.ingest.runs import Worker
from library.messages import message
from library.samples.pictures import sample_pictures
from testing.agent import call, tools
from testing.app_server import ForkedServer
from testing.fakes import ColourEncoder, MemoryDatabase, MemoryStore, ready
from ui.guards.sign_in import Accounts, SignIn
from ui.guards.sign_in_delay import KEPT_ADDRESSES, FailureDelay
from ui.page import build_page, launch_options

REFUSAL, OTHER_SITE = str(message("sign_in_first")), str(message("other_site"))
USER, PASSWORD = "ann", "pass:wörd"
AUTH = f"{USER}:{PASSWORD},bob:other"
CREDENTIALS = (USER, PASSWORD)

OPEN = {
    "GET /",
    "GET /assets/{path:path}",
    "GET /favicon.ico",
    "GET /gradio_api/health",
    "GET /gradio_api/startup-events",
    "GET /logout",
    "GET /manifest.json",
    "GET /pwa_icon",
    "GET /static/{path:path}",
    "GET /theme.css",
    "HEAD /",
    "HEAD /gradio_api/health",
    "POST /login",
    "POST /login/",
}

OTHER_SPELLINGS = [
    "//config",
    "/config/",
    "/CONFIG",
    "/%63onfig",
    "/./config",
    "/assets/../config",
    "/assets/%2e%2e/config",
    "/assets/..%2fconfig",
    "/static/../gradio_api/info",
    "/theme.css/../config",
    "/gradio_api//info",
    "/gradio_api/health/../info",
    "/gradio_api/%6dcp/",
    "/gradio_api/mcp//schema",
    "/login/../config",
    "/config;/assets/x",
    "/config%00",
    "/config%0a",
    "/?page=config&all_endpoints=true",
]


@dataclass(frozen=True)
class Asked:
    route: str  # as the app declares it
    url: str
    method: str


class House:
    """Runs an app that holds two pictures and asks for sign-in."""

    def __init__(self, folder: Path, **environment: str) -> None:
        self.server = ForkedServer(folder, AUTH=AUTH, MCP="1", **environment).wait()
        self.url = self.server.url
        self.pictures = dict(sample_pictures(2))
        for name, data in self.pictures.items():
            (folder / name).write_bytes(data)
        client = Client(self.url, auth=CREDENTIALS, verbose=False)
        receipt = client.predict(files=[handle_file(folder / name) for name in self.pictures], api_name="/add")
        self.ids = [file["content_id"] for file in receipt["files"]]

    @cached_property
    def asked(self) -> list[Asked]:
        """Lists every route of the app; those that end a session come last."""
        values = {
            "api_name": "mcp_status",
            "id": self.ids[0],
            "size": "thumb",
            "path": "x.js",
            "version": "x",
            "name": "main.js",
            "path_or_url": "/etc/hostname",
            "session_hash": "s",
            "component_id": "1",
        }
        found = [
            Asked(f"{method} {path}", _filled(path, values), method)
            for path, methods in sorted(set(routes(built_app())))
            for method in sorted(methods)
        ]
        sizes = [
            Asked(f"GET /gradio_api/media/{size}/{{id}}", f"/gradio_api/media/{size}/{self.ids[0]}", "GET")
            for size in ("preview", "original")
        ]
        return sorted([*found, *sizes], key=lambda each: ("/logout" in each.route, each.route))

    def signed_in(self) -> httpx.Client:
        answer = httpx.post(f"{self.url}/login", data={"username": USER, "password": PASSWORD})
        # By hand: unlike a browser, httpx keeps the secure cookie from 127.0.0.1.
        return httpx.Client(base_url=self.url, headers={"cookie": session(answer)})

    def stranger(self) -> httpx.Client:
        return httpx.Client(base_url=self.url)

    def holds(self, text: str) -> bool:
        """Returns whether a text tells anything of what is in the library."""
        return any(each in text for each in [*self.ids, *self.pictures])


def built_app() -> App:
    library = ImageLibrary(MemoryStore(), ready(ColourEncoder()), MemoryDatabase())
    page = build_page(library, Worker(library), "all", mcp=True)
    options = launch_options(library, {USER: PASSWORD}, mcp=True)
    assert options["ssr_mode"] is False  # rendered on the server, the page could not say what is wrong
    return App.create_app(page, app_kwargs=options["app_kwargs"], mcp_server=True)


def session(answer: httpx.Response) -> str:
    return "; ".join(f"{cookie.name}={cookie.value}" for cookie in answer.cookies.jar)


def routes(app, prefix: str = "") -> Iterator[tuple[str, frozenset[str]]]:
    for route in app.routes:
        included = getattr(route, "original_router", None)  # FastAPI keeps an included router whole
        if included:
            yield from routes(included, prefix)
        elif isinstance(route, Mount) and route.routes:
            yield from routes(route, prefix + route.path)
        elif isinstance(route, Mount):
            yield f"{prefix}{route.path}/", frozenset({"GET", "POST"})
        else:
            yield prefix + route.path, frozenset(route.methods or {"GET"})


def _filled(path: str, values: dict[str, str]) -> str:
    parts = []
    for part in path.split("{"):
        name, closed, rest = part.partition("}")
        parts.append(values.get(name.partition(":")[0], "x") + rest if closed else part)
    return "".join(parts)


def status(client: httpx.Client, asked: Asked, **options) -> int:
    """Returns the status of an answer, of which it reads only the first line: some never end."""
    with client.stream(asked.method, asked.url, **options) as response:
        return response.status_code


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    house = House(tmp_path_factory.mktemp("house"))
    yield house
    house.server.stop()


def test_a_stranger_reaches_nothing_but_what_the_login_page_needs(house):
    with house.stranger() as stranger:
        answers = {each.route: stranger.request(each.method, each.url) for each in house.asked}
    assert len(answers) > 80
    assert {route for route, answer in answers.items() if answer.status_code != 401} == OPEN
    for route, answer in answers.items():
        assert route in OPEN or answer.request.method == "HEAD" or answer.text == REFUSAL
        assert not house.holds(answer.text), route


def test_a_session_reaches_everything(house):
    with house.signed_in() as client:
        assert 401 not in {status(client, each) for each in house.asked}


def test_basic_credentials_reach_everything(house):
    with house.stranger() as client:
        assert 401 not in {status(client, each, auth=CREDENTIALS) for each in house.asked}


@pytest.mark.parametrize("path", OTHER_SPELLINGS)
def test_no_other_spelling_of_a_path_leads_in(house, path):
    connection = http.client.HTTPConnection(house.url.removeprefix("http://"))
    connection.request("GET", path)
    response = connection.getresponse()
    body = response.read().decode()
    connection.close()
    assert not house.holds(body) and '"components":[{' not in body
    assert response.status in (401, 403, 404) or (path.startswith("/?") and '"auth_required":true' in body)


@pytest.mark.parametrize(
    "path", ["/queue/join", "/run/mcp_search", "/api/mcp_search", "/call/mcp_search", "/call/search"]
)
def test_calling_needs_signing_in(house, path):
    body = {"data": ["", "", 2, -1.0], "fn_index": 5, "session_hash": "s", "trigger_id": 1}
    with house.stranger() as stranger:
        assert stranger.post(f"/gradio_api{path}", json=body).text == REFUSAL


def test_a_function_without_a_name_needs_signing_in_too(house):
    with house.stranger() as stranger, house.signed_in() as client:
        functions = client.get("/config").json()["dependencies"]
        private = [each["id"] for each in functions if each["api_visibility"] == "private"]
        assert len(private) > 10
        for id in private:
            body = {"data": [], "fn_index": id, "session_hash": "s"}
            assert stranger.post("/gradio_api/queue/join", json=body).status_code == 401
            assert stranger.post("/gradio_api/run/predict", json=body).status_code == 401


def test_an_upload_is_neither_taken_nor_shown(house):
    [(name, data), *_] = house.pictures.items()
    with house.stranger() as stranger, house.signed_in() as client:
        assert stranger.post("/gradio_api/upload", files={"files": (name, data)}).status_code == 401
        [path] = client.post("/gradio_api/upload", files={"files": (name, data)}).json()
        assert client.get(f"/gradio_api/file={path}").content == data
        assert stranger.get(f"/gradio_api/file={path}").text == REFUSAL


@pytest.mark.parametrize("size", ["thumb", "preview", "original"])
def test_pictures_are_for_those_who_signed_in(house, size):
    path = f"/gradio_api/media/{size}/{house.ids[0]}"
    with house.stranger() as stranger, house.signed_in() as client:
        assert stranger.get(path).text == REFUSAL
        assert client.get(path).content == stranger.get(path, auth=CREDENTIALS).content != b""


def test_a_python_program_signs_in(house):
    client = Client(house.url, auth=("bob", "other"), verbose=False)
    assert client.predict(api_name="/status")["pictures"] == 2
    assert len(client.predict(text="a house", api_name="/search")) == 2
    for auth in (None, ("bob", PASSWORD), (USER, "pass"), ("eve", "other")):
        with pytest.raises(Exception, match=r"credentials|login"):
            Client(house.url, auth=auth, verbose=False)


def test_signing_out_ends_the_session(house):
    with house.signed_in() as client:
        assert client.get("/config").status_code == 200
        client.get("/logout")
        assert client.get("/config").status_code == 401


def test_another_site_cannot_use_the_session_of_its_visitor(house):
    foreign = {"origin": "https://evil.example", "sec-fetch-site": "cross-site", "sec-fetch-mode": "cors"}
    link = {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate"}
    with house.signed_in() as client:
        assert client.get("/config", headers=foreign).status_code == 403
        assert client.get("/", headers=foreign).text == OTHER_SITE
        assert client.post("/gradio_api/queue/join", headers=link, json={}).status_code == 403
        assert '"auth_required":true' not in client.get("/", headers=link).text


def test_programs_are_challenged_and_browsers_shown_the_login_page_are_not(house):
    with house.stranger() as client:
        assert client.get("/config").headers["www-authenticate"].startswith("Basic ")
        assert "www-authenticate" not in client.get("/config", headers={"user-agent": "Mozilla/5.0"}).headers


def test_an_agent_signs_in_with_a_header(house):
    header = {"authorization": basic(f"{USER}:{PASSWORD}")}
    assert tools(house.url, header) == ["search_pictures", "library_status"]
    answer = call(house.url, "search_pictures", {"text": "a house", "limit": 1}, header)
    [found] = json.loads(answer.content[0].text)
    assert found["name"] in house.pictures
    with house.stranger() as stranger:
        assert stranger.get(found["thumbnail"]).text == stranger.get(found["original"]).text == REFUSAL
        assert stranger.get(found["original"], auth=CREDENTIALS).content == house.pictures[found["name"]]


@pytest.mark.parametrize("header", [{}, {"authorization": "Bearer x"}, {"authorization": "Basic YW5uOnBhc3M="}])
def test_an_agent_without_credentials_is_refused(house, header):
    for use in (lambda: tools(house.url, header), lambda: call(house.url, "library_status", {}, header)):
        with pytest.raises(ExceptionGroup) as refused:
            use()
        assert refused.group_contains(httpx.HTTPStatusError, match="401", depth=None)


def test_passwords_are_in_no_log(house):
    log = house.server.log.read_text()
    assert "sign-in for 2" in log
    assert PASSWORD not in log and "other" not in log


def test_behind_a_path_it_holds_whether_or_not_the_proxy_strips_it(tmp_path):
    house = House(tmp_path, GRADIO_ROOT_PATH="/likeness")
    media = f"/gradio_api/media/thumb/{house.ids[0]}"
    try:
        with house.stranger() as stranger:
            for prefix in ("", "/likeness"):
                assert f'"root":"{house.url}/likeness"' in stranger.get(f"{prefix}/").text
                assert stranger.get(f"{prefix}/theme.css").status_code == 200
                for path in ("/config", media, "/gradio_api/mcp/schema"):
                    assert stranger.get(f"{prefix}{path}").text == REFUSAL
                assert stranger.get(f"{prefix}{media}", auth=CREDENTIALS).status_code == 200
    finally:
        house.server.stop()


@pytest.fixture
def small():
    """Makes an app with one closed route and one socket, guarded alike."""

    async def secret(request):
        return PlainTextResponse("secret")

    async def socket(websocket):
        await websocket.accept()
        await websocket.close()

    app = Starlette(
        routes=[Route("/secret", secret), WebSocketRoute("/socket", socket)],
        middleware=[Middleware(SignIn, accounts=Accounts({USER: PASSWORD, "Zoë": " spaced "}))],
    )
    app.tokens, app.cookie_id = {}, "id"
    return app


def test_a_socket_needs_signing_in(small):
    with pytest.raises(WebSocketDisconnect), TestClient(small).websocket_connect("/socket"):
        pass
    headers = {"authorization": basic(f"{USER}:{PASSWORD}")}
    with TestClient(small).websocket_connect("/socket", headers=headers):
        pass


@pytest.mark.parametrize("credentials", [f"{USER}:{PASSWORD}", "Zoë: spaced "])
def test_credentials_are_taken_as_they_are(small, credentials):
    assert TestClient(small).get("/secret", headers={"authorization": basic(credentials)}).text == "secret"


@pytest.mark.parametrize(
    "header",
    ["", "Basic", "Basic ", "Basic ???", "Basic /w==", "Bearer x", "Basic Og=="]
    + [
        f"Basic {base64.b64encode(each.encode()).decode()}"
        for each in (USER, f"{USER}:", f"{USER}:pass", f":{PASSWORD}", f"Ann:{PASSWORD}", f"{USER}:{PASSWORD} ")
    ],
)
def test_other_credentials_are_refused(small, header):
    assert TestClient(small).get("/secret", headers={"authorization": header}).status_code == 401


@pytest.mark.parametrize("cookie", ["access-token-id=", "access-token-id=x", "access-token-unsecure-id=None", "x=y"])
def test_other_cookies_are_refused(small, cookie):
    small.tokens["real"] = USER
    assert TestClient(small).get("/secret", headers={"cookie": cookie}).status_code == 401
    assert TestClient(small).get("/secret", headers={"cookie": "access-token-id=real"}).text == "secret"


def basic(credentials: str) -> str:
    return f"Basic {base64.b64encode(credentials.encode()).decode()}"


def table(house: House) -> Iterator[str]:
    yield "| route | without login | with login |"
    yield "|---|---|---|"
    with house.stranger() as stranger, house.signed_in() as client:
        for each in house.asked:
            by_cookie, by_basic = status(client, each), status(stranger, each, auth=CREDENTIALS)
            both = str(by_cookie) if by_cookie == by_basic else f"{by_cookie}, Basic {by_basic}"
            yield f"| `{each.route}` | {status(stranger, each)} | {both} |"


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        shown = House(Path(folder))
        print(*table(shown), sep="\n")
        shown.server.stop()


def test_guessing_is_slowed_down_on_the_page_and_for_programs(tmp_path):
    house = House(tmp_path)
    form = {"username": USER, "password": "guess"}
    try:
        with house.stranger() as stranger:
            forged = [{"x-forwarded-for": f"6.6.6.{number}"} for number in range(3)]
            assert [stranger.post("/login", data=form, headers=each).status_code for each in forged] == [400] * 3
            assert [stranger.get("/config", auth=(USER, "guess")).status_code for _ in range(2)] == [401] * 2
            for late in (stranger.post("/login", data=form), stranger.get("/config", auth=CREDENTIALS)):
                assert (late.status_code, late.headers["retry-after"]) == (429, "1")
                assert late.json() == {"detail": str(message("too_many_attempts", seconds=1))}
            page = stranger.post("/login", data=form, headers={"user-agent": "Mozilla/5.0"})
            assert (page.status_code, page.headers["retry-after"]) == (400, "1")
            assert stranger.get("/gradio_api/health").status_code == 200
    finally:
        house.server.stop()


def test_each_further_failure_doubles_the_wait_and_a_success_ends_it():
    now = 0.0
    attempts = FailureDelay(lambda: now)
    waits = []
    for _ in range(14):
        attempts.failed("a")
        waits.append(attempts.wait("a"))
    assert waits == [0, 0, 0, 0, 1, 2, 4, 8, 16, 32, 60, 60, 60, 60]
    assert attempts.wait("b") == 0
    now = 45.0
    assert attempts.wait("a") == 15
    attempts.succeeded("a")
    assert attempts.wait("a") == 0


def test_failures_are_forgotten_after_an_hour_and_only_so_many_addresses_are_kept():
    now = 0.0
    attempts = FailureDelay(lambda: now)
    for _ in range(9):
        attempts.failed("a")
    now = 4_000.0
    attempts.failed("a")
    assert attempts.wait("a") == 0
    for number in range(KEPT_ADDRESSES + 5):
        attempts.failed(str(number))
    assert len(attempts._failures) == KEPT_ADDRESSES
