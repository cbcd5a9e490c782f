"""Brings the page into the states of those who add and delete pictures."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from testing.apps import HOSTILE, LONGEST, RIGHT_TO_LEFT, Apps
from testing.browser import Browser, choose, run, upload
from testing.states.looking import empty
from testing.states.steps import choose_another, import_a_table, open_additions, show_past_runs, view

if TYPE_CHECKING:
    from playwright.sync_api import Page


def sending(visitor: Browser, apps: Apps) -> Page:
    page = empty(visitor, apps)
    open_additions(page)
    page.route("**/gradio_api/upload*", lambda route: None)  # no file ever arrives
    choose(page, [apps.picture(), apps.picture()])
    page.get_by_text("Uploading 0 of 2 files").wait_for()
    return page


def upload_at_work(visitor: Browser, apps: Apps) -> Page:
    page = visitor.open(apps.uploading().url)
    begun = apps.folder / "begun"
    if not begun.exists():
        begun.touch()
        choose(page, apps.picture())
    page.get_by_role("heading", name="Waiting for the model to load").wait_for()
    return page


def upload_in_line(visitor: Browser, apps: Apps) -> Page:
    page = upload_at_work(visitor, apps)
    choose_another(page, apps)
    return page


def receipt(visitor: Browser, apps: Apps) -> Page:
    """Shows new, duplicate, rejected and skipped at once: only what comes from a folder is skipped."""
    folder = apps.picture(LONGEST).parent
    apps.picture(HOSTILE).rename(folder / HOSTILE)
    apps.picture(RIGHT_TO_LEFT).rename(folder / RIGHT_TO_LEFT)
    (folder / "copy.png").write_bytes((folder / HOSTILE).read_bytes())
    (folder / "notes.jpg").write_text("not a picture")
    (folder / ".DS_Store").write_bytes(os.urandom(50))
    page = visitor.open(apps.changing().url)
    page.locator("#uploads input[type=file]").nth(1).set_input_files(folder)
    run(page, "done")
    page.locator(".lk-card", has_text=RIGHT_TO_LEFT).first.wait_for()
    return page


def longest_name(visitor: Browser, apps: Apps) -> Page:
    page = receipt(visitor, apps)
    view(page, LONGEST)
    return page


def receipts(visitor: Browser, apps: Apps) -> Page:
    page = receipt(visitor, apps)
    page.get_by_role("button", name="Details", exact=True).click()
    page.get_by_role("button", name="All 6").click()
    page.locator(".lk-receipts table").wait_for()
    return page


def from_the_server(visitor: Browser, apps: Apps) -> Page:
    folder = apps.picture("on the server.png").parent
    (folder / "broken.png").write_text("not a picture")
    page = visitor.open(apps.with_sources(folder.parent).url)
    open_additions(page)
    page.get_by_label("From the server").fill(str(folder))
    page.get_by_role("button", name="Import", exact=True).click()
    run(page, "done")
    return page


def a_table_of_the_server(visitor: Browser, apps: Apps) -> Page:
    page = visitor.open(apps.with_sources(apps.folder / "pictures").url)
    open_additions(page)
    import_a_table(page, apps)
    return page


def past_runs(visitor: Browser, apps: Apps) -> Page:
    page = from_the_server(visitor, apps)
    show_past_runs(page)
    return page


def original_gone(visitor: Browser, apps: Apps) -> Page:
    picture = apps.picture("moved away.png")
    page = visitor.open(apps.with_sources(picture.parent.parent).url)
    open_additions(page)
    page.get_by_label("From the server").fill(str(picture))
    page.get_by_label("Leave originals where they are").check()
    page.get_by_role("button", name="Import", exact=True).click()
    run(page, "done")
    picture.unlink()
    page.locator(".lk-card", has_text="moved away.png").first.locator(".lk-open").click()
    page.locator(".lk-viewer .lk-away", has_text="can no longer be read").wait_for()
    return page


def deleted(visitor: Browser, apps: Apps) -> Page:
    page = visitor.open(apps.changing().url)
    upload(page, apps.picture("soon gone.png"))
    page.locator(".lk-card", has_text="soon gone.png").first.locator(".lk-open").click()
    page.get_by_role("button", name="Delete", exact=True).click()
    page.get_by_role("button", name="Move to trash").click()
    page.locator(".lk-toast.shown").wait_for()
    return page
