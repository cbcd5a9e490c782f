"""Holds that sidecars become metadata from every source, and that explicit metadata take precedence."""

import json
import os
import tarfile
import zipfile

import pytest

from db.sources.files import AllowedSources, items_from
from db.sources.tables.items import items_in_table
from db.sources.watching import watched
from library.ingest.items import Item
from library.ingest.selection import Selection
from python_api.sources import items_of
from testing.watching import Looking
from ui.handlers.uploads import UploadHandlers
from ui.uploaded_files import UploadedFiles

FIELDS = {"description": "The sea", "taken": "2020-05-01T12:30:00Z"}


def takeout(description="The sea"):
    return json.dumps({"photoTakenTime": {"timestamp": "1588336200"}, "description": description}).encode()


def rating(stars):
    description = f'<rdf:Description xmlns:xmp="http://ns.adobe.com/xap/1.0/" xmp:Rating="{stars}"/>'
    return f'<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">{description}</rdf:RDF>'.encode()


@pytest.fixture
def album(tmp_path, picture):
    folder = tmp_path / "album"
    for name, data in {
        "trip/red.png": picture("red"),
        "trip/red.png.supplemental-metadata.json": takeout(),
        "blue.png": picture("blue"),
        "blue.xmp": rating(5),
        "notes.json": b"{}",
    }.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    return folder


def added(library, items):
    """Returns the statuses by name, without the reasons of what is skipped."""
    receipts = list(library.add(items))
    return {receipt.path.rpartition("/")[2]: receipt.status for receipt in receipts}, receipts


def metadata(library):
    return {record.name: dict(record.metadata) for record in library.browse(0, 100)}


EXPECTED = {"red.png": FIELDS, "blue.png": {"rating": 5}}


def test_a_folder_is_read_with_its_sidecars_which_are_not_rejected(album, library):
    _statuses, receipts = added(library, items_from([str(album)]))
    assert metadata(library) == EXPECTED
    reasons = {os.path.basename(each.path): str(each.reason) for each in receipts if each.status == "skipped"}
    assert reasons == {
        "red.png.supplemental-metadata.json": "A sidecar: it is read with its picture.",
        "blue.xmp": "A sidecar: it is read with its picture.",
        "notes.json": "The name does not end like that of a picture.",
    }
    again, _ = added(library, items_from([str(album)]))
    assert (again["red.png"], again["blue.png"]) == ("duplicate", "duplicate")


@pytest.mark.parametrize("places", [["**/*.png"], ["**/*"], ["trip/red.png", "blue.png", "blue.xmp"]])
def test_patterns_and_single_files_are_read_with_what_lies_beside_them(album, library, places):
    statuses, _ = added(library, items_from([f"{album}/{place}" for place in places]))
    assert metadata(library) == EXPECTED
    assert "rejected" not in statuses.values()


@pytest.mark.parametrize("name", ["album.zip", "album.tar", "album.tar.gz"])
@pytest.mark.parametrize("order", [1, -1], ids=["sidecars last", "sidecars first"])
def test_an_archive_is_read_with_its_sidecars(album, tmp_path, library, name, order):
    paths = sorted((path for path in album.rglob("*") if path.is_file()), key=lambda path: path.suffix == ".png")[
        ::-order
    ]
    if name.endswith(".zip"):
        with zipfile.ZipFile(tmp_path / name, "w") as archive:
            for path in paths:
                archive.write(path, f"Takeout/{path.relative_to(album)}")
    else:
        with tarfile.open(tmp_path / name, "w:gz" if name.endswith("gz") else "w") as archive:
            for path in paths:
                archive.add(path, f"Takeout/{path.relative_to(album)}")
    statuses, _ = added(library, items_from([str(tmp_path / name)]))
    assert metadata(library) == EXPECTED
    assert list(statuses.values()).count("skipped") == 3


