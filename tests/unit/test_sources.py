"""Imports files, folders, archives and buckets."""

import bz2
import gzip
import io
import lzma
import os
import socket
import tarfile
import zipfile
from functools import partial

import pytest

from db.sources.files import AllowedSources, items_from
from db.sources.readers import SourceReader
from db.sources.watching import watched
from library.decoding.archive_kinds import TAR_SUFFIXES
from library.errors import NotAllowed, RejectedImage, SourceUnavailable, UnknownSource, UnknownStore
from library.images import MAX_FILE_BYTES


@pytest.fixture
def holiday(tmp_path):
    folder = tmp_path / "holiday"
    (folder / "2019").mkdir(parents=True)
    for name in ("2019/a.jpg", "b.png", "notes.txt", ".hidden.png"):
        (folder / name).write_bytes(name.encode())
    return folder


def sources(*paths):
    return sorted(item.source for item in items_from([str(path) for path in paths]) if not item.skip)


def test_a_source_begins_with_the_folder_that_was_named(holiday):
    assert sources(holiday) == ["holiday/2019/a.jpg", "holiday/b.png"]


def test_a_source_is_the_name_of_a_file_that_was_named(holiday):
    assert sources(holiday / "2019" / "a.jpg", holiday / "b.png") == ["a.jpg", "b.png"]


@pytest.mark.parametrize("named", [".", "../holiday", "2019/.."])
def test_however_a_folder_is_named_its_own_name_is_kept(holiday, monkeypatch, named):
    monkeypatch.chdir(holiday)
    assert sources(type(holiday)(named)) == ["holiday/2019/a.jpg", "holiday/b.png"]


def test_what_is_left_out_is_named_with_the_reason(holiday):
    left_out = {item.name: str(item.skip) for item in items_from([str(holiday)]) if item.skip}
    assert left_out == {".hidden.png": "A hidden file.", "notes.txt": "The name does not end like that of a picture."}


def test_a_file_is_read_where_it_lies(holiday):
    assert {item.read() for item in items_from([str(holiday)]) if not item.skip} == {b"2019/a.jpg", b"b.png"}


def test_a_pattern_names_files_and_folders(holiday):
    assert sources(holiday / "*.png", holiday / "20*") == ["2019/a.jpg", "b.png"]
    assert sources(holiday / "**" / "*.jpg") == ["a.jpg"]


@pytest.mark.parametrize("source", ["nowhere", "~nobody-of-this-name/x"])
def test_a_source_that_is_not_there_is_named_before_anything_is_read(holiday, source, monkeypatch):
    monkeypatch.chdir(holiday)
    with pytest.raises(UnknownSource, match="There is no file or folder"):
        items_from([str(holiday), source])


def test_a_link_to_nothing_or_to_itself_is_called_that(holiday):
    (holiday / "self.png").symlink_to("self.png")
    (holiday / "dangling").symlink_to("nowhere")
    for source in map(str, (holiday / "self.png", holiday / "dangling")):
        for open_source in (lambda place: items_from([place]), watched):
            with pytest.raises(UnknownSource, match="is a link that leads nowhere, or back to itself"):
                open_source(source)


def test_links_in_a_circle_end(holiday):
    (holiday / "2019" / "back").symlink_to(holiday)
    (holiday / "loop.jpg").symlink_to(holiday / "loop.jpg")
    found = {item.source: item for item in items_from([str(holiday)])}
    assert {source for source, item in found.items() if not item.skip} == {"holiday/2019/a.jpg", "holiday/b.png"}
    assert str(found["holiday/loop.jpg"].skip) == "A link that leads nowhere."


def test_a_file_that_is_too_large_is_not_read(holiday):
    with (holiday / "huge.jpg").open("wb") as file:
        file.truncate(10 << 30)
    [item] = items_from([str(holiday / "huge.jpg")])
    with pytest.raises(RejectedImage, match="10,737 MB: 256 MB is the most"):
        item.read()


def test_a_name_that_is_not_utf8_is_taken_as_it_is(tmp_path):
    (tmp_path / os.fsdecode(b"caf\xe9.jpg")).write_bytes(b"data")
    [item] = items_from([str(tmp_path)])
    assert item.read() == b"data"


# Archives

