"""Combines texts and pictures, and runs many queries at once, on fakes and on Milvus Lite."""

from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from db.milvus.database import Milvus
from library.errors import InvalidQuery, RejectedImage, UnknownPicture
from library.image_library import ImageLibrary
from library.images import content_id
from library.messages import Message
from library.search.batch import AT_ONCE, BatchQuery
from library.search.parts import Crop, LibraryPart, PicturePart, TextPart
from library.search.query import Query
from testing.fakes import ColourEncoder, MemoryDatabase, ready
from testing.pictures import ids, item

COLOURS = ("red", "green", "blue", "#ffff00", "#00ffff", "#ff00ff")


@pytest.fixture(params=["fake", "Lite"])
def database(request, tmp_path):
    database = MemoryDatabase() if request.param == "fake" else Milvus(tmp_path / "milvus.db")
    yield database
    database.close()


@pytest.fixture
def empty(store, database):
    return ImageLibrary(store, ready(ColourEncoder()), database)


@pytest.fixture
def colours(empty, picture):
    """Returns a library; `found(*parts)` gives names."""
    list(empty.add([item(f"{colour}.png", picture(colour)) for colour in COLOURS]))
    return empty


def found(library, *parts, **options):
    return [hit.record.name for hit in library.search(Query(parts, **options)).hits]


def answers(library, *asked, **options):
    return list(library.searcher.search_many(asked, Query(**options)))


# Texts and pictures combined


def test_a_negative_part_moves_what_it_names_to_the_end(colours):
    assert found(colours, TextPart("red"), TextPart("green", 0.9))[0] == "#ffff00.png"
    less = found(colours, TextPart("red"), TextPart("green", 0.9), TextPart("green", -0.8))
    assert less[0] == "red.png"
    assert found(colours, TextPart("red"), TextPart("green", -1))[-1] == "green.png"


def test_texts_and_pictures_of_every_kind_go_together(colours, picture):
    parts = [TextPart("red"), PicturePart(picture("green")), LibraryPart(content_id(picture("blue")), -0.2)]
    answer = colours.search(Query(tuple(parts)))
    assert answer.hits[0].record.name == "#ffff00.png"
    expected = np.float32([1, 1, -0.2]) @ np.float32([1, 1, 0]) / (np.sqrt(2.04) * np.sqrt(2))
    assert answer.hits[0].score == pytest.approx(expected, abs=0.01)


def test_pictures_of_the_library_that_are_parts_are_left_out(colours, picture):
    red, green = (content_id(picture(colour)) for colour in ("red", "green"))
    answer = colours.search(Query((LibraryPart(red), LibraryPart(green, -0.1), LibraryPart(red, 0.5)), limit=4))
    assert [record.content_id for record in answer.pictures] == [red, green]
    assert len(answer.hits) == 4
    assert not {red, green} & set(ids(answer.hits))


def test_a_crop_searches_with_what_it_shows(colours, picture):
    half = Image.new("RGB", (40, 40), (255, 0, 0))
    half.paste((0, 0, 255), (20, 0, 40, 40))
    buffer = BytesIO()
    half.save(buffer, "PNG")
    [receipt] = colours.add([item("half.png", buffer.getvalue())])
    left, right = Crop(0, 0, 0.5, 1), Crop(0.5, 0, 0.5, 1)
    assert found(colours, PicturePart(buffer.getvalue(), crop=left))[0] == "red.png"
    assert found(colours, LibraryPart(receipt.content_id, crop=right))[0] == "blue.png"
    assert "half.png" not in found(colours, LibraryPart(receipt.content_id, crop=right))


def test_a_library_picture_that_is_not_there_is_told(colours):
    with pytest.raises(UnknownPicture, match="no longer in the library"):
        found(colours, TextPart("red"), LibraryPart("0" * 64))


def test_of_several_pictures_the_bad_one_is_named(colours, picture):
    with pytest.raises(RejectedImage, match=r"^notes\.txt: .*not a picture"):
        found(colours, PicturePart(picture("red"), name="red.png"), PicturePart(b"text", name="notes.txt"))


