"""Checks backups: all comes back with its vectors, while the library is used, and nothing from a damaged one."""

import errno
import json
import os
import re
from collections import Counter
from dataclasses import replace
from pathlib import Path

import gradio as gr
import numpy as np
import pytest
from typer.testing import CliRunner

from commands.main import commands
from db.files.backup_folder import BEGUN, MANIFEST, backups_in, new_backup, open_backup
from db.files.vector_file import read_vectors, write_vectors
from db.images.local import LocalImageStore
from library.backup.backup_place import pictures_copied
from library.errors import InvalidBackup, StoreUnavailable
from library.image_library import ImageLibrary
from library.ports import EncoderInfo
from library.search.query import Query
from testing.fakes import ColourEncoder, MemoryDatabase, MemoryStore, ready
from testing.pictures import item, record, unit_vectors
from ui.backup_api import add_backup_api


class NoEncoder(ColourEncoder):
    """Fails when a picture is to be encoded."""

    def encode_images(self, images):
        raise AssertionError("encoded")


@pytest.fixture
def decided(tmp_path):
    path = tmp_path / "data" / "near-duplicates.jsonl"
    path.parent.mkdir()
    path.write_text("{}\n")
    return path


@pytest.fixture
def backup(library, filled, tmp_path, decided):
    """Returns the folder of a backup of three pictures."""
    with new_backup(tmp_path / "backup", [decided]) as place:
        assert list(library.backups.write(place)) == ["copied"] * 3
    return tmp_path / "backup"


@pytest.fixture
def empty():
    return ImageLibrary(MemoryStore(), ready(NoEncoder()), MemoryDatabase())


def restored(library, folder, files=()):
    place, _ = open_backup(folder, files)
    return [receipt.status for receipt in library.backups.restore(place)]


def test_a_backup_restores_pictures_records_and_vectors_without_encoding(library, filled, backup, empty):
    assert restored(empty, backup) == ["new"] * 3
    for id in filled.values():
        assert empty.record(id) == library.record(id)
        assert empty.original(id) == library.original(id)
        assert empty.thumbnail(id) == library.thumbnail(id)
    assert empty.search(Query.of("red")).hits[0].record.name == "red.png"
    assert empty.doctor.examine().findings == []
    assert restored(empty, backup) == ["duplicate"] * 3


def test_a_picture_whose_record_is_damaged_is_told_to_be_left_out(tmp_path, picture):
    store = LocalImageStore(tmp_path / "images")
    library = ImageLibrary(store, ready(ColourEncoder()), MemoryDatabase())
    receipts = list(library.add([item(f"{colour}.png", picture(colour)) for colour in ("red", "green")]))
    next((tmp_path / "images").rglob(f"{receipts[0].content_id}.json")).write_text("{}")
    with new_backup(tmp_path / "backup", []) as place:
        outcomes = Counter(library.backups.write(place))
    assert (outcomes["unreadable"], pictures_copied(outcomes)) == (1, 1)


def test_every_collection_comes_back(library, database, filled, tmp_path, empty):
    other = EncoderInfo("other", "1" * 12, 5, "", "")
    database.collection(other).upsert([library.record(filled["red"]), record(7)], unit_vectors(2, 5))
    with new_backup(tmp_path / "two", []) as place:
        list(library.backups.write(place))
    _, summary = open_backup(tmp_path / "two", [])
    assert (summary.pictures, sorted(summary.collections.values())) == (3, [1, 3])
    restored(empty, tmp_path / "two")
    with empty.collections._database.collection(other).loaded() as index:
        assert index.count() == 1


def test_what_is_there_stays_as_it_is(filled, backup, library, decided):
    library.delete([filled["red"]])
    decided.write_text("later\n")
    assert sorted(restored(library, backup, [decided])) == ["duplicate", "duplicate", "new"]
    assert decided.read_text() == "later\n"
    decided.unlink()
    restored(library, backup, [decided])
    assert decided.read_text() == "{}\n"


def test_a_picture_deleted_while_it_is_copied_is_left_out(library, filled, tmp_path):
    with new_backup(tmp_path / "busy", []) as place:
        original = library.backups._store.original

        def deleting(id):
            if id == filled["red"]:
                library.delete([id])
            return original(id)

        library.backups._store.original = deleting
        assert sorted(library.backups.write(place)) == ["copied", "copied", "gone"]
        del library.backups._store.original
    place, summary = open_backup(tmp_path / "busy", [])
    assert summary.pictures == place.store.count() == 2


