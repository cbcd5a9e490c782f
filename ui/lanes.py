"""Queues the page's events: searches in a lane of their own, so that a slow one never holds up the others."""

from typing import Any

HIDDEN: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}
SEARCHING: dict[str, Any] = {
    "api_visibility": "private",
    "show_progress": "minimal",
    "concurrency_id": "search",
    "concurrency_limit": 4,
    "trigger_mode": "always_last",
}
CHANGING: dict[str, Any] = {
    **HIDDEN,
    "concurrency_id": "change",
    "concurrency_limit": 4,
    "trigger_mode": "multiple",
}
WATCHING: dict[str, Any] = {**HIDDEN, "concurrency_id": "status", "concurrency_limit": None}
