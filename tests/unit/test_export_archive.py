"""Checks originals as a zip: its names, what is missing, and how much of it is in memory."""

import tracemalloc
import unicodedata
from dataclasses import replace
from io import BytesIO
from pathlib import PurePath
from zipfile import ZIP_STORED, ZipFile

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from library.decoding.formats import IMAGE_SUFFIXES
from library.errors import OriginalAway, StoreUnavailable, UnknownPicture
from library.exports.archive import MISSING, safe_names, zipped
from library.messages import table
from testing.pictures import record

DEVICES = {"con", "prn", "aux", "nul", "com1", "lpt9"}


def named(*names):
    return [replace(record(number), name=name) for number, name in enumerate(names)]


def opened(records, original, gone=()):
    return ZipFile(BytesIO(b"".join(zipped(records, original, gone))))


def bytes_of(id):
    return id.encode() * 3


@given(st.lists(st.text(st.characters(exclude_categories=()), max_size=300), max_size=12))
@example(["a.png", "A.PNG", "a.png", "a (2).png", "MISSING.txt", "missing.TXT"])
@example(["..", ".", "", "/", "\\", "../../etc/passwd", "C:\\x.png", "a\u202egnp.exe"])
@example(["con.png", "NUL", "com1.tar.png", "CON", "aux .png"])
@example(["é.png", "e\u0301.png", "ﬁ.png", "fi.png", "ß.png", "ss.png", "x" * 300 + ".png", "😀" * 100])
def test_every_name_can_be_unpacked_beside_the_others_on_every_system(names):
    safe = safe_names(named(*names))
    assert len(safe) == len(names)
    folded = [unicodedata.normalize("NFC", name).casefold() for name in [*safe, MISSING]]
    assert len(set(folded)) == len(folded)
    for name in safe:
        assert PurePath(name).suffix.lower() in IMAGE_SUFFIXES
        assert not set(name) & set('<>:"/\\|?*')
        assert not {unicodedata.category(char) for char in name} & {"Cc", "Cf", "Cs", "Zl", "Zp"}
        assert name[0] not in ". " and len(name.encode()) <= 255
        assert name.lower().partition(".")[0].strip() not in DEVICES


@given(st.lists(st.text(max_size=40), max_size=8))
def test_what_goes_in_comes_out(names):
    records = named(*names)
    with opened(records, bytes_of) as file:
        assert file.testzip() is None
        assert [file.read(name) for name in file.namelist()] == [bytes_of(each.content_id) for each in records]


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("holiday.JPG", "holiday.JPG"),
        ("invoice.exe", "invoice.exe.png"),
        ("no suffix", "no suffix.png"),
        ("../up.png", "up.png"),
        ("a:b?.png", "a_b_.png"),
        ("con.png", "_con.png"),
        (".hidden.png", "hidden.png"),
        ("صورة.png", "صورة.png"),
    ],
)
def test_a_name_changes_no_more_than_it_has_to(name, safe):
    assert safe_names(named(name)) == [safe]


def test_equal_names_are_numbered():
    names = ["a.png", "a.png", "A.png", "a (2).png", "a.png"]
    assert safe_names(named(*names)) == ["a.png", "a (2).png", "A (3).png", "a (2) (2).png", "a (4).png"]


def test_many_equal_names_are_numbered_without_trying_each_number():
    assert safe_names(named(*["a.png"] * 2_000))[-1] == "a (2000).png"


def test_pictures_are_not_compressed_and_bear_the_time_they_were_added():
    with opened(named("a.png"), bytes_of) as file:
        [entry] = file.infolist()
    assert (entry.compress_type, entry.date_time) == (ZIP_STORED, (2026, 1, 1, 0, 0, 0))
    assert not entry.flag_bits & 0x08  # its size stands before it, for those that unpack as they read


def test_an_original_that_is_away_is_listed_and_fails_nothing():
    records = named("here.png", "away.png", "gone.png")

    def original(id):
        if id == records[1].content_id:
            raise OriginalAway("The original can no longer be read at its source, holiday.")
        if id == records[2].content_id:
            raise UnknownPicture("This picture is no longer in the library.")
        return bytes_of(id)

    with opened(records, original, ["f" * 64]) as file:
        assert file.namelist() == ["here.png", MISSING]
        lines = file.read(MISSING).decode().splitlines()
    assert lines[0] == "These pictures are not in this zip:"
    assert lines[1].startswith("f" * 64)
    assert lines[2].startswith("away.png, ") and lines[2].endswith("no longer be read at its source, holiday.")
    assert lines[3].startswith("gone.png, ")


def test_what_is_missing_is_said_in_the_language_of_the_page():
    data = b"".join(zipped([], bytes_of, ["f" * 64], "ko"))
    lines = ZipFile(BytesIO(data)).read(MISSING).decode().splitlines()
    assert lines == [table("ko")["zip_lacks"], f"{'f' * 64}: {table('ko')['gone']}"]


def test_a_store_that_fails_breaks_off_what_would_look_whole():
    def original(id):
        raise StoreUnavailable("The image store failed.")

    with pytest.raises(StoreUnavailable):
        list(zipped(named("a.png"), original))


def test_one_picture_at_a_time_is_in_memory():
    def original(id):
        return bytes(5_000_000)

    tracemalloc.start()
    size = sum(map(len, zipped(named(*map(str, range(12))), original)))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert size > 60_000_000 and peak < 20_000_000
