"""Reads what was left at its source from there again, from every kind of source."""

import tarfile
import zipfile

import fsspec
import pytest

from db.sources.files import items_from
from db.sources.readers import SourceReader
from library.errors import RejectedImage


@pytest.fixture
def album(tmp_path):
    folder = tmp_path / "album"
    (folder / "2019").mkdir(parents=True)
    (folder / "2019" / "a.jpg").write_bytes(b"a")
    return folder


def zipped(album):
    with zipfile.ZipFile(album.with_suffix(".zip"), "w") as archive:
        archive.write(album / "2019" / "a.jpg", "2019/a.jpg")
    return album.with_suffix(".zip")


def packed(album):
    with tarfile.open(album.with_suffix(".tar.gz"), "w:gz") as archive:
        archive.add(album / "2019" / "a.jpg", "2019/a.jpg")
    return album.with_suffix(".tar.gz")


def reads_again(*sources, table=None):
    [item] = [item for item in items_from(sources, table, "filepath") if not item.skip]
    return item.read() == SourceReader().read(item.original_at) == b"a"


@pytest.mark.parametrize("made", [lambda album: album, zipped, packed], ids=["folder", "zip", "tar"])
def test_from_a_folder_and_from_an_archive_however_they_were_named(album, made, monkeypatch):
    source = made(album)
    assert reads_again(str(source))
    monkeypatch.chdir(source.parent)
    [item] = [item for item in items_from([source.name]) if not item.skip]
    monkeypatch.chdir("/")
    assert SourceReader().read(item.original_at) == b"a"


@pytest.mark.parametrize("name", ["album", "album.zip"])
def test_from_a_bucket_and_from_an_archive_in_it(album, bucket, name):
    zipped(album)
    fsspec.filesystem("s3", skip_instance_cache=True).put(str(album.parent / name), f"{bucket}/{name}", recursive=True)
    assert reads_again(f"{bucket}/{name}")


def test_from_the_place_that_a_table_names(album):
    table = album.parent / "photos.csv"
    table.write_text("filepath\nalbum/2019/a.jpg\n")
    assert reads_again(table=table)


def test_a_table_may_name_files_within_archives(album):
    zipped(album)
    table = album.parent / "photos.csv"
    table.write_text("filepath\nalbum.zip/2019/a.jpg\n")
    assert reads_again(table=table)


def test_a_folder_may_be_named_like_an_archive(album):
    assert reads_again(str(album.rename(album.with_suffix(".zip"))))


def test_a_device_is_not_read():
    with pytest.raises(RejectedImage, match="not a file"):
        SourceReader().read("/dev/zero")


@pytest.mark.parametrize("place", ["nowhere.jpg", "album.zip/2020/b.jpg", "nowhere.zip/a.jpg"])
def test_what_is_gone_is_an_error_of_the_file_system(album, place):
    zipped(album)
    with pytest.raises(OSError):
        SourceReader().read(str(album.parent / place))
