"""Holds that every way into the library leaves out the same files, each with its reason."""

import os
import socket
import zipfile
from collections import Counter
from pathlib import Path

import pytest

from db.files.own_folders import OwnFolders
from db.sources.files import items_from, read_query_picture
from db.sources.local_files import ANYWHERE
from db.sources.readers import SourceReader
from db.sources.watching import watched
from library.errors import RejectedImage, UnknownSource
from library.ingest.skips import skips_told
from testing.deep_folders import folders_in_each_other

WANTED = ("a.jpg", "trip/b.png", "trip/deep/c.webp")
LEFT_OUT = {
    ".hidden.jpg": "A hidden file.",
    "notes.txt": "The name does not end like that of a picture.",
    ".thumbnails": "A hidden folder.",
    "@eaDir": "A folder of the operating system.",
    "#recycle": "A folder of the operating system.",
    "$RECYCLE.BIN": "A folder of the operating system.",
    "trip/__MACOSX": "A folder of the operating system.",
}
FOLDERS = [name for name, reason in LEFT_OUT.items() if "folder" in reason]


@pytest.fixture
def photos(tmp_path):
    folder = tmp_path / "photos"
    for name in (*WANTED, *(name for name in LEFT_OUT if name not in FOLDERS), *(f"{each}/x.jpg" for each in FOLDERS)):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(name.encode())
    return folder


def taken(items):
    return sorted(item.source.partition("/")[2] for item in items if not item.skip)


def left_out(items, folder):
    return {os.path.relpath(item.path, folder): str(item.skip) for item in items if item.skip}


def test_a_folder_says_what_it_leaves_out_and_why(photos):
    items = items_from([str(photos)])
    assert taken(items) == sorted(WANTED)
    assert left_out(items, photos) == LEFT_OUT


def test_an_archive_leaves_out_the_same(photos, tmp_path):
    with zipfile.ZipFile(tmp_path / "photos.zip", "w") as archive:
        for path in sorted(photos.rglob("*")):
            archive.write(path, path.relative_to(photos))
    items = list(items_from([str(tmp_path / "photos.zip")]))
    assert taken(items) == sorted(WANTED)
    reasons = Counter(str(item.skip) for item in items if item.skip)
    assert reasons == Counter(LEFT_OUT.values())


def test_an_archive_names_a_folder_that_it_leaves_out_once(tmp_path):
    with zipfile.ZipFile(tmp_path / "dcim.zip", "w") as archive:
        for name in ("DCIM/.thumbnails/1.jpg", "DCIM/.thumbnails/2.jpg", "DCIM/3.jpg", "__MACOSX/DCIM/._3.jpg"):
            archive.writestr(name, name)
    items = list(items_from([str(tmp_path / "dcim.zip")]))
    assert taken(items) == ["DCIM/3.jpg"]
    reasons = {item.source: str(item.skip) for item in items if item.skip}
    assert reasons == {
        "dcim.zip/DCIM/.thumbnails": "A hidden folder.",
        "dcim.zip/__MACOSX": "A folder of the operating system.",
    }


def test_a_bucket_leaves_out_the_same(photos, bucket):
    import fsspec

    fsspec.filesystem("s3", skip_instance_cache=True).put(f"{photos}/", bucket, recursive=True)
    items = list(items_from([bucket]))
    below = {item.path.removeprefix(f"{bucket}/").rstrip("/"): item.skip for item in items}
    assert sorted(path for path, skip in below.items() if not skip) == sorted(WANTED)
    assert {path: str(skip) for path, skip in below.items() if skip} == LEFT_OUT
    listed = watched(bucket).listing()
    watched_skips = {path.removeprefix(f"{bucket}/").rstrip("/"): str(skip) for path, skip in listed.skips.items()}
    assert (len(listed.signatures), watched_skips) == (len(WANTED), LEFT_OUT)


def test_a_watched_folder_leaves_out_the_same(photos):
    (photos / "takeout-20240101T000000Z-001.zip").touch()
    listed = watched(str(photos)).listing()
    assert sorted(os.path.relpath(path, photos) for path in listed.signatures) == sorted(WANTED)
    below = {os.path.relpath(path, photos): reason for path, reason in listed.skips.items()}
    archive = below.pop("takeout-20240101T000000Z-001.zip")
    assert skips_told({archive.code: 1})[0].code.startswith("skipped_archive_not_watched")
    assert {path: str(reason) for path, reason in below.items()} == LEFT_OUT


