"""Serves the route that tells a load balancer whether this app can answer."""

import threading
import time

from anyio import CapacityLimiter, to_thread
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from library.image_library import ImageLibrary, LibraryStatus
from library.messages import Message, message
from ui.views import Json

PATH = "/gradio_api/health"  # other paths do not reach Python where Gradio renders on the server
KEPT_SECONDS = 5.0  # asking costs a server one small call: whoever polls every second gets the last answer
THREADS = 2  # of its own, so that nothing else uses them up: one that looks, and one for whoever asks meanwhile


def health_routes(library: ImageLibrary) -> list[Route]:
    """Returns the route that tells whether searches can succeed, with 503 where they cannot."""
    latest = Latest(library)
    threads = CapacityLimiter(THREADS)

    async def health(request: Request) -> Response:
        status = await to_thread.run_sync(latest.status, limiter=threads)
        code = 200 if can_answer(status) else 503
        return JSONResponse(health_view(status), code, headers={"Cache-Control": "no-store"})

    return [Route(PATH, health, methods=["GET"])]


def can_answer(status: LibraryStatus) -> bool:
    """Tells whether a search can succeed now: model, store and Milvus are all there."""
    return bool(status.model.info and not status.store_problem and status.index and status.index.connected)


def health_view(status: LibraryStatus) -> Json:
    """Returns the state in general words, with a code for each sentence, which are for machines and in English:
    details can hold addresses and paths, and anyone may ask."""
    why: dict[str, Message] = {}
    model = status.model
    if model.is_fallback and model.info:
        why["model_fallback"] = message("health_fallback", model=model.info.name)
    elif model.problem:
        why["model_failed"] = message("health_no_model")
    if status.store_problem:
        why["store_unreadable"] = message("health_no_store")
    if status.index and not status.index.connected:
        why["milvus_away"] = message("health_no_milvus")
    state = "degraded" if why else "loading" if model.is_loading else "ready"
    if state == "loading":
        why["model_loading"] = message("health_loading")
    return {"state": state, "why": list(map(str, why.values())), "codes": list(why)}


class Latest:
    """Keeps the latest status for some seconds, so that one request of many asks the library."""

    def __init__(self, library: ImageLibrary) -> None:
        self._library = library
        self._looking = threading.Lock()
        self._seen: LibraryStatus | None = None
        self._until = 0.0

    def status(self) -> LibraryStatus:
        # Only the very first have to wait for the one that looks.
        if self._looking.acquire(blocking=self._seen is None):
            try:
                if self._seen is None or time.monotonic() >= self._until:
                    self._seen = self._library.status()
                    # While the model loads, a look reaches no further than the disk.
                    self._until = time.monotonic() + (0 if self._seen.model.is_loading else KEPT_SECONDS)
            finally:
                self._looking.release()
        assert self._seen
        return self._seen
