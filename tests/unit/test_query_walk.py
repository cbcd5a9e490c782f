"""Holds that a query takes the way through the files that docs/architecture.md describes."""

import re
import sys
from pathlib import Path

import pytest

from app import build
from settings import load_settings
from testing.app_server import ROOT
from testing.page_calls import SETTINGS
from testing.pages import read
from testing.pictures import item, samples
from ui.handlers.search import SearchHandlers
from ui.uploaded_files import UploadedFiles
from ui.views import View

SECTION = re.compile(r"^## A query's way through the files$.*?^(?=## )", flags=re.MULTILINE | re.DOTALL)
FILE = re.compile(r"`((?:\w+/)+\w+\.py)`")
STATION = re.compile(r"^\| \d+ \| `([\w/]+\.py)` \| `(\w+)` \|", flags=re.MULTILINE)


@pytest.fixture
def searches(tmp_path):
    library = build(load_settings(data_dir=tmp_path, clip_model="small"))
    library.open()
    list(library.add([item(name, data) for name, data in samples().items()]))
    library.calibrate(wait=True)
    yield SearchHandlers(library, UploadedFiles(tmp_path))
    library.close()


def entered(call):
    """Returns the file and the function of everything of this project that a call enters, in order."""
    seen = []

    def note(frame, event, _):
        path = Path(frame.f_code.co_filename)
        if event == "call" and path.is_relative_to(ROOT):
            seen.append((path.relative_to(ROOT).as_posix(), frame.f_code.co_name))

    sys.setprofile(note)
    try:
        answer = call()
    finally:
        sys.setprofile(None)
    return answer, seen


def test_a_query_passes_the_files_that_are_written_down_in_their_order_and_no_others(searches):
    section = SECTION.search(read("docs/architecture.md"))[0]
    stations = STATION.findall(section)
    assert 10 <= len(stations) <= 15
    view = searches.in_box({"text": "a red circle"}, View())
    answer, seen = entered(lambda: searches.show(view, SETTINGS))
    assert answer["state"] == "results"
    rest = iter(seen)
    assert [station for station in stations if station not in rest] == []
    named = set(FILE.findall(section))
    assert {file for file, _ in seen if not file.startswith("tests/")} == named
    assert f"enters {len(named)} files" in section
