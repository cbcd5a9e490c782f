"""Spares the page and each call what Gradio does for them though nothing here needs it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from importlib.util import find_spec
from typing import Any

import gradio as gr
from anyio.to_thread import run_sync
from gradio import blocks, queueing, utils


@contextmanager
def spare_routes() -> Iterator[None]:
    """Spares a page that is laid out the routes of a server: Gradio makes them twice on the way, and at its launch."""
    made_by = blocks.__dict__["App"]
    blocks.__dict__["App"] = _NoApp
    try:
        yield
    finally:
        blocks.__dict__["App"] = made_by


class _NoApp:
    @staticmethod
    def create_app(*_: object, **__: object) -> None:
        """Returns no app, since only that of the launch is ever asked."""


def spare_calls(page: gr.Blocks) -> None:
    """Spares the calls of a page a change of threads, for a summary that nobody reads, and a search for matplotlib.

    Gradio looks for matplotlib on the disk twice for each call where it is not installed.
    """
    page._queue.__dict__["compute_analytics_summary"] = _no_summary
    queueing.__dict__["run_sync"] = _run_in_queue
    if not find_spec("matplotlib"):
        utils.__dict__["MatplotlibBackendMananger"] = nullcontext


def _no_summary(_: Any) -> dict[str, Any]:
    """Returns what the queue says before its first call; the route that would show more is closed."""
    return {"functions": {}}


async def _run_in_queue(work: Callable[..., Any], *given: Any) -> Any:
    """Does on a thread what the queue has done there, except for the summary."""
    return work(*given) if work is _no_summary else await run_sync(work, *given)