FILES = {"2019/a.jpg": b"a", "b.png": b"b", "notes.txt": b"", "2019/.hidden.png": b"", "../out.jpg": b"out"}


def zipped(path, files):
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)


def tarred(path, files):
    packer = {"g": gzip.open, "b": bz2.open, "x": lzma.open, "l": partial(lzma.open, format=lzma.FORMAT_ALONE)}
    packing = path.suffix.removeprefix(".t").removeprefix(".")[0]
    with packer.get(packing, open)(path, "wb") as file, tarfile.open(fileobj=file, mode="w") as archive:
        for name, data in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))


@pytest.mark.parametrize("suffix", [".zip", *TAR_SUFFIXES])
def test_an_archive_is_read_in_place(tmp_path, suffix):
    path = tmp_path / f"album{suffix}"
    (zipped if suffix == ".zip" else tarred)(path, FILES)
    items = {item.path.removeprefix(f"{path}/"): item for item in items_from([str(path)])}
    assert set(items) == set(FILES)
    assert {item.source: item.read() for item in items.values() if not item.skip and ".." not in item.path} == {
        f"album{suffix}/2019/a.jpg": b"a",
        f"album{suffix}/b.png": b"b",
    }
    assert (str(items["notes.txt"].skip), str(items["2019/.hidden.png"].skip)) == (
        "The name does not end like that of a picture.",
        "A hidden file.",
    )
    with pytest.raises(RejectedImage, match="climbs out"):
        items["../out.jpg"].read()
    assert list(tmp_path.iterdir()) == [path]


