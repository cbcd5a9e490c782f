"""Keeps figures for Prometheus in a registry of its own, and serves them."""

from collections.abc import Iterator

from prometheus_client import CollectorRegistry, Counter, Histogram, Info
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest
from prometheus_client.metrics_core import Metric
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from library.errors import InvalidQuery
from library.image_library import ImageLibrary, LibraryStatus
from library.ingest.receipts import Status
from library.running.monitor import Place, Stage
from ui.health import Latest, can_answer
from ui.lanes import waiting
from ui.sentences import sentence_for

PATHS = ("/metrics", "/gradio_api/metrics")  # only the second reaches Python where Gradio renders on the server
BUCKETS = (0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0)
LEASE_STATES = ("released", "loading", "loaded", "releasing", "rebuilding")


class PrometheusMonitor:
    """Counts and measures for Prometheus. Labels hold codes and kinds of this project, nothing that visitors write."""

    def __init__(self, version: str) -> None:
        self.registry = registry = CollectorRegistry()
        self._searches = Counter("likeness_searches", "Searches", ["kind", "result"], registry=registry)
        self._stages = Histogram(
            "likeness_stage_seconds", "Time of a stage of an answer", ["stage"], buckets=BUCKETS, registry=registry
        )
        self._added = Counter(
            "likeness_files_added", "Files that were added or refused, by the outcome", ["status"], registry=registry
        )
        self._errors = Counter("likeness_errors", "Errors", ["place", "code"], registry=registry)
        Info("likeness_build", "The version that runs", registry=registry).info({"version": version})

    def searched(self, kind: str, result: str) -> None:
        self._searches.labels(kind, result).inc()

    def took(self, stage: Stage, seconds: float) -> None:
        self._stages.labels(stage).observe(seconds)

    def added(self, status: Status) -> None:
        self._added.labels(status).inc()

    def failed(self, place: Place, code: str) -> None:
        self._errors.labels(place, code).inc()

    def exposition(self) -> tuple[bytes, str]:
        return generate_latest(self.registry), CONTENT_TYPE_PLAIN_0_0_4


def metrics_routes(library: ImageLibrary) -> list[Route]:
    """Returns the routes of the figures; they say that there are none unless METRICS is set."""
    latest = Latest(library)

    def metrics(request: Request) -> Response:
        kept = library.monitor.exposition()
        if kept is None:
            return PlainTextResponse(sentence_for(InvalidQuery("no_metrics"), request.scope), 404)
        figures, kind = kept
        now = CollectorRegistry()
        now.register(_Present(latest.status(), waiting(request.app.get_blocks()._queue)))
        return Response(figures + generate_latest(now), media_type=kind, headers={"Cache-Control": "no-store"})

    return [Route(path, metrics, methods=["GET"]) for path in PATHS]


class _Present:
    """Collects the figures that are read at the moment they are asked for."""

    def __init__(self, status: LibraryStatus, waiting: dict[str, int]) -> None:
        self._status = status
        self._waiting = waiting

    def collect(self) -> Iterator[Metric]:
        queue = GaugeMetricFamily("likeness_queue_length", "Calls that wait in the queue", labels=["lane"])
        for lane, count in self._waiting.items():
            queue.add_metric([lane], count)
        yield queue
        yield GaugeMetricFamily("likeness_ready", "1 where a search can succeed", int(can_answer(self._status)))
        if self._status.pictures is not None:
            yield GaugeMetricFamily("likeness_pictures", "Pictures in the library", self._status.pictures)
        if index := self._status.index:
            lease = GaugeMetricFamily("likeness_lease", "1 for the state of the collection", labels=["state"])
            for state in LEASE_STATES:
                lease.add_metric([state], int(state == index.state))
            yield lease
            yield GaugeMetricFamily("likeness_collection_loads", "Loads of the collection so far", index.loads)
            yield GaugeMetricFamily("likeness_milvus_up", "1 where Milvus answers", int(index.connected))