def test_a_damaged_tar_brings_what_lies_before_the_damage(album, tmp_path, library):
    with tarfile.open(tmp_path / "album.tar", "w", format=tarfile.USTAR_FORMAT) as archive:
        archive.add(album / "blue.xmp", "blue.xmp")
        archive.add(album / "blue.png", "blue.png")
        archive.add(album / "trip", "trip")
    (tmp_path / "album.tar").write_bytes((tmp_path / "album.tar").read_bytes()[: 512 * 6 + 20])
    statuses, _ = added(library, items_from([str(tmp_path / "album.tar")]))
    assert statuses == {"blue.xmp": "skipped", "blue.png": "new", "album.tar": "rejected"}
    assert metadata(library) == {"blue.png": {"rating": 5}}


def parts_of(album, folder, kind="zip"):
    """Packs a picture into the first part of a Takeout and its JSON into the second."""
    folder.mkdir(exist_ok=True)
    parts = [folder / f"takeout-20240101T000000Z-00{number}.{kind}" for number in (1, 2)]
    names = ["trip/red.png", "trip/red.png.supplemental-metadata.json"], ["blue.png", "blue.xmp"]
    for part, contents in zip(parts, zip(*names, strict=True), strict=True):
        if kind == "zip":
            with zipfile.ZipFile(part, "w") as archive:
                for name in contents:
                    archive.write(album / name, f"Takeout/{name}")
        else:
            with tarfile.open(part, "w:gz") as tar:
                for name in contents:
                    tar.add(album / name, f"Takeout/{name}")
    return [str(part) for part in parts]


@pytest.mark.parametrize("given", ["folder", "pattern", "arguments", "api", "tgz", "server"])
def test_parts_of_a_takeout_are_read_with_the_sidecars_in_one_another(album, tmp_path, library, given):
    parts = parts_of(album, tmp_path / "parts", "tgz" if given == "tgz" else "zip")
    items = {
        "folder": lambda: items_from([str(tmp_path / "parts")]),
        "pattern": lambda: items_from([f"{tmp_path}/parts/takeout-*"]),
        "arguments": lambda: items_from(parts),
        "api": lambda: items_of(parts),
        "tgz": lambda: items_from([str(tmp_path / "parts")]),
        "server": lambda: AllowedSources([str(tmp_path)]).items(str(tmp_path / "parts")),
    }[given]()
    statuses, _ = added(library, items)
    assert metadata(library) == EXPECTED
    assert sorted(statuses.values()) == ["new", "new", "skipped", "skipped"]


def test_archives_of_other_names_stay_closed_in_a_folder_and_are_no_parts(album, tmp_path, library):
    first, second = parts_of(album, tmp_path / "parts")
    other = f"{tmp_path}/parts/trip.zip"
    os.rename(first, other)
    assert [item.name for item in items_from([f"{tmp_path}/parts"]) if item.skip][:1] == ["trip.zip"]
    added(library, items_from([other, second]))
    assert metadata(library) == {"red.png": {}, "blue.png": {}}


def test_one_object_of_a_bucket_is_read_with_what_lies_beside_it(album, bucket, library):
    import fsspec

    files = fsspec.filesystem("s3", skip_instance_cache=True)
    files.put(f"{album}/", bucket, recursive=True)
    files.pipe_file(f"{bucket}/trip/red.png.more/x.json", b"{}")
    added(library, items_from([f"{bucket}/trip/red.png", f"{bucket}/blue.png"]))
    assert metadata(library) == EXPECTED
    assert all(item.describe is None for item in items_from([f"{bucket}/blue.png"], sidecars=False))


@pytest.mark.parametrize("given", ["", "both"])
def test_parts_of_a_takeout_in_a_bucket_are_read_with_the_sidecars_in_one_another(
    album, tmp_path, bucket, library, given
):
    import fsspec

    parts = parts_of(album, tmp_path / "parts")
    fsspec.filesystem("s3", skip_instance_cache=True).put(f"{tmp_path}/parts/", bucket, recursive=True)
    places = [f"{bucket}/{os.path.basename(part)}" for part in parts] if given else [bucket]
    added(library, items_from(places))
    assert metadata(library) == EXPECTED


