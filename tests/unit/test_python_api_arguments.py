"""Holds that a bad argument of the Python API ends in one sentence that names it, before anything is done."""

import inspect
import json
import math
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import app
from library.errors import (
    InvalidContentId,
    InvalidFilter,
    InvalidPack,
    InvalidQuery,
    InvalidSelection,
    LibraryClosed,
    LikenessError,
    RejectedImage,
    UnknownSource,
)
from library.ingest.items import Item
from library.search.filters import Condition, Filter
from library.search.parts import LibraryPart, PicturePart, TextPart
from library.search.query import Query
from python_api.library import Library
from settings import Settings, SettingsError
from testing.pictures import item

ID = "0" * 64
ENDLESS = []
ENDLESS.append(ENDLESS)
NESTED = "a.png"
for _ in range(5000):
    NESTED = [NESTED]
CLOSED = Image.new("RGB", (4, 4))
CLOSED.close()
BAD = [5, 2.5, "x", "", None, object(), [object()], math.nan, True, -1, b"x", {"a": 1}, 10**5000, np.zeros(2), "a\0b"]


@pytest.fixture
def opened(library, picture):
    with Library(library) as opened:
        opened.add([item(f"{colour}.png", picture(colour)) for colour in ("red", "green", "blue")])
        yield opened


def one_sentence(error):
    text = str(error.value)
    return text.endswith(".") and "\n" not in text and "--" not in text and len(text) < 300


