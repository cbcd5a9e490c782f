"""Holds that a session begins with what Gradio would describe for it, without describing each part anew."""

import pytest
from gradio.blocks import BlocksConfig
from gradio.state_holder import SessionState

from library.image_library import ImageLibrary
from library.ingest.runs import Worker
from testing.fakes import ColourEncoder, MemoryDatabase, MemoryStore, ready
from ui.page import build_page


@pytest.fixture(scope="module")
def page():
    library = ImageLibrary(MemoryStore(), ready(ColourEncoder()), MemoryDatabase())
    return build_page(library, Worker(library), "all")


def test_the_parts_are_described_for_the_first_session_only(page, monkeypatch):
    described = SessionState(page).config_values
    monkeypatch.setattr(BlocksConfig, "config_for_block", None)
    assert SessionState(page).config_values == described and len(described) > 30


def test_what_changes_in_one_session_changes_in_no_other(page):
    first, second = SessionState(page), SessionState(page)
    box = next(number for number, part in page.blocks.items() if getattr(part, "elem_id", "") == "query")
    before = second.config_values[box]["props"].get("value")
    first._update_value_in_config(box, "changed")
    assert first.config_values[box]["props"]["value"] == "changed"
    assert second.config_values[box]["props"].get("value") == before
    assert SessionState(page).config_values[box]["props"].get("value") == before


def test_a_part_that_a_session_replaces_is_described_as_it_is(page):
    session = SessionState(page)
    box = next(number for number, part in page.blocks.items() if getattr(part, "elem_id", "") == "limit")
    other = type(page.blocks[box])(1, 5, 2, render=False)
    session[box] = other
    session._update_config(box)
    assert session.config_values[box]["props"]["maximum"] == 5
    assert SessionState(page).config_values[box]["props"]["maximum"] != 5
