"""Checks the doctor: what it finds in the image store and the collections, and what it repairs."""

import errno
import os
import time
from dataclasses import replace

import numpy as np
import pytest
from typer.testing import CliRunner

from commands.main import commands
from db.files.dropped_files import DroppedFiles
from db.images import local
from db.images.local import LocalImageStore
from library.errors import StoreUnavailable, UnknownPicture
from library.ingest.runs import Worker
from library.records import Record
from library.search.query import Query
from testing.fakes import ColourEncoder
from testing.pictures import record, unit_vectors
from ui.handlers.doctor import DoctorHandlers


@pytest.fixture
def store(tmp_path):
    return LocalImageStore(tmp_path / "images")


@pytest.fixture
def folder(tmp_path, filled):
    """Returns the folder of a library of three pictures that are two hours old."""
    folder = tmp_path / "images"
    old = time.time() - 7200
    for path in folder.rglob("*.*"):
        os.utime(path, (old, old))
    return folder


@pytest.fixture
def index(library, database, filled):
    return database.collection(ColourEncoder.info)


def findings(library):
    return {finding.kind: finding for finding in library.doctor.examine().findings}


def repaired(library):
    """Returns what is left after repairing all that can be."""
    return [finding.kind for finding in library.doctor.repaired(library.doctor.examine()).findings]


def path_of(folder, id, ending):
    return folder / id[:2] / f"{id}.{ending}"


def test_a_sound_library_is_well(library, folder):
    report = library.doctor.examine()
    assert (report.pictures, report.collections, report.findings, report.repairable) == (3, 1, [], 0)


def test_a_missing_or_empty_thumbnail_is_made_anew(library, store, folder, filled):
    before = store.thumbnail(filled["red"])
    path_of(folder, filled["red"], "thumb.jpg").unlink()
    path_of(folder, filled["blue"], "thumb.jpg").write_bytes(b"")
    assert set(findings(library)["thumbnail_missing"].subjects) == {filled["red"], filled["blue"]}
    assert repaired(library) == []
    assert store.thumbnail(filled["red"]) == before


@pytest.mark.parametrize(
    "spoilt", [lambda whole: b"garbage", lambda whole: whole[:-9], lambda whole: whole[:-9] + bytes(9)]
)
def test_a_thumbnail_that_is_garbage_or_cut_short_is_made_anew(library, store, folder, filled, spoilt):
    before = store.thumbnail(filled["red"])
    path_of(folder, filled["red"], "thumb.jpg").write_bytes(spoilt(before))
    assert findings(library)["thumbnail_damaged"].subjects == (filled["red"],)
    assert repaired(library) == []
    assert store.thumbnail(filled["red"]) == before


def test_a_picture_without_a_row_is_encoded(library, database, index, filled):
    database.delete([library.record(filled["red"]).img_path])
    assert findings(library)["row_missing"].subjects == (filled["red"],)
    assert repaired(library) == []
    assert library.search(Query.of("red")).hits[0].record.name == "red.png"


def test_pictures_without_the_collection_of_the_model_are_all_told_and_encoded(library, database, index, filled):
    database.drop(database.name_of(ColourEncoder.info))
    report = library.doctor.examine()
    assert [(each.kind, set(each.subjects)) for each in report.findings] == [("row_missing", {*filled.values()})]
    assert report.collections == 0
    assert repaired(library) == []
    assert library.search(Query.of("red")).hits[0].record.name == "red.png"


def test_a_row_without_a_picture_is_removed(library, database, index, folder):
    index.upsert([record(9)], np.stack(unit_vectors(1, 3)))
    assert findings(library)["row_surplus"].subjects == (record(9).img_path,)
    assert repaired(library) == []
    assert library.count_rows() == 3


def test_rows_that_are_mostly_of_other_pictures_are_left_alone(library, index, folder):
    index.upsert([record(number) for number in range(9)], np.stack(unit_vectors(9, 3)))
    finding = findings(library)["row_elsewhere"]
    assert (finding.count, finding.repairable) == (9, False)
    assert repaired(library) == ["row_elsewhere"]
    assert library.count_rows() == 12


