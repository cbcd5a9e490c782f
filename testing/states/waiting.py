"""Brings the page into the states in which something is missing or under way."""

from __future__ import annotations

from typing import TYPE_CHECKING

from testing.apps import Apps
from testing.browser import Browser, choose, run, wait_for_cards
from testing.callers import Caller
from testing.states.steps import open_dialog
from ui.lanes import SEARCHES_AT_ONCE

if TYPE_CHECKING:
    from playwright.sync_api import Page


def loading(visitor: Browser, apps: Apps) -> Page:
    page = visitor.open(apps.loading().url)
    wait_for_cards(page, 48)
    page.locator(".lk-chip.model[data-state=loading]").wait_for()
    return page


def waiting(visitor: Browser, apps: Apps) -> Page:
    page = visitor.open(f"{apps.loading().url}/?q=a+rainbow")
    page.get_by_text("Waiting for the model to load").wait_for()
    return page


def in_line(visitor: Browser, apps: Apps) -> Page:
    """Shows the place of a search behind those of others."""
    server = apps.busy()
    page = visitor.open(server.url)
    wait_for_cards(page, 48)
    Caller(server.url).fill_the_lane(SEARCHES_AT_ONCE + 1)
    page.get_by_label("Describe a picture").fill("a rainbow")
    page.keyboard.press("Enter")
    page.locator(".lk-place-in-line", has_text="In queue").wait_for()
    return page


def no_model(visitor: Browser, apps: Apps) -> Page:
    page = visitor.open(apps.without_model().url)
    page.locator(".lk-alert", has_text="The model is not available").wait_for()
    return page


def no_model_for_a_search(visitor: Browser, apps: Apps) -> Page:
    page = visitor.open(f"{apps.without_model().url}/?q=a+rainbow")
    page.locator("#results [role=alert]", has_text="The model is not available").wait_for()
    return page


def no_model_for_an_upload(visitor: Browser, apps: Apps) -> Page:
    page = no_model(visitor, apps)
    choose(page, apps.picture())
    run(page, "failed")
    return page


def rebuilding(visitor: Browser, apps: Apps) -> Page:
    page = visitor.open(apps.rebuilding().url)
    page.get_by_text("Searches wait a moment").wait_for()
    return page


def fallback(visitor: Browser, apps: Apps) -> Page:
    page = visitor.open(apps.on_fallback().url)
    page.get_by_text("The fallback model small is in use").wait_for()
    return page


def not_encoded(visitor: Browser, apps: Apps) -> Page:
    page = visitor.open(f"{apps.another_model().url}/?q=a+rainbow")
    page.get_by_text("60 pictures cannot be found with small").wait_for()
    return page


def beside(visitor: Browser, apps: Apps) -> Page:
    """Shows the results of two models for the same query, side by side."""
    page = visitor.open(f"{apps.side_by_side().url}/?q=a+red+circle&against=other")
    page.locator(".lk-beside .lk-card").first.wait_for()
    return page


def models(visitor: Browser, apps: Apps) -> Page:
    """Shows how many pictures each model has encoded."""
    page = visitor.open(apps.side_by_side().url)
    open_dialog(page, "Models…")
    page.locator(".lk-model").first.wait_for()
    return page


def no_milvus(visitor: Browser, apps: Apps) -> Page:
    page = visitor.open(apps.without_milvus().url)
    page.locator(".lk-alert", has_text="Milvus is not answering").wait_for()
    return page


def no_milvus_for_a_search(visitor: Browser, apps: Apps) -> Page:
    page = visitor.open(f"{apps.without_milvus().url}/?q=a+rainbow")
    page.locator("#results [role=alert]", has_text="Milvus is not answering").wait_for()
    return page
