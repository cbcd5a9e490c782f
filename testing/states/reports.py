"""Brings the page into the states of the dialogs that measure, evaluate and look for near-duplicates."""

from __future__ import annotations

from typing import TYPE_CHECKING

from testing.apps import Apps
from testing.browser import Browser, loaded
from testing.states.looking import empty, library
from testing.states.steps import find_near_duplicates, measure, open_dialog, open_near_duplicates
from testing.states.waiting import no_milvus

if TYPE_CHECKING:
    from playwright.sync_api import Page


def tuning(visitor: Browser, apps: Apps) -> Page:
    page = library(visitor, apps)
    open_dialog(page, "Measure accuracy…")
    page.get_by_role("button", name="Measure", exact=True).or_(page.locator(".lk-plots").first).first.wait_for()
    return page


def measured(visitor: Browser, apps: Apps) -> Page:
    page = tuning(visitor, apps)
    measure(page)
    return page


def nothing_evaluated(visitor: Browser, apps: Apps) -> Page:
    page = library(visitor, apps)
    open_dialog(page, "Evaluations…")
    page.get_by_text("There is no evaluation yet").wait_for()
    return page


def evaluation(visitor: Browser, apps: Apps) -> Page:
    page = visitor.open(apps.evaluated().url)
    open_dialog(page, "Evaluations…")
    page.get_by_role("heading", name="By class name").wait_for()
    return page


def near_duplicates(visitor: Browser, apps: Apps) -> Page:
    page = visitor.open(apps.duplicated().url)
    find_near_duplicates(page)
    page.locator(".lk-alikes").first.wait_for()
    loaded(page, ".lk-alike img")
    return page


def keeping_one(visitor: Browser, apps: Apps) -> Page:
    page = near_duplicates(visitor, apps)
    page.get_by_role("button", name="Keep this one…").first.click()
    page.get_by_role("button", name="Move to trash").wait_for()
    return page


def near_duplicates_to_look_at(visitor: Browser, apps: Apps) -> Page:
    page = visitor.open(apps.duplicated(EDITS="none").url)
    find_near_duplicates(page)
    page.locator(".lk-alikes").first.wait_for()
    loaded(page, ".lk-alike img")
    return page


def no_near_duplicates(visitor: Browser, apps: Apps) -> Page:
    page = library(visitor, apps)
    find_near_duplicates(page)
    page.get_by_text("No near-duplicates were found.").wait_for()
    return page


def too_few_for_near_duplicates(visitor: Browser, apps: Apps) -> Page:
    page = empty(visitor, apps)
    open_near_duplicates(page)
    page.get_by_text("The library is too small").wait_for()
    return page


def near_duplicates_without_milvus(visitor: Browser, apps: Apps) -> Page:
    page = no_milvus(visitor, apps)
    open_near_duplicates(page)
    page.get_by_role("button", name="Find near-duplicates").click()
    page.locator("#duplicates .lk-problem").wait_for()
    return page