def test_a_row_that_says_something_else_is_put_right(library, index, filled):
    right = library.record(filled["red"])
    with index.loaded() as loaded:
        vector = loaded.vectors([right.img_path])[filled["red"]]
    for wrong in (replace(right, name="x"), replace(right, width="wide"), replace(right, metadata={"a": 1})):
        index.upsert([wrong], np.stack([vector]))
        assert findings(library)["row_other"].subjects == (filled["red"],)
        assert repaired(library) == []
        with index.loaded() as loaded:
            assert loaded.rows()[right.img_path] == right


def test_a_damaged_record_is_written_anew_from_its_row(library, store, folder, filled):
    right = store.find(filled["red"])
    path_of(folder, filled["red"], "json").write_text('{"name": 3}')
    assert findings(library)["record_damaged"].subjects == (filled["red"],)
    assert repaired(library) == []
    assert store.find(filled["red"]) == right


def test_an_original_without_record_comes_back_where_it_has_a_row(library, store, folder, filled):
    right = store.find(filled["red"])
    path_of(folder, filled["red"], "json").unlink()
    assert findings(library)["orphan"].subjects == (filled["red"],)
    assert repaired(library) == []
    assert store.find(filled["red"]) == right


def test_what_is_lost_with_an_original_is_not_called_repairable(library, index, folder, filled):
    index.delete([library.record(id).img_path for id in filled.values()])
    for colour, ending in (("red", "png"), ("red", "thumb.jpg"), ("green", "png"), ("blue", "thumb.jpg")):
        path_of(folder, filled[colour], ending).unlink()
    report = library.doctor.examine()
    told = {(each.kind, each.repairable): each.count for each in report.findings}
    rows = {("row_missing", True): 1, ("row_missing", False): 2}
    assert told == rows | {("original_missing", False): 2, **{("thumbnail_missing", each): 1 for each in (True, False)}}
    left = library.doctor.repaired(report)
    assert left.repairable == 0 and {each.kind: each.count for each in left.findings}["row_missing"] == 2


def test_an_original_without_record_and_row_goes_to_the_trash(library, store, database, index, folder, filled):
    database.delete([library.record(filled["red"]).img_path])
    path_of(folder, filled["red"], "json").unlink()
    assert repaired(library) == []
    (entry,) = library.trash.pictures(0, 9)
    assert entry.record.content_id == filled["red"] and store.count() == 2
    library.trash.restore([filled["red"]])
    assert library.original(filled["red"])


def test_what_is_left_of_a_killed_delete_or_add_is_removed(library, folder, database, index, filled):
    database.delete([library.record(filled["red"]).img_path])
    path_of(folder, filled["red"], "json").unlink()
    path_of(folder, filled["red"], "png").unlink()
    partial = folder / filled["red"][:2] / ".0.partial"
    partial.write_bytes(b"")
    os.utime(partial, (0, 0))
    assert {"orphan", "partial"} <= findings(library).keys()
    assert repaired(library) == []
    assert not list(folder.rglob(f"{filled['red']}.*")) and not partial.exists()


def test_foreign_files_are_told_wherever_they_lie_and_moved_out_but_never_removed(library, folder, filled):
    id = filled["red"]
    strays = ["notes.txt", f"{id}.png", f"zz/{id}.json", f"{id[:2]}/deeper/a.png", f"{id[:2]}/{id}.gif", "ab/.DS_Store"]
    for name in strays:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(name)
    (folder / "link").symlink_to("nowhere")
    assert findings(library)["foreign"].subjects == tuple(sorted([*strays, "link"]))
    assert repaired(library) == []
    aside = folder.with_name("images-foreign")
    assert all((aside / name).read_text() == name and not (folder / name).exists() for name in strays)
    (folder / "notes.txt").write_text("other")
    assert repaired(library) == [] and (aside / "notes.txt.again").read_text() == "other"
    assert len(library.browse(0, 9)) == library.status().pictures == 3


