"""Files and folders of this machine as things to take in."""

import pytest

from db.sources import items_from


@pytest.fixture
def holiday(tmp_path):
    folder = tmp_path / "holiday"
    (folder / "2019").mkdir(parents=True)
    for name in ("2019/a.jpg", "b.png", "notes.txt", ".hidden.png"):
        (folder / name).write_bytes(name.encode())
    return folder


def sources(*paths):
    return sorted(item.source for item in items_from(paths) if not item.skip)


def test_a_source_begins_with_the_folder_that_was_named(holiday):
    assert sources(holiday) == ["holiday/2019/a.jpg", "holiday/b.png"]


def test_a_source_is_the_name_of_a_file_that_was_named(holiday):
    assert sources(holiday / "2019" / "a.jpg", holiday / "b.png") == ["a.jpg", "b.png"]


@pytest.mark.parametrize("named", [".", "../holiday", "2019/.."])
def test_however_a_folder_is_named_its_own_name_is_kept(holiday, monkeypatch, named):
    monkeypatch.chdir(holiday)
    assert sources(type(holiday)(named)) == ["holiday/2019/a.jpg", "holiday/b.png"]


def test_what_is_left_out_is_named_with_the_reason(holiday):
    left_out = {item.name: item.skip for item in items_from([holiday]) if item.skip}
    assert left_out == {".hidden.png": "A hidden file.", "notes.txt": "The name does not end like that of a picture."}


def test_a_file_is_read_where_it_lies(holiday):
    assert {item.read() for item in items_from([holiday]) if not item.skip} == {b"2019/a.jpg", b"b.png"}
