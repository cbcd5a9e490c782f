"""Keeps loopback away from proxies, and names a proxy where it is the cause."""

import logging
import os
import socket
import threading
from contextlib import closing

import httpx
import pytest

from db.images.object import ObjectStore
from db.milvus.database import Milvus
from db.sources.readers import SourceReader
from encoders.model_files import failures_explained, load_from
from library.errors import IndexUnavailable, LikenessError, RejectedImage, StoreUnavailable
from library.messages import message
from library.running.proxies import grpc_proxy, web_proxy
from runtime import bypass_proxies, prepare_proxies
from testing.fakes import ColourEncoder

NOWHERE = "http://127.0.0.1:9"  # nothing listens on the port that discards


@pytest.fixture(autouse=True)
def no_proxies(monkeypatch):
    for name in [name for name in os.environ if name.lower().endswith("_proxy")]:
        monkeypatch.delenv(name)
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.setenv(name, "")  # so that what is set below is taken back


@pytest.fixture
def refusing_proxy():
    """Returns a proxy that answers 403 to everything."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def answer():
            while True:
                try:
                    connection, _ = listening.accept()
                except OSError:
                    return
                with closing(connection):
                    connection.recv(65536)
                    connection.sendall(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")

        threading.Thread(target=answer, daemon=True).start()
        yield f"http://me:secret@127.0.0.1:{listening.getsockname()[1]}"
        listening.shutdown(socket.SHUT_RDWR)


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("HTTP_PROXY", NOWHERE),
        ("http_proxy", NOWHERE),
        ("ALL_PROXY", NOWHERE),
        ("ALL_PROXY", "socks5://127.0.0.1:9"),
        ("all_proxy", "socks://127.0.0.1:9/"),
        ("ALL_PROXY", "socks4://127.0.0.1:9"),
    ],
)
@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]"])
def test_loopback_is_reached_without_the_proxy(monkeypatch, variable, value, host):
    monkeypatch.setenv(variable, value)
    prepare_proxies()
    family = socket.AF_INET6 if host == "[::1]" else socket.AF_INET
    with socket.create_server(("::1" if host == "[::1]" else "127.0.0.1", 0), family=family) as listening:
        url = f"http://{host}:{listening.getsockname()[1]}/"
        with pytest.raises(httpx.ReadTimeout):  # it was reached, and says nothing
            httpx.get(url, timeout=0.1)


def test_what_goes_without_a_proxy_already_stays_so(monkeypatch):
    monkeypatch.setenv("HTTPS_PROXY", NOWHERE)
    monkeypatch.setenv("NO_PROXY", "example.org, localhost")
    prepare_proxies()
    bypass_proxies("192.168.1.5")
    expected = "example.org,localhost,127.0.0.1,::1,192.168.1.5"
    assert (os.environ["no_proxy"], os.environ["NO_PROXY"]) == (expected, expected)


def test_without_a_proxy_the_environment_stays_as_it_is():
    prepare_proxies()
    assert os.environ["no_proxy"] == ""


def test_a_proxy_that_nothing_can_use_is_told_of_and_left_out(monkeypatch, caplog):
    monkeypatch.setenv("ALL_PROXY", "socks4://me:secret@127.0.0.1:9")
    with caplog.at_level(logging.WARNING):
        prepare_proxies()
    assert "ALL_PROXY is not used" in caplog.text and "secret" not in caplog.text
    assert "ALL_PROXY" not in os.environ


def test_a_proxy_is_named_without_its_login_and_only_where_it_is_used(monkeypatch):
    monkeypatch.setenv("HTTPS_PROXY", "http://me:secret@proxy:3128")
    monkeypatch.setenv("no_proxy", "example.org")
    found = web_proxy("https://huggingface.co")
    assert found and (found.variable, found.address) == ("HTTPS_PROXY", "http://proxy:3128")
    for url in (
        "http://huggingface.co",
        "https://www.example.org",
        "https://127.0.0.2",
        "https://localhost",
        "https://[",
    ):
        assert web_proxy(url) is None


def test_grpc_heeds_proxies_of_http_in_small_letters(monkeypatch):
    monkeypatch.setenv("http_proxy", "proxy:3128")
    monkeypatch.setenv("no_proxy", "lan")
    found = grpc_proxy("http://milvus:19530")
    assert found and (found.variable, found.address) == ("http_proxy", "proxy:3128")
    assert grpc_proxy("http://milvus.lan:19530") is None
    assert grpc_proxy("http://127.0.0.1:19530") is None
    monkeypatch.setenv("http_proxy", "socks5://proxy:1080")
    assert grpc_proxy("http://milvus:19530") is None


@pytest.mark.parametrize("variable", ["http_proxy", "https_proxy", "grpc_proxy"])
def test_milvus_lite_answers_whatever_proxy_is_set(monkeypatch, tmp_path, variable):
    monkeypatch.setenv(variable, NOWHERE)
    monkeypatch.setenv("no_grpc_proxy", "example.org")  # in place of no_proxy
    database = Milvus(tmp_path / "milvus.db")
    try:
        with database.collection(ColourEncoder().info).loaded() as index:
            assert index.count() == 0
    finally:
        database.close()


def test_a_proxy_before_milvus_is_named(monkeypatch, refusing_proxy):
    monkeypatch.setenv("http_proxy", refusing_proxy)
    database = Milvus("http://milvus.example:19530")
    with pytest.raises(IndexUnavailable) as raised:
        database.stored()
    names_the_proxy(raised.value, "http_proxy", refusing_proxy)


def test_a_proxy_before_a_bucket_is_named(s3_environment, monkeypatch, refusing_proxy):
    s3_environment("http://minio.example:9000")
    monkeypatch.setenv("http_proxy", refusing_proxy)
    with pytest.raises(StoreUnavailable) as raised:
        ObjectStore("s3://bucket/folder").count()
    names_the_proxy(raised.value, "http_proxy", refusing_proxy)


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_proxy_before_the_address_of_a_row_is_named(monkeypatch, refusing_proxy, scheme):
    monkeypatch.setenv("ALL_PROXY", refusing_proxy)
    with pytest.raises(RejectedImage) as raised:
        SourceReader().read(f"{scheme}://photos.example/a.jpg")
    names_the_proxy(raised.value, "ALL_PROXY", refusing_proxy)


def test_a_proxy_before_the_hub_is_named(monkeypatch, refusing_proxy):
    monkeypatch.setenv("HTTPS_PROXY", refusing_proxy)

    def load(local_files_only=False):
        raise OSError("not in the cache")

    with pytest.raises(LikenessError) as raised, failures_explained(message("model_offered", name="a")):
        load_from("a/b", load)
    names_the_proxy(raised.value, "HTTPS_PROXY", refusing_proxy)


def test_an_address_where_nobody_listens_is_told_as_such():
    with pytest.raises(RejectedImage, match="No server answers at this address"):
        SourceReader().read(f"{NOWHERE}/a.jpg")


def names_the_proxy(error, variable, proxy):
    told = str(error)
    assert variable in told and proxy.replace("me:secret@", "") in told and "no_proxy" in told
    assert "secret" not in told