def test_a_backup_that_is_stopped_or_fails_leaves_nothing(library, filled, tmp_path):
    with new_backup(tmp_path / "stopped", []) as place:
        list(library.backups.write(place, lambda: True))
    with pytest.raises(KeyboardInterrupt), new_backup(tmp_path / "failed", []) as place:
        next(library.backups.write(place))
        raise KeyboardInterrupt
    for name in ("stopped", "failed"):
        assert list((tmp_path / name).iterdir()) == []
        with pytest.raises(InvalidBackup, match="no whole backup"):
            open_backup(tmp_path / name, [])


def test_what_a_killed_backup_left_is_overwritten(library, tmp_path):
    left = tmp_path / "killed" / "images" / "half.png"
    left.parent.mkdir(parents=True)
    left.write_text("half of a picture")
    (tmp_path / "killed" / BEGUN).touch()
    with new_backup(tmp_path / "killed", []) as place:
        list(library.backups.write(place))
    assert not left.exists() and not (tmp_path / "killed" / BEGUN).exists()


def test_a_full_disk_is_told_to_be_that_of_the_backup(library, filled, tmp_path, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("db.images.local.write_atomically", full)
    with pytest.raises(StoreUnavailable, match="disk of the backup"), new_backup(tmp_path / "backup", []) as place:
        list(library.backups.write(place))
    assert list((tmp_path / "backup").iterdir()) == []


def test_a_picture_that_is_deleted_after_it_was_copied_is_there_with_its_vector(library, filled, tmp_path, empty):
    with new_backup(tmp_path / "backup", []) as place:
        outcomes = library.backups.write(place)
        assert [next(outcomes) for _ in filled] == ["copied"] * 3
        library.delete([filled["red"]])
        assert list(outcomes) == []
    assert restored(empty, tmp_path / "backup") == ["new"] * 3
    assert empty.status().index.rows == 3


def test_a_backup_does_not_overwrite_what_another_is_writing(library, filled, tmp_path):
    with new_backup(tmp_path / "both", []) as place:
        outcomes = library.backups.write(place)
        next(outcomes)
        with pytest.raises(InvalidBackup, match="Another backup"), new_backup(tmp_path / "both", []):
            pass
        list(outcomes)
    place, summary = open_backup(tmp_path / "both", [])
    assert summary.pictures == place.store.count() == 3


def test_what_killed_backups_left_in_the_folder_of_the_app_goes_and_nothing_else(library, filled, tmp_path):
    make = backups_in(tmp_path, [])
    left = tmp_path / "killed" / "images" / "half.png"
    left.parent.mkdir(parents=True)
    left.write_text("half of a picture")
    (tmp_path / "killed" / BEGUN).touch()
    with make() as (whole, place):
        list(library.backups.write(place))
    with make() as (under_way, place):
        outcomes = library.backups.write(place)
        next(outcomes)
        backups_in(tmp_path, [])
        list(outcomes)
    assert {path.name for path in tmp_path.iterdir() if (path / MANIFEST).exists()} == {whole, under_way}
    assert not left.parent.parent.exists()


def test_a_damaged_original_is_not_restored(backup, empty, filled):
    next(backup.rglob(f"{filled['red']}.png")).write_bytes(b"other")
    assert sorted(restored(empty, backup)) == ["new", "new", "rejected"]


@pytest.mark.parametrize("spoilt", [Path.unlink, lambda path: path.write_bytes(path.read_bytes()[:-9])])
def test_a_lost_or_damaged_thumbnail_costs_no_picture(backup, empty, filled, spoilt):
    red = filled["red"]
    spoilt(backup / "images" / red[:2] / f"{red}.thumb.jpg")
    assert restored(empty, backup) == ["new"] * 3
    assert empty.original(red)
    assert empty.thumbnail(red)
    assert [finding.kind for finding in empty.doctor.examine().findings] == ["thumbnail_missing"]


@pytest.mark.parametrize(
    ("spoilt", "said"),
    [
        (
            lambda path: path.symlink_to("/dev/zero"),
            "be read or written at images/.*: a pipe, a socket, a device or a link",
        ),
        (lambda path: path.write_bytes(b"garbage"), "neither its original nor a whole thumbnail"),
        (lambda path: None, "neither its original nor a whole thumbnail"),
    ],
)
def test_a_thumbnail_that_is_needed_and_none_is_told_to_be_the_backup_s(backup, empty, filled, spoilt, said):
    red = filled["red"]
    next(backup.rglob(f"{red}.png")).unlink()
    thumbnail = next(backup.rglob(f"{red}.thumb.jpg"))
    thumbnail.unlink()
    spoilt(thumbnail)
    place, _ = open_backup(backup, [])
    [told] = [receipt for receipt in empty.backups.restore(place) if receipt.status == "rejected"]
    assert re.search(said, str(told.reason)) and "image store" not in str(told.reason)


def test_a_folder_of_a_backup_that_fails_is_told_to_be_the_backup_s(backup, empty, filled, monkeypatch):
    def failing(*_):
        raise OSError(errno.EIO, os.strerror(errno.EIO), str(backup / "images"))

    monkeypatch.setattr("db.images.local.read_own", failing)
    with pytest.raises(InvalidBackup, match=r"The backup .* cannot be read or written at images"):
        restored(empty, backup)


def test_the_command_tells_of_pictures_that_are_missing_from_a_backup(backup, empty, filled, tmp_path, monkeypatch):
    monkeypatch.setenv("DATA_DIR", str(tmp_path / "data"))
    red = filled["red"]
    (backup / "images" / red[:2] / f"{red}.json").unlink()
    run = CliRunner().invoke(commands, ["restore", str(backup)], obj=lambda *_, **__: empty)
    assert "2 restored, 0 there already, 0 rejected\n1 picture missing from the backup, which held 3" in run.stdout
    assert run.exit_code == 1


def test_the_command_tells_of_originals_that_a_backup_lacks(backup, empty, filled, tmp_path, monkeypatch):
    monkeypatch.setenv("DATA_DIR", str(tmp_path / "data"))
    red = filled["red"]
    (backup / "images" / red[:2] / f"{red}.png").unlink()
    run = CliRunner().invoke(commands, ["restore", str(backup)], obj=lambda *_, **__: empty)
    assert "3 restored" in run.stdout and "1 of them without their original, which is not in the backup" in run.stdout
    assert run.exit_code == 1


def cut_short(path):
    os.truncate(path, path.stat().st_size - 90)  # a row has 76 bytes


@pytest.mark.parametrize(("spoilt", "lost"), [(cut_short, 2), (Path.unlink, 3)])
def test_vectors_that_a_backup_has_lost_are_told_until_reindex_makes_them(
    backup, empty, filled, tmp_path, monkeypatch, spoilt, lost
):
    monkeypatch.setenv("DATA_DIR", str(tmp_path / "data"))
    [path] = backup.rglob("*.vectors")
    spoilt(path)
    run = CliRunner().invoke(commands, ["restore", str(backup)], obj=lambda *_, **__: empty)
    assert f"{lost} pictures without a vector in colour_000000000000, which the backup has lost" in run.stdout
    assert "run reindex" in run.stdout and run.exit_code == 1
    empty.collections._database.collection(ColourEncoder.info).upsert(
        [empty.record(id) for id in filled.values()], unit_vectors(3, 3)
    )
    place, summary = open_backup(backup, [])
    assert empty.backups.without_vector(place, summary) == {}


def test_pictures_that_had_no_vector_when_they_were_backed_up_are_none_that_the_backup_lost(
    library, database, filled, tmp_path, empty
):
    database.delete([library.record(filled["red"]).img_path])
    with new_backup(tmp_path / "backup", []) as place:
        list(library.backups.write(place))
    restored(empty, tmp_path / "backup")
    assert empty.backups.without_vector(*open_backup(tmp_path / "backup", [])) == {}


def test_a_lost_original_comes_back_from_a_better_backup(backup, empty, filled, tmp_path, monkeypatch):
    monkeypatch.setenv("DATA_DIR", str(tmp_path / "data"))
    path = next(backup.rglob(f"{filled['red']}.png"))
    original = path.read_bytes()
    path.unlink()
    restored(empty, backup)
    path.write_bytes(b"other")
    assert sorted(restored(empty, backup)) == ["duplicate", "duplicate", "rejected"]
    path.write_bytes(original)
    run = CliRunner().invoke(commands, ["restore", str(backup)], obj=lambda *_, **__: empty)
    assert "0 restored, 1 completed, 2 there already, 0 rejected" in run.stdout and run.exit_code == 0
    assert empty.original(filled["red"]) == original
    assert restored(empty, backup) == ["duplicate"] * 3


def test_a_lost_thumbnail_that_no_original_makes_anew_comes_back(tmp_path, empty, backup, filled):
    place, _ = open_backup(backup, [])
    kept = replace(place.store.find(filled["red"]), original_at="/photos/red.png")
    empty.backups._store.add(kept, None, b"")
    assert sorted(restored(empty, backup)) == ["new", "new", "updated"]
    assert empty.thumbnail(filled["red"]) == place.store.thumbnail(filled["red"])
    assert empty.record(filled["red"]) == kept


def test_a_backup_goes_into_no_other_backup(backup, tmp_path):
    (tmp_path / "link").symlink_to(backup / "images")
    for place in (backup / "images" / "copy", backup / "deep" / "copy", tmp_path / "link" / "copy"):
        with pytest.raises(InvalidBackup, match="within another backup"), new_backup(place, []):
            pass
    (tmp_path / "others").mkdir()
    (tmp_path / "others" / MANIFEST).write_text("{}")
    with new_backup(tmp_path / "others" / "copy", []):
        pass


def test_an_original_that_is_lost_is_told_from_one_that_lies_elsewhere(tmp_path):
    store = MemoryStore()
    store.add(record(1), None, b"")
    store.add(replace(record(2), original_at="/photos/away.png"), None, b"")
    library = ImageLibrary(store, ready(NoEncoder()), MemoryDatabase())
    with new_backup(tmp_path / "another", []) as place:
        assert sorted(library.backups.write(place)) == ["lost", "without original"]


@pytest.mark.parametrize(
    "changed",
    [
        {"name": "a\0"},
        {"name": "\ud800"},
        {"width": 10**30},
        *({"ending": each} for each in ("j\0", "\ud800", "x" * 300, "json", "")),
    ],
    ids=str,
)
def test_a_record_that_no_library_has_written_costs_its_own_picture_alone(backup, empty, filled, changed):
    path = next(backup.rglob(f"{filled['red']}.json"))
    told = json.loads(path.read_text())
    if "ending" in changed:
        changed = {"img_path": told["img_path"].removesuffix("png") + changed["ending"]}
    path.write_text(json.dumps(told | changed))
    assert sorted(restored(empty, backup)) == ["new", "new", "rejected"]


@pytest.mark.parametrize("ending", ["png", "json", "thumb.jpg"])
@pytest.mark.parametrize("made", [os.mkfifo, os.mkdir, lambda path: write_sparse(path, 1 << 40)])
def test_what_is_no_file_of_ours_in_a_backup_costs_its_own_picture_alone(backup, empty, filled, ending, made):
    path = next(backup.rglob(f"{filled['red']}.{ending}"))
    path.unlink()
    made(path)
    assert sorted(restored(empty, backup))[:2] == ["new", "new"]


def test_vectors_that_are_damaged_or_no_file_cost_no_picture(backup, empty, filled):
    [path] = backup.rglob("*.vectors")
    whole = path.read_bytes()
    header, _, rows = whole.partition(b"\n")
    for damaged in (
        b"{" * 100_000,
        header + b"\n" + b"\xff" * 64 + rows[64:-7],
        whole.replace(b'"dim": 3', b'"dim": 0'),
    ):
        path.write_bytes(damaged)
        assert len(restored(empty, backup)) == 3
    path.unlink()
    os.mkfifo(path)
    assert restored(empty, backup) == ["duplicate"] * 3


def test_no_link_in_a_backup_is_followed(backup, empty, decided, tmp_path):
    secret, kept = tmp_path / "secret", next(backup.rglob(decided.name))
    secret.write_text("a secret")
    kept.unlink()
    kept.symlink_to(secret)
    decided.unlink()
    restored(empty, backup, [decided])
    assert not decided.exists()


def write_sparse(path, size):
    path.touch()
    os.truncate(path, size)


def test_vectors_that_are_none_are_left_out(backup, empty, filled):
    [path] = backup.rglob("*.vectors")
    (rows,) = read_vectors(path, 3)
    header = json.loads(path.read_bytes().split(b"\n")[0])
    rows[1][0] = np.nan
    rows[1][1] = 0
    write_vectors(path, header, 3, [rows])
    restored(empty, backup)
    assert empty.count_rows() == 1


@pytest.mark.parametrize(
    "manifest", [b"", b"[]", b'{"format": "x"}', b"\xff", b'{"format": "likeness backup", "version": 1}']
)
def test_what_is_no_backup_is_refused(tmp_path, manifest):
    (tmp_path / MANIFEST).write_bytes(manifest)
    with pytest.raises(InvalidBackup, match="no whole backup"):
        open_backup(tmp_path, [])


def test_a_backup_goes_only_into_a_folder_of_its_own(backup, tmp_path):
    (tmp_path / "file").write_text("")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "letter.txt").write_text("keep me")
    (tmp_path / "alike" / "images").mkdir(parents=True)
    (tmp_path / "alike" / "images" / "holiday.png").write_text("keep me")
    cases = {"backup": "already", "file": "is a file", "full": "not empty", "alike": "not empty"}
    cases |= {"s3://bucket/x": "on this machine"}
    for place, reason in cases.items():
        with pytest.raises(InvalidBackup, match=reason), new_backup(place if "://" in place else tmp_path / place, []):
            pass
    assert (tmp_path / "full" / "letter.txt").read_text() == "keep me"
    assert (tmp_path / "alike" / "images" / "holiday.png").read_text() == "keep me"
    (backup / MANIFEST).write_text('{"format": "likeness backup", "version": 2}')
    with pytest.raises(InvalidBackup, match="format version 2"):
        open_backup(backup, [])