def test_a_folder_in_the_place_of_a_file_is_one_finding_and_all_others_are_repaired(library, store, folder, filled):
    (red, green, blue), entry = filled.values(), "0" * 64
    in_the_way = [
        path_of(folder, red, "json"),
        path_of(folder, green, "thumb.jpg"),
        path_of(folder, entry, "trash"),
    ]
    for path in in_the_way:
        path.unlink(missing_ok=True)
        path.mkdir(parents=True)
    path_of(folder, blue, "thumb.jpg").unlink()
    found = findings(library)
    assert set(found["foreign"].subjects) == {path.relative_to(folder).as_posix() for path in in_the_way}
    assert found["thumbnail_missing"].count == 2 and store.count() == 2
    assert repaired(library) == [] and store.count() == 3
    assert not any(path.is_dir() for path in in_the_way)


def test_a_folder_in_the_place_of_an_original_is_named_and_moved_out(library, folder, filled):
    original = next(folder.glob(f"*/{filled['red']}.png"))
    original.unlink()
    original.mkdir()
    found = findings(library)
    assert found["foreign"].subjects == (original.relative_to(folder).as_posix(),)
    assert repaired(library) == ["original_missing"]


@pytest.mark.parametrize(
    "put", [os.mkfifo, lambda path: path.symlink_to("/dev/zero"), lambda path: path.symlink_to("/")]
)
def test_what_is_no_file_is_never_opened_but_listed_and_moved_out(library, store, folder, filled, put):
    red, green, blue = filled.values()
    odd = [path_of(folder, red, "json"), path_of(folder, green, "thumb.jpg"), path_of(folder, blue, "png")]
    odd.append(path_of(folder, "0" * 64, "trash"))
    for path in odd:
        path.unlink(missing_ok=True)
        path.parent.mkdir(exist_ok=True)
        put(path)
    assert store.find(red) is None and store.count() == 2
    assert store.trashed() == {} and store.find_trashed(["0" * 64]) == []
    for read in (lambda: store.thumbnail(green), lambda: store.original(blue)):
        with pytest.raises(StoreUnavailable, match="a pipe, a device or a link, not a file"):
            read()
    assert set(findings(library)["foreign"].subjects) == {path.relative_to(folder).as_posix() for path in odd}
    assert repaired(library) == ["original_missing"]
    assert not any(path.is_symlink() or path.is_fifo() for path in odd)


def test_a_folder_of_the_store_that_is_a_link_is_not_followed_but_listed_and_moved_out(
    library, store, folder, filled, tmp_path
):
    red = filled["red"]
    linked, elsewhere = path_of(folder, red, "json").parent, tmp_path / "elsewhere"
    linked.rename(elsewhere)
    linked.symlink_to(elsewhere)
    before = sorted(elsewhere.iterdir())
    assert store.find(red) is None and red not in store.ids()
    for change in (lambda: store.thumbnail(red), lambda: store.add(record_in(elsewhere), b"another", b"")):
        with pytest.raises(StoreUnavailable, match="a pipe, a device or a link, not a file"):
            change()
    store.delete(red)
    assert sorted(elsewhere.iterdir()) == before
    assert findings(library)["foreign"].subjects == (red[:2],)
    repaired(library)
    assert not linked.is_symlink() and sorted(elsewhere.iterdir()) == before


def record_in(folder):
    return Record.from_json(next(folder.glob("*.json")).read_text())


@pytest.mark.parametrize("ending", ["json", "png", "thumb.jpg"])
def test_a_file_that_cannot_be_read_is_one_finding(library, database, index, folder, filled, monkeypatch, ending):
    closed, read = path_of(folder, filled["red"], ending), local.read_own

    def read_bytes(path, *most):
        if path == closed:
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return read(path, *most)

    monkeypatch.setattr(local, "read_own", read_bytes)
    path_of(folder, filled["blue"], "thumb.jpg").unlink()
    database.delete([library.record(filled["green"]).img_path])
    found = findings(library)
    assert found["unreadable"].subjects == (closed.relative_to(folder).as_posix(),)
    assert found["thumbnail_missing"].subjects == (filled["blue"],)
    assert set(found) == {"unreadable", "thumbnail_missing", "row_missing"}
    assert repaired(library) == ["unreadable"]