def test_a_zip_bomb_is_refused_by_its_size(tmp_path):
    path = tmp_path / "bomb.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive, archive.open("bomb.jpg", "w") as file:
        for _ in range(MAX_FILE_BYTES // (1 << 20) + 1):
            file.write(bytes(1 << 20))
    assert path.stat().st_size < 2 << 20
    [item] = items_from([str(path)])
    with pytest.raises(RejectedImage, match="256 MB is the most"):
        item.read()


def test_a_bomb_that_lies_about_its_size_is_cut_off(tmp_path):
    path = tmp_path / "liar.zip"
    zipped(path, {"a.jpg": bytes(100_000)})
    honest = (100_000).to_bytes(4, "little")
    path.write_bytes(path.read_bytes().replace(honest, (10).to_bytes(4, "little")))
    [item] = items_from([str(path)])
    try:
        assert len(item.read()) <= 10
    except RejectedImage as error:
        assert "cannot be unpacked" in str(error)


@pytest.mark.parametrize("name", ["cut.zip", "cut.tar.gz", "cut.tar"])
def test_a_damaged_archive_is_one_line_and_the_rest_goes_in(tmp_path, holiday, name):
    (tmp_path / name).write_bytes(
        b"PK\3\4 this is no archive" * 40 if name == "cut.zip" else b"\x93 this is no archive" * 40
    )
    items = [item for item in items_from([str(tmp_path / name), str(holiday)]) if not item.skip]
    with pytest.raises(RejectedImage, match="The archive is damaged or cut short"):
        items[0].read()
    assert sorted(item.source for item in items[1:]) == ["holiday/2019/a.jpg", "holiday/b.png"]


# Buckets


def test_a_bucket_is_read_folder_by_folder(bucket):
    import fsspec

    files = fsspec.filesystem("s3", skip_instance_cache=True)
    for name in ("2019/a.jpg", "b.png", "notes.txt", "album.zip"):
        files.pipe_file(f"{bucket}/{name}", name.encode())
    items = list(items_from([bucket]))
    assert {item.source: item.read() for item in items if not item.skip} == {
        f"{bucket}/2019/a.jpg": b"2019/a.jpg",
        f"{bucket}/b.png": b"b.png",
    }
    [single] = items_from([f"{bucket}/b.png"])
    assert (single.source, single.read()) == (f"{bucket}/b.png", b"b.png")


def test_an_archive_in_a_bucket_is_read_in_place(bucket, tmp_path):
    import fsspec

    zipped(tmp_path / "album.zip", FILES)
    fsspec.filesystem("s3", skip_instance_cache=True).put_file(str(tmp_path / "album.zip"), f"{bucket}/album.zip")
    items = [item for item in items_from([f"{bucket}/album.zip"]) if not item.skip and ".." not in item.path]
    assert [item.read() for item in items] == [b"a", b"b"]


def test_an_object_is_read_no_further_than_a_picture_may_be_long_whatever_size_was_told(bucket, monkeypatch):
    import fsspec

    monkeypatch.setattr("db.sources.buckets.MAX_FILE_BYTES", 10)
    monkeypatch.setattr("library.images.MAX_FILE_BYTES", 10)
    files = fsspec.filesystem("s3", skip_instance_cache=True)
    for name, size in (("empty.png", 0), ("grows.png", 10)):
        files.pipe_file(f"{bucket}/{name}", bytes(size))
    listed = {item.name: item for item in items_from([bucket])}
    files.pipe_file(f"{bucket}/grows.png", bytes(1000))
    [single] = items_from([f"{bucket}/grows.png"])
    assert (listed["empty.png"].read(), SourceReader().read(f"{bucket}/empty.png")) == (b"", b"")
    for read in (listed["grows.png"].read, single.read, lambda: SourceReader().read(f"{bucket}/grows.png")):
        with pytest.raises(RejectedImage, match="MB"):
            read()


def test_a_bucket_that_is_not_there_is_one_sentence(s3_server, s3_environment):
    s3_environment(s3_server)
    with pytest.raises(SourceUnavailable, match="There is nothing at s3://nowhere"):
        list(items_from(["s3://nowhere"]))


def test_a_web_server_that_is_away_is_not_an_address_with_nothing_at_it():
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{closed.getsockname()[1]}/a.jpg"
        with pytest.raises(
            SourceUnavailable, match=f"The source {url} does not answer: Connection refused. Check the network"
        ):
            list(items_from([url]))


def test_a_row_in_the_memory_of_a_process_says_that_it_is_empty():
    with pytest.raises(RejectedImage, match=r"memory://a.jpg names the memory of this process, which holds nothing"):
        SourceReader().read("memory://a.jpg")


def test_a_bucket_without_credentials_is_one_sentence(s3_server, s3_environment, monkeypatch):
    s3_environment(s3_server)
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    with pytest.raises(SourceUnavailable, match="asks for credentials"):
        list(items_from(["s3://nowhere"]))
    with pytest.raises(RejectedImage, match=r"The source s3://no/a.jpg asks for credentials. Set AWS_ACCESS_KEY_ID"):
        SourceReader().read("s3://no/a.jpg")


def test_a_kind_of_place_that_nobody_knows_is_refused_at_once():
    with pytest.raises(UnknownStore, match=r"^nope://x is not possible: nope://"):
        items_from(["nope://x"])


def allowed(*prefixes):
    return AllowedSources([str(prefix) for prefix in prefixes])


def test_what_lies_below_an_allowed_folder_may_be_taken_in(holiday):
    for source in (holiday, holiday / "2019", holiday / "b.png", holiday / "*.png", holiday / "2019" / ".."):
        assert [item.read() for item in allowed("/nowhere", holiday).items(str(source)) if not item.skip]


@pytest.mark.parametrize("source", ["", "..", "../other", "../holiday2", "/", "out/x.png"])
def test_nothing_else_may_and_nothing_is_told_of_it(holiday, source):
    for name in ("other", "holiday2"):
        (holiday.parent / name).mkdir()
        (holiday.parent / name / "x.png").write_bytes(b"secret")
    (holiday / "inside").mkdir()
    (holiday / "inside" / "out").symlink_to(holiday.parent / "other")
    with pytest.raises(NotAllowed, match="SOURCES_ALLOWED"):
        allowed(holiday / "inside").items(os.path.join(holiday / "inside", source) if source else str(holiday))


def test_only_buckets_below_the_named_ones_are_allowed(bucket):
    for source in (bucket, f"{bucket}/", f"{bucket}/2019/a.zip"):
        allowed(bucket).items(source)
    for source in (f"{bucket}2", f"{bucket}/../other", "s3://other", "file:///etc", "memory://x"):
        with pytest.raises(NotAllowed):
            allowed(bucket, "/srv").items(source)


def test_where_nothing_is_allowed_nothing_is(holiday):
    with pytest.raises(NotAllowed):
        allowed().items(str(holiday))