@pytest.fixture
def objects(bucket):
    import fsspec

    return fsspec.filesystem("s3", skip_instance_cache=True, use_listings_cache=False)


def test_odd_keys_of_a_bucket_are_imported_as_they_are(bucket, objects):
    name = bucket.removeprefix("s3://").partition("/")[0]
    keys = ["of us//a.jpg", "of us/trip//deep/a.jpg", "of us/../a.jpg", "of us//trip//a.jpg", "of us/a b%20c.jpg"]
    for key in keys:
        objects.call_s3("put_object", Bucket=name, Key=key, Body=key.encode())
    items = [item for item in items_from([bucket]) if not item.skip]
    assert {item.path: item.read() for item in items} == {f"s3://{name}/{key}": key.encode() for key in keys}
    assert all(SourceReader().read(item.original_at) == item.read() for item in items)
    assert {*watched(bucket).listing().signatures} == {item.path for item in items}


def test_a_key_that_begins_with_a_slash_is_found_from_the_bucket_itself(bucket, objects):
    name = bucket.removeprefix("s3://").partition("/")[0]
    objects.call_s3("put_object", Bucket=name, Key="/a.jpg", Body=b"picture")
    [item] = items_from([f"s3://{name}"])
    assert (item.path, item.read()) == (f"s3://{name}//a.jpg", b"picture")


def test_an_object_that_only_marks_a_folder_is_no_file(bucket, objects):
    name = bucket.removeprefix("s3://").partition("/")[0]
    for key, body in (("of us/trip/", b""), ("of us/trip/a.jpg", b"picture"), ("of us/odd.jpg/", b"picture")):
        objects.call_s3("put_object", Bucket=name, Key=key, Body=body)
    items = list(items_from([bucket]))
    assert [item.path for item in items if not item.skip] == [f"{bucket}/trip/a.jpg"]
    assert [str(item.skip) for item in items if item.skip] == ["The key ends in a slash, like that of a folder."]
    assert list(watched(bucket).listing().signatures) == [f"{bucket}/trip/a.jpg"]


@pytest.mark.parametrize("pattern", ["*", "**", "**/*"])
def test_a_pattern_leaves_out_the_same(photos, pattern):
    items = items_from([f"{photos}/{pattern}"])
    assert sorted(os.path.relpath(item.path, photos) for item in items if not item.skip) == sorted(WANTED)
    assert left_out(items, photos) == LEFT_OUT


def test_a_pattern_for_any_depth_follows_no_link_and_enters_no_folder_that_is_left_out(photos):
    (photos / "round").symlink_to(photos)
    (photos / "trip" / "round").symlink_to(photos)
    items = items_from([f"{photos}/**/*.jpg"], own=[photos / "trip" / "deep"])
    assert [os.path.relpath(item.path, photos) for item in items if not item.skip] == ["a.jpg"]
    assert left_out(items, photos)["trip/deep"] == "A folder of the library itself."
    assert left_out(items, photos)["@eaDir"] == "A folder of the operating system."
    assert left_out(items, photos)["round"] == "A link to a folder, which is not followed."


def test_a_pattern_that_matches_nothing_is_said(photos):
    with pytest.raises(UnknownSource, match=r"The pattern .*\*\.gif matches no file or folder\. Check"):
        items_from([f"{photos}/*.gif"])


@pytest.mark.parametrize("source", ["", "  "])
def test_an_empty_source_is_no_folder(source, photos, monkeypatch):
    monkeypatch.chdir(photos)
    for use in (lambda: items_from([source]), lambda: watched(source)):
        with pytest.raises(UnknownSource, match="A source is an empty text"):
            use()


def test_an_empty_place_says_so_and_what_to_do(tmp_path, bucket, objects):
    (tmp_path / "empty" / "deeper").mkdir(parents=True)
    with zipfile.ZipFile(tmp_path / "empty.zip", "w"):
        pass
    objects.call_s3("put_object", Bucket=bucket.removeprefix("s3://").partition("/")[0], Key="of us/", Body=b"")
    told = [
        [str(item.skip) for item in items_from([str(each)])]
        for each in (tmp_path / "empty", tmp_path / "empty.zip", bucket)
    ]
    assert told == [
        ["The folder holds no files. Put pictures into it, or name another one."],
        ["The archive holds no files. Check that it is the right one."],
        ["Nothing lies in this place of the bucket. Check its name, or put pictures there first."],
    ]