def test_files_in_the_trash_that_hold_no_collection_are_told_and_left(tmp_path):
    (tmp_path / "model_1.vectors").write_bytes(b"damaged")
    (tmp_path / "deeper").mkdir()
    (tmp_path / "deeper" / "notes.txt").write_bytes(b"")
    (tmp_path / ".0.partial").write_bytes(b"")
    assert DroppedFiles(tmp_path).foreign() == ["deeper/notes.txt", "model_1.vectors"]


def test_young_files_are_left_to_the_process_that_writes_them(library, folder, filled):
    path_of(folder, filled["red"], "json").unlink()
    for path in folder.rglob("*.png"):
        os.utime(path)
    assert "orphan" not in findings(library)


def test_the_row_of_a_picture_that_lost_its_record_just_now_stays_until_it_brings_the_picture_back(
    library, store, folder, filled
):
    right = store.find(filled["red"])
    path_of(folder, filled["red"], "json").unlink()
    os.utime(path_of(folder, filled["red"], "png"))
    assert findings(library) == {}
    os.utime(path_of(folder, filled["red"], "png"), (0, 0))
    assert repaired(library) == []
    assert store.find(filled["red"]) == right


def test_the_row_of_a_damaged_record_that_nothing_can_be_written_from_stays(library, index, folder, filled):
    path_of(folder, filled["red"], "json").write_text("{}")
    path_of(folder, filled["red"], "png").unlink()
    assert repaired(library) == ["record_damaged"]
    assert library.count_rows() == 3


def test_an_original_of_other_bytes_or_without_any_is_told_and_left(library, folder, filled):
    path_of(folder, filled["red"], "png").write_bytes(b"other")
    path_of(folder, filled["blue"], "png").unlink()
    path_of(folder, filled["blue"], "png").symlink_to("nowhere")
    found = findings(library)
    assert (found["original_other"].subjects, found["original_missing"].subjects) == (
        (filled["red"],),
        (filled["blue"],),
    )
    assert repaired(library) == ["original_missing", "original_other"]


def test_an_index_that_is_wrong_or_half_rebuilt_is_repaired(library, index, filled):
    index.wrong = ["index_wrong", "rebuild_unfinished"]
    assert {"index_wrong", "rebuild_unfinished"} <= findings(library).keys()
    assert repaired(library) == []


def test_pictures_in_the_trash_are_no_orphans(library, folder, filled):
    library.delete([filled["red"]])
    for path in folder.rglob("*.*"):
        os.utime(path, (time.time() - 7200,) * 2)
    assert library.doctor.examine().findings == []


def test_a_damaged_entry_of_the_trash_is_made_anew_from_the_original(library, store, folder, filled, picture):
    red, green, _ = filled.values()
    library.delete([red, green])
    for path in (path_of(folder, red, "trash"), path_of(folder, green, "trash")):
        path.write_text(path.read_text().replace('"deleted": "', '"deleted": "garbage') if green in path.name else "{")
        os.utime(path, (0, 0))
    assert library.trash.sweep() == 0 and path_of(folder, red, "png").exists()
    with pytest.raises(UnknownPicture, match="doctor --fix"):
        library.trash.restore([red])
    assert findings(library)["trash_damaged"].count == 2
    assert repaired(library) == [] and library.trash.damaged() == []
    library.trash.restore([red])
    assert library.original(red) == picture("red")


def test_a_damaged_entry_whose_original_is_gone_is_removed_by_a_repair(library, store, folder, filled):
    library.delete([filled["red"]])
    path_of(folder, filled["red"], "trash").write_text("{")
    path_of(folder, filled["red"], "png").unlink()
    assert repaired(library) == [] and store.trashed() == {}


def test_files_that_are_too_young_to_be_looked_at_are_counted(library, folder, filled):
    path_of(folder, filled["red"], "json").unlink()
    os.utime(path_of(folder, filled["red"], "png"))
    (folder / filled["red"][:2] / ".0.partial").write_bytes(b"")
    report = library.doctor.examine()
    assert (report.findings, report.young, report.as_json()["young"]) == ([], 2, 2)