def test_parts_that_cancel_each_other_out_are_told(colours):
    with pytest.raises(InvalidQuery, match="cancel each other out"):
        found(colours, TextPart("red"), TextPart("red", -1))


def test_more_results_than_pictures_gives_them_all(colours, picture):
    assert len(found(colours, TextPart("red"), limit=200)) == len(COLOURS)
    assert len(found(colours, LibraryPart(content_id(picture("red"))), limit=200)) == len(COLOURS) - 1


def test_an_empty_collection_has_no_results(empty):
    assert found(empty, TextPart("red"), TextPart("blue", -0.5)) == []
    assert [answer.hits for answer in answers(empty, BatchQuery("red", "red"))] == [[]]


# Many queries


def test_many_queries_get_the_answers_that_each_alone_would_get(colours, picture):
    # Of no two pictures are any of these equally far.
    pictures = [picture((3 * number % 256, 7 * number + 1, 255 - 2 * number)) for number in range(30)]
    asked = [BatchQuery(str(number), picture=lambda data=data: data) for number, data in enumerate(pictures)]
    for exact in (False, True):
        together = answers(colours, *asked, limit=3, exact=exact)
        alone = [colours.search(Query.of(image=data, limit=3, exact=exact)).hits for data in pictures]
        assert [answer.name for answer in together] == [each.name for each in asked]
        assert [ids(answer.hits) for answer in together] == [ids(hits) for hits in alone]


def test_a_bad_query_gets_its_sentence_and_the_rest_is_answered(colours, picture):
    def gone():
        raise FileNotFoundError(2, "No such file or directory")

    first, *bad, both, last = answers(
        colours,
        BatchQuery("red", "red"),
        BatchQuery("gone", picture=gone),
        BatchQuery("broken", picture=lambda: b"text"),
        BatchQuery("nothing"),
        BatchQuery("known", problem=Message("row_without_query"), note=Message("text_cut")),
        BatchQuery("half", "red \ud83d", lambda: picture("blue")),
        BatchQuery("both", "red", lambda: picture("blue")),
        BatchQuery("blue", picture=lambda: picture("blue")),
    )
    assert [str(answer.problem) for answer in bad[:1]] == [
        "The file cannot be read: No such file or directory. Check that it is there and may be read, then try again."
    ]
    assert "not a picture" in str(bad[1].problem) and "neither" in str(bad[2].problem)
    assert (bad[3].problem, bad[3].notes) == (Message("row_without_query"), [Message("text_cut")])
    assert bad[4].problem == Message("half_a_character")
    assert [answer.hits[0].record.name for answer in (first, both, last)] == ["red.png", "#ff00ff.png", "blue.png"]
    assert not any(answer.hits for answer in bad)


def test_few_calls_answer_many_queries(colours, database):
    collection = database.collection(ColourEncoder.info)
    calls = []
    with collection.loaded() as index:
        real = type(index).search_many

        def counted(self, vectors, *options):
            calls.append(len(vectors))
            return real(self, vectors, *options)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(type(index), "search_many", counted)
            answers(colours, *(BatchQuery(str(number), "red") for number in range(2 * AT_ONCE + 1)))
    assert calls == [AT_ONCE, AT_ONCE, 1]


def test_stopping_ends_after_the_queries_in_hand(colours):
    endless = (BatchQuery("red", "red") for _ in iter(int, 1))
    seen = []
    for answer in colours.searcher.search_many(endless, Query(), lambda: bool(seen)):
        seen.append(answer)
    assert len(seen) == AT_ONCE


def test_a_low_score_is_left_out_of_many_answers_too(colours):
    [answer] = answers(colours, BatchQuery("red", "red"), min_score=0.9)
    assert [hit.record.name for hit in answer.hits] == ["red.png"]


def test_a_text_that_is_cut_is_told_for_its_query_alone(colours):
    cut, whole = answers(colours, BatchQuery("long", "red " * 9), BatchQuery("short", "red"))
    assert cut.notes and not whole.notes
