"""Checks that paths and addresses which nothing can have are refused in our own words, wherever they are given."""

import errno
import os

import pyarrow
import pytest

from db.sources.files import AllowedSources, items_from, read_query_picture
from db.sources.readers import SourceReader
from db.sources.tables.rows import open_table
from db.sources.watching import watched
from library.errors import InvalidQuery, LikenessError, RejectedImage, UnknownSource
from library.messages import message, render
from library.messages.reasons import OF_SYSTEM, reason_of

REFUSED = {
    "a\0b.jpg": r"a\\0b.jpg holds a NUL",
    "file:///x%00y.jpg": "holds a NUL",
    "\ud83d.jpg": "holds half of a character",
    "s3://": "names nothing after s3://",
    "S3:///folder": "names nothing after s3://",
    "https://": "names nothing after https://",
    "s3://a bucket/folder": "a bucket in s3://a bucket/folder cannot be the name of a bucket",
    "http://[::1/a.jpg": "no address of the web",
    "http://host:99999/a.jpg": "no address of the web",
    "nosuch://a": "nosuch:// is no kind of store",
    "github://a/b": "says too little",
}


@pytest.mark.parametrize(("place", "sentence"), REFUSED.items())
def test_a_place_that_nothing_can_have_is_refused_in_one_line(tmp_path, place, sentence):
    allowed = AllowedSources([str(tmp_path), "s3://", "http://", "nosuch://", "github://"])
    by_all = (
        lambda: list(items_from([place])),
        lambda: list(allowed.items(place)),
        lambda: SourceReader().read(place.replace("file:///x%00y", "/x\0y")),
    )
    for read in by_all:
        with pytest.raises(LikenessError, match=sentence) as refused:
            read()
        assert len(str(refused.value).splitlines()) == 1


def test_a_picture_to_search_with_and_a_folder_to_watch_are_checked_too():
    with pytest.raises(InvalidQuery, match="holds a NUL"):
        read_query_picture("a\0b.jpg")
    with pytest.raises(UnknownSource, match="names nothing after s3://"):
        watched("s3://")


def test_an_address_of_a_file_is_its_path(tmp_path):
    (tmp_path / "a b.jpg").touch()
    [item] = items_from([(tmp_path / "a b.jpg").as_uri()])
    assert item.path == str(tmp_path / "a b.jpg")


def test_a_date_that_no_calendar_has_names_its_column(tmp_path):
    days = pyarrow.array([2**31 - 1, 5], pyarrow.int32()).cast(pyarrow.date32())
    pyarrow.parquet.write_table(pyarrow.table({"filepath": ["a", "b"], "day": days}), tmp_path / "a.parquet")
    bad, good = open_table(tmp_path / "a.parquet").rows()
    assert isinstance(bad, RejectedImage) and "The column day holds a date" in str(bad)
    assert good["filepath"] == "b"


@pytest.mark.parametrize(
    ("data", "sentence"), [(b"", "The file is empty"), (b"<html>", "no Parquet"), (b"PAR1 and no more", "damaged")]
)
def test_what_is_no_table_of_parquet_is_called_what_it_is(tmp_path, data, sentence):
    (tmp_path / "a.parquet").write_bytes(data)
    with pytest.raises(UnknownSource, match=sentence):
        open_table(tmp_path / "a.parquet")


def test_bytes_after_the_last_character_of_utf_16_are_a_row_of_their_own(tmp_path):
    (tmp_path / "a.csv").write_bytes("filepath\na.jpg\n".encode("utf-16") + b"a")
    assert [row["filepath"] for row in open_table(tmp_path / "a.csv").rows()] == ["a.jpg", "\udc61"]


def test_an_encoding_that_is_none_for_tables_or_not_that_of_the_table_is_refused(tmp_path):
    (tmp_path / "a.csv").write_bytes(b"filepath\na.jpg\n")
    for encoding in ("idna", "base64", "undefined", "nosuch"):
        with pytest.raises(UnknownSource, match=f"There is no encoding {encoding} for tables"):
            open_table(tmp_path / "a.csv", encoding)
    with pytest.raises(UnknownSource, match="not in the encoding that it was read in"):
        open_table(tmp_path / "a.csv", "utf-16")


def test_a_reason_is_one_line_and_a_sentence_has_one_full_stop():
    assert str(reason_of(OSError("[Errno -2] Name or service not known"))) == "Name or service not known"
    assert reason_of(ValueError("Something is wrong.\nRead this and that.")) == "Something is wrong"
    assert str(reason_of(FileNotFoundError())) == "No such file or directory"
    assert str(message("shard_not_read", name="a", reason=message("gone"))).endswith("in the library.")


def test_what_the_system_says_is_told_in_the_language_of_the_reader():
    for number, known in OF_SYSTEM.items():
        said = os.strerror(number)
        assert reason_of(OSError(number, said, "a.jpg")) == reason_of(OSError(f"[Errno {number}] {said}")) == known
        assert str(known) == said or number == errno.ENXIO  # of which the system says no such address
    told = message("file_unreadable", problem=reason_of(FileNotFoundError(2, os.strerror(2), "a.jpg")))
    assert "파일이나 폴더가 없습니다. " in render(told, "ko") and "沒有這個檔案或資料夾。" in render(told, "zh-TW")
    assert reason_of(OSError(errno.EUCLEAN, "Structure needs cleaning")) == "Structure needs cleaning"


def test_an_empty_text_is_no_picture_to_search_with():
    with pytest.raises(InvalidQuery, match="One picture of the query is an empty text"):
        read_query_picture(" ")
