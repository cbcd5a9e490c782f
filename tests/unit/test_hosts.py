"""Checks who may ask for the page: under which names, and from which sites."""

from types import SimpleNamespace

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from library.messages import message, render
from settings import SettingsError, load_settings
from ui.guards.hosts import AllowedHosts, HostGuard
from ui.guards.security_headers import SecurityHeaders
from ui.request_ids import RequestIds

OTHER_SITE = str(message("other_site"))
LOOPBACK = AllowedHosts(hosts=["localhost", "photos.example.org"], sites=["photos.example.org"])
CROSS = {"sec-fetch-site": "cross-site", "sec-fetch-mode": "cors", "origin": "https://evil.example"}


def client(allowed_hosts=LOOPBACK, host="localhost:7860"):
    routes = [
        Route("/", lambda request: PlainTextResponse("pictures"), methods=["GET", "POST"]),
        Route("/failing", lambda request: 1 / 0),
    ]
    guards = [
        Middleware(SecurityHeaders, framed_by=allowed_hosts.framed_by),
        Middleware(RequestIds, monitor=SimpleNamespace(failed=lambda *_: None)),
        Middleware(HostGuard, allowed_hosts=allowed_hosts),
    ]
    return TestClient(Starlette(routes=routes, middleware=guards), base_url=f"http://{host}")


def test_only_our_own_names_and_addresses_are_answered():
    for host in (
        "localhost",
        "LOCALHOST:7860",
        "127.0.0.1:7860",
        "[::1]:7860",
        "192.168.1.5",
        "photos.example.org",
        "localhost.",
    ):
        assert client(host=host).get("/").text == "pictures"
    for host in ("evil.example", "localhost.evil.example:7860", "127.0.0.1.evil.example", "xn--lcalhost-0bb"):
        refused = client(host=host).get("/")
        assert refused.status_code == 421 and "ALLOWED_HOSTS" in refused.text
    for damaged in ("", "[", "a b", "localhost@evil.example", "/"):
        assert client().get("/", headers={"host": damaged}).status_code == 421


def test_the_refusal_is_in_the_language_of_the_visitor():
    for accepted, language in {
        "ko-KR,ko;q=0.9": "ko",
        "zh-HK": "zh-TW",
        "zh-CN,en": "en",
        "": "en",
        "fr, ko": "ko",
    }.items():
        refused = client().post("/", headers=CROSS | {"accept-language": accepted})
        assert refused.text == render(message("other_site"), language)


def test_where_names_are_not_known_every_host_is_answered():
    assert client(AllowedHosts(), "evil.example").get("/").text == "pictures"


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_a_page_of_another_site_gets_nothing_and_changes_nothing(site):
    headers = CROSS | {"sec-fetch-site": site}
    for ask in (client().get, client().post):
        refused = ask("/", headers=headers)
        assert (refused.status_code, refused.text) == (403, OTHER_SITE)
    assert client().post("/", headers=headers | {"sec-fetch-mode": "navigate"}).status_code == 403


def test_links_programs_and_the_page_itself_come_through():
    assert client().get("/", headers=CROSS | {"sec-fetch-mode": "navigate"}).status_code == 200
    assert client().post("/").status_code == 200
    for site in ("same-origin", "none"):
        assert client().post("/", headers={"sec-fetch-site": site}).status_code == 200


def test_a_browser_that_tells_no_site_is_judged_by_the_origin_of_what_may_change_something():
    for origin, code in {"http://localhost:7860": 200, "http://localhost:1": 403, "null": 403, "//[": 403}.items():
        assert client().post("/", headers={"origin": origin}).status_code == code
        assert client().get("/", headers={"origin": origin}).status_code == 200


def test_sites_that_are_named_may_call():
    assert client().post("/", headers=CROSS | {"origin": "https://photos.example.org"}).status_code == 200
    assert client().post("/", headers=CROSS | {"origin": "https://photos.example.org.evil"}).status_code == 403


@pytest.mark.parametrize(
    ("path", "headers", "code"),
    [
        ("/", {}, 200),
        ("/", {"host": "evil.example"}, 421),
        ("/", CROSS, 403),
        ("/none", {}, 404),
        ("/failing", {}, 500),
    ],
)
def test_browsers_are_told_what_to_load_and_who_may_frame_the_page(path, headers, code):
    answer = client().get(path, headers=headers)
    assert answer.status_code == code
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "same-origin"
    assert answer.headers["x-frame-options"] == "SAMEORIGIN"
    assert "frame-ancestors 'self'" in answer.headers["content-security-policy"]


def test_a_page_that_is_framed_elsewhere_says_where():
    in_space = client(AllowedHosts(framed_by=["https://huggingface.co"])).get("/").headers
    assert "x-frame-options" not in in_space
    assert "frame-ancestors 'self' https://huggingface.co" in in_space["content-security-policy"]


def test_the_settings_say_which_names_are_ours(tmp_path):
    def hosts(**given):
        return load_settings(data_dir=tmp_path, **given).answered_hosts

    assert hosts() == ["localhost", "127.0.0.1"]
    assert hosts(gradio_root_path="https://a.example/x") == ["localhost", "127.0.0.1", "a.example"]
    assert hosts(gradio_server_name="0.0.0.0") is hosts(gradio_share=True) is None
    assert hosts(gradio_server_name="0.0.0.0", allowed_hosts="A.example, b.example")[2:] == ["a.example", "b.example"]
    assert hosts(allowed_hosts="a.example.")[2:] == ["a.example"]
    with pytest.raises(SettingsError, match="ALLOWED_HOSTS"):
        hosts(allowed_hosts="https://a.example")