def test_rows_of_a_table_are_read_with_the_sidecars_of_their_files_and_their_own_columns_count_first(album, library):
    table = album / "photos.csv"
    table.write_text("filepath,description\ntrip/red.png,\nblue.png,\n")
    added(library, items_from([], table, "filepath"))
    assert metadata(library) == EXPECTED  # an empty cell says nothing against a sidecar
    table.write_text("filepath,description\ntrip/red.png,By the table\nblue.png,\n")
    statuses, _ = added(library, items_from([], table, "filepath"))
    assert statuses == {"red.png": "updated", "blue.png": "duplicate"}
    expected = {"red.png": {**FIELDS, "description": "By the table"}, "blue.png": {"rating": 5}}
    assert metadata(library) == expected
    assert all(item.describe is None for item in items_from([], table, "filepath", sidecars=False))


def test_a_bucket_is_read_with_its_sidecars(album, bucket, library):
    import fsspec

    files = fsspec.filesystem("s3", skip_instance_cache=True)
    files.put(f"{album}/", bucket, recursive=True)
    added(library, items_from([bucket]))
    assert metadata(library) == EXPECTED
    look = Looking(library, watched(bucket))
    assert sorted(status for _, status in look()) == ["duplicate"] * 2 + ["skipped"] * 3
    files.pipe_file(f"{bucket}/blue.xmp", rating(3))
    assert look() == [(f"{bucket}/blue.png", "updated")]
    assert metadata(library)["blue.png"] == {"rating": 3}


def test_originals_left_in_place_are_described_too(album, library):
    list(library.add(items_from([str(album)]), in_place=True))
    assert metadata(library) == EXPECTED


def test_a_place_of_the_server_is_read_with_its_sidecars(album, library):
    added(library, AllowedSources([str(album)]).items(str(album)))
    assert metadata(library) == EXPECTED


def test_files_uploaded_from_a_folder_are_read_with_what_lay_beside_them(album, library, worker):
    uploads = UploadHandlers(library, worker, "all", UploadedFiles(album), AllowedSources([]))
    files = [
        {"path": str(path), "name": path.name, "folder": str(path.parent)}
        for path in album.rglob("*")
        if path.is_file()
    ]
    _view, id = uploads.add({"files": files})
    worker.find(id).over.wait(20)
    assert metadata(library) == EXPECTED


def test_sidecars_can_be_left_unread(album, library):
    statuses, _ = added(library, items_from([str(album)], sidecars=False))
    assert metadata(library) == {"red.png": {}, "blue.png": {}}
    assert statuses["blue.xmp"] == "skipped"


def test_a_watched_folder_follows_its_sidecars_without_encoding_again(album, library, monkeypatch):
    look = Looking(library, watched(str(album)))
    assert sorted(status for _, status in look.twice()) == ["new"] * 2 + ["skipped"] * 3
    assert metadata(library) == EXPECTED

    def refuse(images):
        raise AssertionError("encoded again")

    monkeypatch.setattr("testing.fakes.ColourEncoder.encode_images", refuse)
    (album / "blue.xmp").write_bytes(rating(3) + b" ")
    assert look.twice() == [(str(album / "blue.png"), "updated")]
    (album / "blue.png.json").write_bytes(takeout("late"))
    beside = (str(album / "blue.png.json"), "skipped")
    assert look.twice() == [(str(album / "blue.png"), "updated"), beside]
    assert metadata(library)["blue.png"] == {"rating": 3, "description": "late", "taken": FIELDS["taken"]}
    (album / "blue.png.json").unlink()
    assert look.twice() == [(str(album / "blue.png"), "updated")]
    (album / "blue.xmp").unlink()  # without any sidecar nothing is said, and nothing changes
    assert look.twice() == [(str(album / "blue.png"), "duplicate")]
    assert metadata(library)["blue.png"] == {"rating": 3}
    assert look.twice() == []


