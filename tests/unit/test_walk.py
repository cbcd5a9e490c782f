"""Holds that every way into the library leaves out the same files, each with its reason."""

import os
import socket
import zipfile
from collections import Counter

import pytest

from db.sources.files import items_from, read_query_picture
from db.sources.watching import watched
from library.errors import RejectedImage, UnknownSource

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


def test_a_bucket_leaves_out_the_same(photos, bucket):
    import fsspec

    fsspec.filesystem("s3", skip_instance_cache=True).put(f"{photos}/", bucket, recursive=True)
    items = list(items_from([bucket]))
    below = {item.path.removeprefix(f"{bucket}/").rstrip("/"): item.skip for item in items}
    assert sorted(path for path, skip in below.items() if not skip) == sorted(WANTED)
    assert {path: str(skip) for path, skip in below.items() if skip} == LEFT_OUT


def test_a_watched_folder_leaves_out_the_same(photos):
    listed = watched(str(photos)).listing()
    assert sorted(os.path.relpath(path, photos) for path in listed.signatures) == sorted(WANTED)


def test_a_pattern_names_only_what_a_folder_would_list(photos):
    (photos / "trip" / "notes.md").write_text("no picture")
    assert taken(items_from([f"{photos}/*"])) == ["", "b.png", "deep/c.webp"]


def test_the_library_does_not_import_its_own_files(photos):
    own = photos / "trip"
    items = items_from([str(photos)], own=[own])
    assert taken(items) == ["a.jpg"]
    assert left_out(items, photos)["trip"] == "A folder of the library itself."


def test_what_is_no_file_is_left_out_and_never_read(photos):
    os.mkfifo(photos / "pipe.jpg")
    (photos / "endless.jpg").symlink_to("/dev/zero")
    (photos / "nowhere.jpg").symlink_to("gone.jpg")
    (photos / "album.jpg").symlink_to("trip")
    (photos / "round").symlink_to(photos)
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(photos / "socket.jpg"))
    found = left_out(items_from([str(photos)]), photos)
    assert found["pipe.jpg"] == found["socket.jpg"] == "A pipe, a socket or a device, not a file."
    assert found["nowhere.jpg"] == "A link that leads nowhere."
    assert found["album.jpg"] == "A link to a folder, which is not followed."
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
    with pytest.raises(PermissionError):
        trip.read()


def test_a_table_among_the_sources_is_told_how_to_be_imported(tmp_path):
    (tmp_path / "photos.csv").write_text("filepath\na.jpg\n")
    with pytest.raises(UnknownSource, match=r"--table photos\.csv"):
        items_from([str(tmp_path / "photos.csv")])
