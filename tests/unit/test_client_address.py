"""Checks where requests are believed to come from, and that no forged address makes guessing a password quicker."""

import logging

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.testclient import TestClient
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from settings import PROXIES_OF_SPACES, SettingsError, load_settings
from ui.guards.client_address import ProxyNotice, address_of
from ui.guards.sign_in import Accounts, SignIn
from ui.guards.sign_in_delay import FREE, FREE_FOR_A_NAME, KEPT_ADDRESSES, LONGEST_NAME, LONGEST_WAIT, SignInDelay

RIGHT, WRONG = ("ann", "pass:word"), ("ann", "guess")
FORM = {"username": "ann", "password": "guess"}


def client(peer="127.0.0.1", trusted=""):
    """Returns a client of an app that answers, to who signs in, the address that it sees."""

    async def seen(request):
        return PlainTextResponse(address_of(request.scope))

    routes = [Route("/", seen), Route("/closed", seen), Route("/login", seen, methods=["POST"])]
    sign_in = Middleware(SignIn, accounts=Accounts(dict([RIGHT])))
    app = Starlette(routes=routes, middleware=[Middleware(ProxyNotice), sign_in])
    app.tokens, app.cookie_id = {}, "id"
    return TestClient(ProxyHeadersMiddleware(app, trusted_hosts=trusted), client=(peer, 1))


def forwarded(*addresses):
    return {"x-forwarded-for": ", ".join(addresses)}


def test_nobody_chooses_an_address_unless_a_proxy_is_named():
    for peer in ("127.0.0.1", "172.18.0.1", "203.0.113.9"):
        assert client(peer).get("/", headers=forwarded("198.51.100.1")).text == peer
    behind = client("172.18.0.1", "172.16.0.0/12")
    assert behind.get("/", headers=forwarded("6.6.6.6", "198.51.100.1")).text == "198.51.100.1"
    assert behind.get("/", headers=forwarded("6.6.6.6", "198.51.100.1", "172.18.0.7")).text == "198.51.100.1"
    in_space = client("10.16.3.80", PROXIES_OF_SPACES)
    assert in_space.get("/", headers=forwarded("198.51.100.1")).text == "198.51.100.1"


def test_an_address_of_ipv6_is_that_of_its_household():
    assert (
        client("2001:db8:1:2:3:4:5:6").get("/").text == client("2001:db8:1:2::1").get("/").text == "2001:db8:1:2::/64"
    )
    assert client("::ffff:192.0.2.1").get("/").text == "192.0.2.1"
    assert client("testclient").get("/").text == "testclient"


def test_a_proxy_that_is_not_named_is_logged_once(caplog):
    with caplog.at_level(logging.WARNING):
        for trusted in ("", "172.18.0.1"):
            visitor = client("172.18.0.1", trusted)
            for _ in range(3):
                visitor.get("/", headers=forwarded("198.51.100.1"))
    [line] = caplog.messages
    assert "172.18.0.1" in line and "FORWARDED_ALLOW_IPS" in line


def test_who_is_believed_is_a_setting(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("FORWARDED_ALLOW_IPS", raising=False)

    def believed(**given):
        return load_settings(**given).forwarded_allow_ips

    assert (believed(), believed(gradio_share=True)) == ("", "127.0.0.1,::1")
    assert believed(forwarded_allow_ips="127.0.0.1, 10.0.0.0/8,") == "127.0.0.1,10.0.0.0/8"
    assert believed(forwarded_allow_ips="*") == "*"
    for wrong in ("10.0.0.1/8", "*,127.0.0.1", "localhost", "1.2.3", "10.0.0.0/33"):
        with pytest.raises(SettingsError, match="FORWARDED_ALLOW_IPS="):
            believed(forwarded_allow_ips=wrong)
    monkeypatch.setenv("SPACE_ID", "me/likeness")
    assert believed() == PROXIES_OF_SPACES
    monkeypatch.setenv("FORWARDED_ALLOW_IP", "127.0.0.1")
    with pytest.raises(SettingsError, match="Did you mean FORWARDED_ALLOW_IPS"):
        believed()


def test_forged_addresses_give_no_further_attempts():
    visitor = client()
    codes = [visitor.get("/closed", auth=WRONG, headers=forwarded(f"6.6.6.{n}")).status_code for n in range(FREE + 1)]
    assert codes == [401] * FREE + [429]


def test_where_everybody_is_believed_the_name_of_the_user_is_slowed_down():
    for name in ("ann", "nobody"):
        visitor = client(trusted="*")
        codes = [
            visitor.post("/login", data=FORM | {"username": f" {name}"}, headers=forwarded(f"6.6.6.{n}")).status_code
            for n in range(FREE_FOR_A_NAME)
        ]
        assert codes == [400] * FREE_FOR_A_NAME
        late = visitor.get("/closed", auth=(name, "guess"), headers=forwarded("6.6.7.1"))
        assert late.status_code == 429


def test_a_colon_moved_from_the_password_to_the_name_is_another_name_and_no_way_in():
    assert client().get("/closed", auth=RIGHT).status_code == 200
    assert client().post("/login", data={"username": "ann:pass", "password": "word"}).status_code == 400


def test_a_sign_in_is_answered_by_a_sentence_whatever_is_sent():
    visitor = client()
    for content in (b"", b"%", b"username=ann", b"\xff\xfe=1", b"username=" + b"a" * 70_000, b"{}"):
        for kind in (
            "application/x-www-form-urlencoded",
            "multipart/form-data; boundary=x",
            "multipart/form-data",
            "x",
        ):
            answer = client().post("/login", content=content, headers={"content-type": kind, "accept-language": "ko"})
            assert answer.status_code == 400 and answer.json()["detail"].startswith("사용자 이름이나 비밀번호가")
    assert visitor.post("/login", data={"username": " ann ", "password": "pass:word"}).status_code == 200


def test_a_user_comes_in_from_where_they_signed_in_while_others_guess():
    now = 0.0
    attempts = SignInDelay({"ann"}, lambda: now)
    attempts.succeeded("home", "ann")
    for number in range(FREE_FOR_A_NAME + 9):
        attempts.failed(f"address {number}", "ann")
    assert (attempts.wait("home", "ann"), attempts.wait("elsewhere", "ann")) == (0, LONGEST_WAIT)
    assert attempts.wait("elsewhere", "bob") == 0
    attempts.failed("home", "ann")
    assert attempts.wait("home", "ann") == LONGEST_WAIT
    now = LONGEST_WAIT
    attempts.succeeded("home", "ann")
    attempts.failed("address", "ann")
    assert (attempts.wait("home", "ann"), attempts.wait("elsewhere", "ann")) == (0, LONGEST_WAIT)


def test_made_up_names_do_not_let_a_user_s_failures_be_forgotten():
    attempts = SignInDelay({"ann"}, lambda: 0.0)
    for number in range(FREE_FOR_A_NAME):
        attempts.failed(f"address {number}", "ann")
    for number in range(KEPT_ADDRESSES + 5):
        attempts.failed("address", f"name {number}")
    attempts.failed("address", "n" * 60_000)
    assert max(map(len, attempts._by_other_name._failures)) <= LONGEST_NAME
    assert attempts.wait("elsewhere", "ann") == 1