CALLS = [
    # The call, its positional and its named arguments, the error, and what the sentence says.
    ("add", [5], {}, UnknownSource, "pictures=5 is not possible: a path, a URL, a picture of Pillow"),
    ("add", [None], {}, UnknownSource, "pictures=None"),
    ("add", [""], {}, UnknownSource, "pictures=''"),
    ("add", [["", "a"]], {}, UnknownSource, "pictures[0]=''"),
    ("add", ["~nobody-of-this-name/x"], {}, UnknownSource, "pictures='~nobody"),
    ("add", ["github://x/y"], {}, LikenessError, "github://x/y says too little: github wants"),
    ("add", ["a\0b"], {}, UnknownSource, "pictures='a"),
    ("add", ["a" * 5000], {}, UnknownSource, "cannot be read: File name too long."),
    ("add", [{"a": 1}], {}, UnknownSource, "pictures={'a': 1}"),
    ("add", [NESTED], {}, UnknownSource, "is not possible"),
    ("add", [[[5]]], {}, UnknownSource, "pictures[0][0]=5"),
    ("add", [(each for each in [5])], {}, UnknownSource, "pictures[0]=5"),
    ("add", [ID], {"metadata": "x"}, InvalidSelection, "metadata='x' is not possible: a mapping"),
    ("add", [ID], {"metadata": []}, InvalidSelection, "metadata=[] is not possible"),
    ("add", [ID], {"metadata": {"a": {1}}}, InvalidSelection, "metadata['a']={1} is not possible: what JSON holds"),
    ("add", [ID], {"metadata": {"a": math.nan}}, InvalidSelection, "metadata['a']=nan"),
    ("add", [ID], {"metadata": {"a": np.int64(5)}}, InvalidSelection, "metadata['a']="),
    ("add", [ID], {"metadata": {"a": 2**63}}, InvalidSelection, "finite numbers of 64 bits"),
    ("add", [ID], {"metadata": {"a": json.loads("[" * 500 + "]" * 500)}}, InvalidSelection, "metadata['a']=[["),
    (
        "add",
        [ID],
        {"metadata": {"a": "\ud800"}},
        InvalidSelection,
        r"metadata['a']='\ud800' is not possible: a text without NUL and",
    ),
    ("add", [ID], {"metadata": {"a": ENDLESS}}, InvalidSelection, "metadata['a']=[["),
    ("add", [ID], {"metadata": {5: "a"}}, InvalidSelection, "a name in metadata=5 is not possible: a text"),
    ("add", [Item("a", "a", bytes, metadata={"a": {1}})], {}, InvalidSelection, "pictures.metadata['a']={1}"),
    ("add", [ID], {"limit": -1}, InvalidSelection, "limit=-1 is not possible: a whole number of 1 or more"),
    ("add", [ID], {"limit": 0}, InvalidSelection, "limit=0"),
    ("add", [ID], {"limit": 2.5}, InvalidSelection, "limit=2.5"),
    ("add", [ID], {"in_place": "no"}, InvalidSelection, "in_place='no' is not possible: True or False"),
    ("add", [ID], {"dry_run": 1}, InvalidSelection, "dry_run=1"),
    ("add", [ID], {"progress": "x"}, InvalidSelection, "progress='x'"),
    ("add", [ID], {"near_duplicates": "nope"}, InvalidSelection, "one of 'take', 'note', 'skip'"),
    ("add", [ID], {"near_duplicates": "skip", "dry_run": True}, InvalidSelection, "does not go with dry_run=True"),
    ("add", [ID], {"image_column": 5}, InvalidSelection, "image_column=5 is not possible: a text"),
    ("add", [ID], {"name": b"x"}, InvalidSelection, "name=b'x'"),
    ("search", [5], {}, InvalidQuery, "query=5 is not possible: a text, a Path, a picture of Pillow"),
    ("search", [[]], {}, InvalidQuery, "Describe a picture"),
    ("search", [["a", None]], {}, InvalidQuery, "query[1]=None"),
    ("search", [[("a", 1), (5, 1)]], {}, InvalidQuery, "query[1][0]=5"),
    ("search", [("a", 101)], {}, InvalidQuery, "The weight 101 is not possible: -100 to 100 are, but not 0."),
    ("search", [("a", math.nan)], {}, InvalidQuery, "The weight nan is not possible"),
    ("search", [("a", 0)], {}, InvalidQuery, "The weight 0 is not possible"),
    ("search", [Path("/")], {}, InvalidQuery, "/ is a folder. Search with one picture, or a list of pictures."),
    ("search", [np.zeros(5)], {}, RejectedImage, "An array of shape (5,) is no picture"),
    ("search", [np.full((2, 2), "x")], {}, RejectedImage, "An array of <U1 is no picture"),
    ("search", [CLOSED], {}, RejectedImage, "cannot be decoded"),
    ("search", ["a"], {"limit": 2.5}, InvalidQuery, "The limit has to be a whole number, not 2.5."),
    ("search", ["a"], {"limit": True}, InvalidQuery, "The limit has to be a number, not true."),
    ("search", ["a"], {"limit": 201}, InvalidQuery, "The limit is 201: 1 to 200 results are possible."),
    ("search", ["a"], {"offset": -1}, InvalidQuery, "The offset is -1: 0 or more is possible."),
    ("search", ["a"], {"offset": 16_384}, InvalidQuery, "Only the best 16,384 results"),
    ("search", ["a"], {"limit": 10**5000}, InvalidQuery, "The limit is ≈10^5000: 1 to 200"),
    ("search", ["a"], {"offset": 10**30}, InvalidQuery, "Only the best 16,384 results"),
    ("search", ["a"], {"offset": math.inf}, InvalidQuery, "The offset is a number of more than 308 digits"),
    ("search", [("a", 10**5000)], {}, InvalidQuery, "The weight ≈10^5000 is not possible"),
    ("search", ["\ud83d"], {}, InvalidQuery, "holds half of a character"),
    ("export", ["\ud83d"], {}, InvalidSelection, "folder="),
    ("search", ["a"], {"where": "name=\ud83d"}, InvalidFilter, "half of a character"),
    ("search", ["a"], {"min_score": "a"}, InvalidQuery, "The minimum score has to be a number"),
    ("search", ["a"], {"min_score": math.nan}, InvalidQuery, "The minimum score has to be a number, not nan."),
    ("search", ["a"], {"nprobe": "x"}, InvalidQuery, "nprobe has to be a number"),
    ("search", ["a"], {"exact": "maybe"}, InvalidQuery, "exact has to be true or false, not"),
    ("search", ["a"], {"sort": 5}, InvalidQuery, "Sorting by 5 is not possible: score, name, added, size are."),
    ("search", ["a"], {"model": 5}, InvalidQuery, "The model has to be a text, not 5."),
    ("search", ["a"], {"match": "x"}, InvalidFilter, "'x' is not possible: all or any of the conditions match."),
    ("search", ["a"], {"where": 5}, InvalidFilter, "where=5 is not possible: a condition such as"),
    ("search", ["a"], {"where": [5]}, InvalidFilter, "where[0]=5"),
    (
        "search",
        ["a"],
        {"where": "nonsense"},
        InvalidFilter,
        "'nonsense' is not a condition: write where=\"width>=1000\"",
    ),
    ("pictures", [], {"where": {"width": 5}}, InvalidFilter, "where={'width': 5}"),
    ("pictures", [], {"limit": 0}, InvalidQuery, "limit=0 is not possible: a whole number of 1 or more"),
    ("pictures", [], {"limit": math.inf}, InvalidQuery, "limit=inf"),
    ("pictures", [], {"offset": "x"}, InvalidQuery, "offset='x' is not possible: a whole number of 0 or more"),
    ("pictures", [], {"sort": "colour"}, InvalidQuery, "sort='colour'"),
    ("delete", [None], {}, InvalidSelection, "pictures=None is not possible: a hit, a content ID, or a list"),
    ("delete", [[5]], {}, InvalidSelection, "pictures[0]=5"),
    ("delete", ["x"], {}, InvalidContentId, "'x' is not a content ID"),
    ("duplicates", ["x"], {}, InvalidQuery, "The threshold 'x' is not possible: a similarity above 0, at most 1"),
    ("duplicates", [0], {}, InvalidQuery, "The threshold 0 is not possible"),
    ("reindex", [5], {}, InvalidSelection, "model=5 is not possible: a text"),
    ("reindex", [], {"progress": None}, InvalidSelection, "progress=None"),
    ("export", [5], {}, InvalidSelection, "folder=5 is not possible: the path of a folder"),
    ("export", [""], {}, InvalidSelection, "folder=''"),
    ("export", ["pack"], {"originals": "yes"}, InvalidSelection, "originals='yes'"),
    ("import_pack", [None], {}, InvalidSelection, "folder=None"),
    ("import_pack", ["a" * 5000], {}, InvalidPack, "cannot be read: File name too long."),
    ("import_pack", ["pack"], {"progress": 1}, InvalidSelection, "progress=1"),
]


