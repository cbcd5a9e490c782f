"""Taking in from places of the server through the page's controls."""

import pytest

from db.places import Places
from db.run_log import RunLog
from db.sources import AllowedSources
from library.image_library import ImageLibrary
from library.images import content_id
from library.runs import Worker
from tests.fakes import ColourEncoder, ready
from ui.handlers import NO_RUN, Handlers


@pytest.fixture
def archive(tmp_path, picture):
    folder = tmp_path / "archive"
    folder.mkdir()
    for colour in ("red", "blue"):
        (folder / f"{colour}.png").write_bytes(picture(colour))
    return folder


@pytest.fixture
def at_rights(store, database, archive, tmp_path):
    """Handlers of an app that allows the archive, by EDITS."""
    library = ImageLibrary(store, ready(ColourEncoder()), database, Places().read, RunLog(tmp_path / "runs.jsonl"))
    worker = Worker(library)
    yield lambda edits: Handlers(library, worker, edits, tmp_path / "uploads", AllowedSources([str(archive)]))
    worker.close()


def ended(handlers, run_id):
    assert handlers._worker.find(run_id).over.wait(20)
    return handlers.follow(run_id)[0]


@pytest.mark.parametrize("in_place", [False, True])
def test_an_allowed_folder_is_taken_in_copied_or_left_in_place(at_rights, store, archive, picture, in_place):
    handlers = at_rights("all")
    shown, run_id = handlers.add_from_server({"source": str(archive), "in_place": in_place})
    assert shown["total"] is None
    value = ended(handlers, run_id)
    assert (value["state"], value["counts"]["new"], value["source"]) == ("done", 2, "archive")
    assert (store._pictures[content_id(picture("red"))][1] is None) == in_place
    [past] = handlers.past_runs()["runs"]
    assert (past["source"], past["outcome"], past["counts"]) == ("archive", "done", {"new": 2})


@pytest.mark.parametrize("edits", ["add", "none"])
def test_it_needs_the_right_to_change_everything(at_rights, archive, edits):
    handlers = at_rights(edits)
    shown, run_id = handlers.add_from_server({"source": str(archive)})
    assert (shown["state"], shown["title"], run_id) == ("error", "This is not allowed here", None)
    assert handlers.follow(None) == (NO_RUN, None)


@pytest.mark.parametrize("data", [{"source": "/etc"}, {"source": "nowhere\0"}, {"source": ["x"]}, {}, None, "x", 5])
def test_anything_else_is_one_sentence(at_rights, data):
    shown, run_id = at_rights("all").add_from_server(data)
    assert (shown["state"], run_id) == ("error", None)
    assert "SOURCES_ALLOWED" in shown["detail"] or "No place is named" in shown["detail"]


def test_a_place_that_is_not_there_is_named(at_rights, archive):
    shown, _ = at_rights("all").add_from_server({"source": str(archive / "2020")})
    assert shown["detail"] == f"There is no file or folder {archive / '2020'}."