def test_what_another_repair_has_put_right_meanwhile_is_left_as_it_is(library, store, folder, filled):
    red, green, blue = filled.values()
    record_in_the_way = path_of(folder, red, "json")
    record_in_the_way.unlink()
    record_in_the_way.mkdir()
    path_of(folder, green, "json").unlink()
    path_of(folder, blue, "json").write_text("{}")
    one, other = library.doctor.examine(), library.doctor.examine()
    library.doctor.repair(one)
    after = {path: path.read_bytes() for path in folder.rglob("*.*")}
    library.doctor.repair(other)
    assert {path: path.read_bytes() for path in folder.rglob("*.*")} == after and store.count() == 3


@pytest.mark.parametrize("after", [0, 1, 2])
def test_a_repair_that_is_stopped_leaves_the_rest_to_the_next(library, folder, filled, after):
    for id in filled.values():
        path_of(folder, id, "thumb.jpg").unlink()
    asked = iter([False] * (after + 1))
    assert library.doctor.repaired(library.doctor.examine(), should_stop=lambda: next(asked, True)) is None
    assert findings(library)["thumbnail_missing"].count == 3 - after
    assert repaired(library) == []


def test_a_check_that_is_stopped_changes_and_says_nothing(library, folder):
    assert library.doctor.examine(should_stop=lambda: True) is None


def test_the_page_shows_what_was_found_and_repairs_it(library, folder, filled):
    worker = Worker(library)
    handlers = DoctorHandlers(library, worker, "all")
    path_of(folder, filled["red"], "thumb.jpg").unlink()
    assert handlers.repair()["problem"] == "Nothing has been checked yet. Check the library first."
    handlers.check()
    assert worker.doctor.latest.over.wait(30)
    report = handlers.view()["report"]
    assert [each["kind"] for each in report["findings"]] == ["thumbnail_missing"] and report["repairable"] == 1
    handlers.repair()
    assert worker.doctor.latest.over.wait(30)
    assert handlers.view()["report"]["findings"] == []
    for edits in ("none", "add"):
        refused = DoctorHandlers(library, worker, edits)
        for answer in (refused.view(), refused.check(), refused.repair(), refused.stop()):
            assert answer["problem"] and answer["report"] is None
    worker.close()


def test_the_page_is_told_that_a_check_was_stopped_and_of_when_the_earlier_report_is(library, filled, monkeypatch):
    worker = Worker(library)
    handlers = DoctorHandlers(library, worker, "all")
    handlers.check()
    assert worker.doctor.latest.over.wait(30)
    earlier = handlers.view()
    monkeypatch.setattr(library.doctor, "examine", lambda *_: None)  # as when it is stopped
    handlers.check()
    assert worker.doctor.latest.over.wait(30)
    shown = handlers.view()
    assert (earlier["state"], shown["state"]) == ("done", "stopped")
    assert shown["report"] == earlier["report"] and shown["reported"] == earlier["reported"] != ""
    worker.close()


def test_the_command_asks_before_it_repairs(library, folder, filled, tmp_path, monkeypatch):
    for name, value in (("DATA_DIR", str(tmp_path / "data")), ("CLIP_MODEL", "small")):
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(library, "open", lambda: None)
    monkeypatch.setattr(library, "close", lambda: None)

    def run(*arguments, answer=""):
        return CliRunner().invoke(commands, ["doctor", *arguments], obj=lambda *_, **__: library, input=answer)

    assert run().exit_code == 0
    thumbnail = path_of(folder, filled["red"], "thumb.jpg")
    thumbnail.unlink()
    assert (run().exit_code, run("--fix", answer="n\n").exit_code, thumbnail.exists()) == (1, 1, False)
    unanswered = run("--fix")
    assert (
        unanswered.exit_code == 1 and "Nothing was changed. Nobody is there to answer: give --yes" in unanswered.stderr
    )
    assert '"kind": "thumbnail_missing"' in run("--json").stdout
    assert run("--fix", "--yes").exit_code == 0 and thumbnail.exists()