@pytest.mark.parametrize("own", ["data/images/copy", "data/trash", "data", "pictures/ab/copy", "pictures/backups/copy"])
def test_a_backup_goes_into_no_folder_of_the_library_by_whatever_path(tmp_path, own):
    folders = [tmp_path / "data", tmp_path / "pictures"]
    for folder in folders:
        folder.mkdir()
    (tmp_path / "link").symlink_to(tmp_path)
    for place in (tmp_path / own, tmp_path / "link" / own, tmp_path / "data" / ".." / own):
        with pytest.raises(InvalidBackup, match="Name a folder elsewhere"), new_backup(place, [], folders):
            pass
    assert not any(list(folder.iterdir()) for folder in folders)


def test_a_command_may_write_where_the_app_keeps_its_backups(library, filled, tmp_path):
    with new_backup(tmp_path / "data" / "backups" / "monday", [], [tmp_path / "data"]) as place:
        assert list(library.backups.write(place)) == ["copied"] * 3


def test_the_app_names_its_backups_by_the_time(library, filled, tmp_path):
    make = backups_in(tmp_path / "backups", [])
    for _ in range(2):
        with make() as (name, place):
            list(library.backups.write(place))
        assert open_backup(tmp_path / "backups" / name, [])[1].pictures == 3


def test_a_program_has_the_app_back_up_where_that_is_allowed(library, filled, tmp_path):
    for edits in ("all", "add", "none"):
        with gr.Blocks() as page:
            add_backup_api(library, edits, backups_in(tmp_path / edits, []))
        [endpoint] = [each.fn for each in page.fns.values() if each.api_name == "backup"]
        if edits == "all":
            answer = endpoint()
            assert answer["pictures"] == open_backup(tmp_path / edits / answer["backup"], [])[1].pictures == 3
        else:
            with pytest.raises(gr.Error, match="EDITS"):
                endpoint()
            assert not (tmp_path / edits).exists()


def test_vectors_come_back_from_their_file_bit_by_bit(tmp_path):
    names = [record(number).content_id for number in range(2500)]
    vectors = unit_vectors(2500, 7)
    write_vectors(tmp_path / "a", {"x": 1}, 7, [(names[:1200], vectors[:1200]), (names[1200:], vectors[1200:])])
    read = list(read_vectors(tmp_path / "a", 7))
    assert [id for batch, _ in read for id in batch] == names
    assert np.array_equal(np.concatenate([rows for _, rows in read]), vectors)