def test_folders_may_lie_deeper_than_calls_can_be_nested(tmp_path):
    with folders_in_each_other(tmp_path, "d", 1100):
        Path("a.jpg").write_bytes(b"picture")
        assert len(taken(items_from([str(tmp_path)]))) == len(taken(items_from([f"{tmp_path}/**/*.jpg"]))) == 1


def test_the_library_does_not_import_its_own_files(photos):
    own = photos / "trip"
    items = items_from([str(photos)], own=[own])
    assert taken(items) == ["a.jpg"]
    assert left_out(items, photos)["trip"] == "A folder of the library itself."
    [below] = items_from([str(photos / "trip" / "deep")], own=[own])
    assert str(below.skip) == "A folder of the library itself."


def test_a_pipe_that_is_called_an_archive_or_a_table_is_never_opened(tmp_path):
    for name in ("a.zip", "a.tar.gz", "a.csv", "a.parquet"):
        os.mkfifo(tmp_path / name)
    for name in ("a.zip", "a.tar.gz"):
        [item] = items_from([str(tmp_path / name)])
        with pytest.raises(RejectedImage, match="A pipe, a socket or a device"):
            item.read()
    for name in ("a.csv", "a.parquet"):
        with pytest.raises(UnknownSource, match=r"is a pipe, a socket(,| or) a device"):
            items_from([], tmp_path / name, "filepath")


def test_folders_of_the_library_are_known_whatever_leads_to_them(photos, tmp_path):
    (tmp_path / "elsewhere").symlink_to(photos)
    for own in (photos / "trip", tmp_path / "elsewhere" / "trip", photos / "trip" / ".." / "trip"):
        for source in (photos, tmp_path / "elsewhere", f"{photos}/**/*.jpg"):
            assert "deep" not in str([item.path for item in items_from([str(source)], own=[own]) if not item.skip])
    folders = OwnFolders([photos / "trip"])
    [trip] = (entry for entry in ANYWHERE.entries(tmp_path / "elsewhere") if entry.name == "trip")
    assert folders.has(trip)


def test_a_folder_that_may_only_be_listed_ends_no_run(photos, monkeypatch):
    is_dir = Path.is_dir

    def refuse(path):
        if path.suffix == ".jpg":
            raise PermissionError(13, "Permission denied", str(path))
        return is_dir(path)

    monkeypatch.setattr(Path, "is_dir", refuse)
    assert "a.jpg" in [item.name for item in items_from([f"{photos}/**/*.jpg"]) if not item.skip]


def test_what_is_no_file_is_left_out_and_never_read(photos):
    os.mkfifo(photos / "pipe.jpg")
    (photos / "endless.jpg").symlink_to("/dev/zero")
    (photos / "nowhere.jpg").symlink_to("gone.jpg")
    (photos / "album.jpg").symlink_to("trip")
    (photos / "round").symlink_to(photos)
    (photos / "itself.jpg").symlink_to("itself.jpg")
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(photos / "socket.jpg"))
    found = left_out(items_from([str(photos)]), photos)
    assert (
        found["pipe.jpg"]
        == found["socket.jpg"]
        == "A pipe, a socket or a device, not a file. Leave it out, or name a file in its place."
    )
    assert found["nowhere.jpg"] == found["itself.jpg"] == "A link that leads nowhere."
    assert found["album.jpg"] == found["round"] == "A link to a folder, which is not followed."
    for name in ("pipe.jpg", "endless.jpg"):
        with pytest.raises(RejectedImage, match="not a file"):
            read_query_picture(str(photos / name))


def test_a_folder_that_cannot_be_read_is_told(photos, monkeypatch):
    scandir = os.scandir

    def refuse(folder):
        if str(folder).endswith("trip"):
            raise PermissionError(13, "Permission denied", str(folder))
        return scandir(folder)

    monkeypatch.setattr(os, "scandir", refuse)
    items = items_from([str(photos)])
    [trip] = [item for item in items if item.name == "trip"]
    with pytest.raises(RejectedImage, match=r"The folder trip cannot be read: Permission denied\."):
        trip.read()


def test_a_table_among_the_sources_is_told_how_to_be_imported(tmp_path):
    (tmp_path / "photos.csv").write_text("filepath\na.jpg\n")
    with pytest.raises(UnknownSource, match=r"--table photos\.csv"):
        items_from([str(tmp_path / "photos.csv")])
