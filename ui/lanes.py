"""Queues the page's events: searches in a lane of their own, so that a slow one never holds up the others."""

from typing import Any

from ui.direct_line import calls_waiting

MOST_WAITING = 100
AT_ONCE = 4  # in a lane; Gradio takes the least of what the functions of a lane say, and one where one says nothing
SEARCHES_AT_ONCE = 32  # which are encoded and searched together
HIDDEN: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}
SEARCHING: dict[str, Any] = {
    "api_visibility": "private",
    "show_progress": "minimal",
    "concurrency_id": "search",
    "concurrency_limit": SEARCHES_AT_ONCE,
    "trigger_mode": "always_last",
}
CHANGING: dict[str, Any] = {
    **HIDDEN,
    "concurrency_id": "change",
    "concurrency_limit": AT_ONCE,
    "trigger_mode": "multiple",
}
WATCHING: dict[str, Any] = {**HIDDEN, "concurrency_id": "status", "concurrency_limit": None}


def waiting(queue: Any) -> dict[str, int]:
    """Returns how many calls wait in each lane of a queue."""
    named = {name: lane for name, lane in queue.event_queue_per_concurrency_id.copy().items() if not name.isdecimal()}
    return {name: len(calls_waiting(lane)) for name, lane in named.items()}  # a number is a name of Gradio's own
