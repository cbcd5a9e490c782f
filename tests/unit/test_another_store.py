"""Checks the warning where the image store and the search index do not hold the same pictures."""

import pytest

from commands.printing import note_none
from library.image_library import ImageLibrary
from library.search.parts import TextPart
from library.search.query import Query
from testing.fakes import ColourEncoder, MemoryDatabase, MemoryStore, ready
from testing.pictures import item
from ui.views import status_view


@pytest.fixture
def other(filled, database) -> ImageLibrary:
    """Returns a library over a new image store and the collection that another has filled."""
    return ImageLibrary(MemoryStore(), ready(ColourEncoder()), database)


def notes(library: ImageLibrary) -> list[str]:
    return [note.code for note in library.search(Query((TextPart("red"),))).notes]


def test_a_search_says_that_another_store_holds_what_it_finds(other):
    assert notes(other) == notes(other) == ["pictures_elsewhere"]


def test_a_search_over_its_own_store_says_nothing(library, filled):
    assert notes(library) == []


def test_the_status_counts_the_pictures_of_another_store(other, picture):
    assert status_view(other.status())["elsewhere"] == 3
    list(other.add([item("red.png", picture("red"))]))
    assert status_view(other.status())["elsewhere"] == 2


def test_a_library_of_its_own_has_none_elsewhere(library, filled):
    assert status_view(library.status())["elsewhere"] == 0


def test_pictures_that_the_index_lacks_are_told_with_what_to_do(store, filled, capsys):
    note_none(ImageLibrary(store, ready(ColourEncoder()), MemoryDatabase()).status(), 0)
    assert "3 pictures are stored and not in the index. Run `python app.py reindex`" in capsys.readouterr().err