@pytest.mark.parametrize(("call", "given", "named", "kind", "told"), CALLS)
def test_a_bad_argument_is_named_in_one_sentence_and_changes_nothing(
    opened, call, given, named, kind, told, monkeypatch, tmp_path
):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(kind) as raised:
        getattr(opened, call)(*given, **named)
    assert told in str(raised.value) and one_sentence(raised)
    assert len(opened) == 3 and not list(tmp_path.iterdir())


def defaults_and_parameters():
    """Yields every argument of every call that takes any, with what else has to be given."""
    needed = {"add": [b""], "search": ["red"], "delete": [[]], "export": ["pack"], "import_pack": ["pack"]}
    for call in ("add", "search", "pictures", "delete", "duplicates", "reindex", "export", "import_pack"):
        for place, name in enumerate(list(inspect.signature(getattr(Library, call)).parameters)[1:]):
            yield call, [] if place == 0 and call in needed else needed.get(call, []), name


@pytest.mark.parametrize(("call", "given", "name"), [*defaults_and_parameters()])
def test_any_argument_works_or_is_refused(opened, call, given, name, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    for value in BAD:
        try:
            getattr(opened, call)(*given, **{name: value})
        except LikenessError as error:
            assert "\n" not in str(error) and "--" not in str(error), value


def test_numbers_and_truths_of_numpy_are_taken(opened):
    found = opened.search(("red", np.float32(0.5)), limit=np.int64(1), exact=np.bool_(True), min_score=np.float32(0.1))
    assert [hit.name for hit in found] == ["red.png"]
    assert len(opened.duplicates(np.float32(1))) == 0


def test_a_weight_may_be_any_number_but_no_truth(opened):
    with pytest.raises(InvalidQuery, match=r"query\[1\]=True"):
        opened.search(("red", True))


def test_what_a_generator_brought_before_its_mistake_is_kept(opened, picture):
    with pytest.raises(UnknownSource, match=r"pictures\[1\]=5"):
        opened.add(each for each in (picture("white"), 5))
    assert len(opened) == 4


def test_metadata_are_kept_as_json_has_them(opened, picture):
    opened.add(picture("white"), name="white.png", metadata={"sizes": (1, 2), "none": None})
    [white] = opened.search("red", where="name=white.png")
    assert dict(white.metadata) == {"sizes": [1, 2]}


def test_a_mistake_of_the_program_keeps_its_traceback(opened, monkeypatch):
    def broken(*_):
        raise TypeError("a bug")

    monkeypatch.setattr(type(opened._library), "search", broken)
    with pytest.raises(TypeError, match="a bug"):
        opened.search("red")


def test_hits_are_indexed_as_lists_are(opened):
    hits = opened.search("red")
    assert hits[-1] == list(hits)[-1]
    with pytest.raises(IndexError):
        hits[3]
    with pytest.raises(TypeError):
        hits["red"]


def test_what_is_no_content_id_is_in_no_library(opened):
    assert not any(each in opened for each in (5, None, "x", "../x", "a\0b", [], ID))


@pytest.mark.parametrize("call", ["add", "search", "pictures", "duplicates", "delete", "reindex", "export", "status"])
def test_a_closed_library_says_so_whatever_is_asked(library, call):
    opened = Library(library)
    opened.close()
    needed = ["red"] if call in ("add", "search", "delete", "export") else []
    with pytest.raises(LibraryClosed, match=r"is closed. Open it again with open_library\(\)"):
        getattr(opened, call)(*needed)


@pytest.mark.parametrize(
    ("make", "kind"),
    [
        (lambda: Query(parts=5), InvalidQuery),
        (lambda: Query((5,)), InvalidQuery),
        (lambda: Query(limit="a"), InvalidQuery),
        (lambda: Query(limit=2.5), InvalidQuery),
        (lambda: Query(offset=-1), InvalidQuery),
        (lambda: Query(nprobe="x"), InvalidQuery),
        (lambda: Query(min_score=None), InvalidQuery),
        (lambda: Query(exact="maybe"), InvalidQuery),
        (lambda: Query(model=5), InvalidQuery),
        (lambda: Query(order=np.zeros(2)), InvalidQuery),
        (lambda: Query(where=5), InvalidFilter),
        (lambda: Filter(5), InvalidFilter),
        (lambda: Filter([5]), InvalidFilter),
        (lambda: Filter([Condition("name", "=", "a")], 5), InvalidFilter),
        (lambda: Condition("name", [], "a"), InvalidFilter),
        (lambda: TextPart(5), InvalidQuery),
        (lambda: TextPart("a", "1"), InvalidQuery),
        (lambda: PicturePart(b"", 1, 5), InvalidQuery),
        (lambda: LibraryPart(5), InvalidContentId),
    ],
)
def test_queries_and_filters_of_ones_own_are_checked_as_they_are_made(make, kind):
    with pytest.raises(kind) as raised:
        make()
    assert one_sentence(raised)


def test_an_offset_below_zero_has_a_sentence_of_its_own():
    with pytest.raises(InvalidQuery, match=r"The offset is -1: 0 or more is possible\."):
        Query(offset=-1)


# Settings


@pytest.mark.parametrize("name", Settings.model_fields)
def test_a_setting_of_a_wrong_type_is_a_wrong_setting(name, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(app, "build", lambda *_: pytest.fail("built"))
    for value in (object(), [object()], {"a": 1}, b"x", math.nan, -1.5, ["a", 5], "a\0b", 10**5000):
        with pytest.raises(SettingsError) as raised:
            app.open_library(**{name: value})
        assert str(raised.value).startswith(name.upper()) and one_sentence(raised)
        assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"clip_model": 5}, "CLIP_MODEL=5 is not possible: the name of a model, or a folder with one, is expected."),
        ({"clip_model": ""}, "CLIP_MODEL= is not possible"),
        ({"data_dir": ""}, "DATA_DIR= is not possible: a folder (a path, in UTF-8) that can be created"),
        ({"milvus_db": True}, "MILVUS_DB=True is not possible: a text is expected."),
        ({"gradio_server_port": True}, "GRADIO_SERVER_PORT=True is not possible: a port from 1 to 65535 is expected."),
        ({"milvus_token": 12345}, "MILVUS_TOKEN is not possible: a text is expected."),
        ({"settings": "photos"}, "settings='photos' is not possible: a Settings object, or single settings"),
        ({"settings": 0}, "settings=0 is not possible"),
    ],
)
def test_a_wrong_setting_says_what_is_expected(given, told, monkeypatch):
    monkeypatch.setattr(app, "build", lambda *_: pytest.fail("built"))
    with pytest.raises(SettingsError) as raised:
        app.open_library(**given)
    assert str(raised.value).startswith(told) and one_sentence(raised)