def test_what_a_sidecar_says_no_more_is_removed(album, library):
    added(library, items_from([str(album)]))
    (album / "trip" / "red.png.supplemental-metadata.json").write_bytes(takeout(""))
    added(library, items_from([str(album)]))
    assert metadata(library)["red.png"] == {"taken": FIELDS["taken"]}


def test_explicit_metadata_count_before_sidecars_in_this_run_and_later(album, library):
    mine = Selection(metadata={"description": "mine", "rating": 1})
    added(library, mine.of(items_from([str(album)])))
    assert metadata(library)["red.png"] == {**FIELDS, "description": "mine", "rating": 1}
    statuses, _ = added(library, items_from([str(album)]))
    assert (statuses["red.png"], statuses["blue.png"]) == ("duplicate", "duplicate")


def test_columns_of_a_table_count_before_sidecars_whichever_comes_first(album, library):
    (album / "photos.csv").write_text("filepath,description\ntrip/red.png,from the table\n")
    added(library, items_from([str(album)]))
    added(library, items_in_table(album / "photos.csv", "filepath"))
    statuses, _ = added(library, items_from([str(album)]))
    assert statuses["red.png"] == "duplicate"
    assert metadata(library)["red.png"] == {**FIELDS, "description": "from the table"}


def test_a_copy_in_an_album_adds_the_album_in_the_same_run(album, library, picture):
    (album / "in Paris").mkdir()
    (album / "in Paris" / "red.png").write_bytes(picture("red"))
    (album / "in Paris" / "metadata.json").write_text('{"title": "Paris"}')
    (album / "zzz.png").write_bytes(picture("red"))
    for status in ("new", "duplicate"):
        receipts = [each for each in library.add(items_from([str(album)])) if each.status != "skipped"]
        assert receipts[0].status == status and "updated" not in {each.status for each in receipts}
        assert metadata(library)["red.png"] == {**FIELDS, "album": "Paris"}


def test_a_sidecar_that_is_broken_or_too_much_leaves_the_picture_and_a_note(album, library):
    (album / "blue.xmp").write_bytes(b"<broken")
    (album / "trip" / "red.png.supplemental-metadata.json").write_bytes(takeout("x" * 70_000))
    _, receipts = added(library, items_from([str(album)]))
    notes = {os.path.basename(each.path): str(each.reason) for each in receipts if each.status == "new"}
    assert notes["blue.png"].startswith("The sidecar blue.xmp was left out: ")
    assert notes["red.png"].startswith("Of what the sidecars say, description was left out: Its record has 70,")
    assert metadata(library) == {"red.png": {"taken": "2020-05-01T12:30:00Z"}, "blue.png": {}}
    assert {each.status for each in library.add(items_from([str(album)])) if each.reason} == {"duplicate", "skipped"}


def test_a_pipe_as_a_sidecar_is_never_read(album, library):
    (album / "blue.xmp").unlink()
    os.mkfifo(album / "blue.xmp")
    added(library, items_from([str(album)]))
    assert metadata(library)["blue.png"] == {}


def test_a_dry_run_says_what_sidecars_would_change(album, library):
    added(library, items_from([str(album)]))
    (album / "blue.xmp").write_bytes(rating(1))
    receipts = list(library.add(items_from([str(album)]), dry_run=True))
    assert [each.status for each in receipts if each.path.endswith("blue.png")] == ["updated"]
    assert metadata(library) == EXPECTED


def test_an_item_of_ones_own_needs_no_sidecars(library, picture):
    assert [each.status for each in library.add([Item("a.png", "a.png", lambda: picture("red"))])] == ["new"]
