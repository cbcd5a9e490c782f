"""Checks that the requests under way have a bound, and that who comes too late is told when to come back."""

import threading

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from ui.guards.concurrency import ConcurrencyLimit


def test_beyond_the_bound_pictures_are_refused_and_everything_else_is_answered():
    begun, go_on = threading.Event(), threading.Event()

    def slow(request):
        begun.set()
        go_on.wait(20)
        return PlainTextResponse("picture")

    def page(request):
        return PlainTextResponse("page")

    routes = [Route("/gradio_api/media/thumb/1", slow), Route("/", page)]
    with TestClient(Starlette(routes=routes, middleware=[Middleware(ConcurrencyLimit, most=1)])) as client:
        first = threading.Thread(target=client.get, args=["/gradio_api/media/thumb/1"])
        first.start()
        begun.wait(20)
        refused = client.get("/gradio_api/media/thumb/1", headers={"accept-language": "en"})
        assert (refused.status_code, refused.headers["retry-after"]) == (503, "2")
        assert refused.text == "1 other is already waiting, which is the limit. Try again in 2 s."
        assert client.get("/").text == "page"
        go_on.set()
        first.join()
        assert client.get("/gradio_api/media/thumb/1").text == "picture"
