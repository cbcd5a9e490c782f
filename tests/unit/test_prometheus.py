"""Checks which figures are kept, and that none are where nobody asked for them."""

import pytest
from prometheus_client import generate_latest
from prometheus_client.parser import text_string_to_metric_families
from starlette.applications import Starlette
from starlette.testclient import TestClient

from library.errors import LikenessError, StoreUnavailable
from library.image_library import ImageLibrary
from library.search.query import Query
from testing.fakes import ColourEncoder, MemoryDatabase, MemoryStore, ready
from testing.pictures import item
from ui.prometheus import PATHS, PrometheusMonitor, metrics_routes


def test_without_the_setting_there_are_none(library):
    client = TestClient(Starlette(routes=metrics_routes(library)))
    assert {client.get(path).status_code for path in PATHS} == {404}
    assert "METRICS=1" in client.get(PATHS[0]).text


def test_searches_and_files_are_counted_by_what_became_of_them(picture):
    monitor = PrometheusMonitor("1.0")
    library = ImageLibrary(MemoryStore(), ready(ColourEncoder()), MemoryDatabase(), monitor=monitor)
    list(library.add([item("a.png", picture("red")), item("b.png", picture("red")), item("c.png", b"none")]))
    library.search(Query.of("red"))
    with pytest.raises(LikenessError):
        library.search(Query())
    families = text_string_to_metric_families(generate_latest(monitor.registry).decode())
    told = {(each.name, *each.labels.values()): each.value for family in families for each in family.samples}
    assert [told["likeness_files_added_total", status] for status in ("new", "duplicate", "rejected")] == [1, 1, 1]
    assert (
        told["likeness_searches_total", "text", "ok"] == told["likeness_searches_total", "text", "nothing_asked"] == 1
    )
    assert told["likeness_errors_total", "nothing_asked", "search"] == 1
    assert told["likeness_stage_seconds_count", "milvus"] == 1
    assert told["likeness_build_info", "1.0"] == 1


def test_every_registry_is_its_own():
    first, second = PrometheusMonitor("1.0"), PrometheusMonitor("1.0")
    first.failed("job", StoreUnavailable("disk_full").message.code)
    assert b"disk_full" in generate_latest(first.registry) and b"disk_full" not in generate_latest(second.registry)
