"""Calls the Python API over fakes: its arguments, its results and its errors."""

import sys
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import app
import python_api
from library.errors import (
    InvalidBackup,
    InvalidFilter,
    InvalidPack,
    InvalidQuery,
    LibraryClosed,
    RejectedImage,
    UnknownPicture,
    UnknownSource,
)
from library.search.parts import LibraryPart, PicturePart, TextPart
from python_api.html import contact_sheet
from python_api.library import Library
from python_api.options import Options
from python_api.pixels import png_bytes
from python_api.queries import parts_of
from python_api.sources import Reading, items_of, label_of
from settings import Settings, SettingsError
from testing.pictures import item

HOSTILE = '<img src=x onerror=alert(1)>".png'


@pytest.fixture
def opened(library):
    with Library(library) as opened:
        yield opened


@pytest.fixture
def filled(opened, picture):
    receipt = opened.add([item(f"{colour}.png", picture(colour)) for colour in ("red", "green", "blue")])
    assert repr(receipt) == "Receipt(3 new, 0 updated, 0 duplicate, 0 rejected, 0 skipped)"
    return opened


def pixels(data: bytes) -> np.ndarray:
    return np.asarray(Image.open(BytesIO(data)).convert("RGB"))


def test_a_map_says_where_in_a_hit_the_query_is_found(filled):
    hit = filled.search("red")[0]
    [heat] = filled.why(hit, ("red", 0.5))
    assert heat.found.values.shape == (4, 4) and heat.part.text == "red"
    assert [each.part.weight for each in filled.why(hit.content_id, ["red", ("blue", -1.0)])] == [1, -1]


# Pictures in memory


@pytest.mark.parametrize(
    "array",
    [
        np.full((4, 6, 3), 128, np.uint8),
        np.full((4, 6), 128, np.int64),
        np.full((4, 6, 1), 128, np.uint16),
        np.full((4, 6, 3), 128 / 255),
        np.concatenate([np.full((4, 6, 3), 128, np.uint8), np.full((4, 6, 1), 255, np.uint8)], axis=2),
    ],
)
def test_arrays_of_any_kind_become_the_same_pixels(array):
    assert (pixels(png_bytes(array)) == 128).all()


def test_an_array_of_truths_is_black_and_white():
    assert pixels(png_bytes(np.eye(2, dtype=bool)))[:, :, 0].tolist() == [[255, 0], [0, 255]]


@pytest.mark.parametrize("shape", [(5,), (0, 5), (4, 6, 2), (1, 4, 6, 3)])
def test_an_array_of_another_shape_is_refused(shape):
    with pytest.raises(RejectedImage, match="is no picture"):
        png_bytes(np.zeros(shape, np.uint8))


@pytest.mark.parametrize("value", [300, -1, float("nan"), 1.5])
def test_values_out_of_range_are_refused(value):
    with pytest.raises(RejectedImage, match="are possible"):
        png_bytes(np.full((4, 6), value))


def test_a_picture_of_pillow_is_kept_upright_in_any_mode():
    exif = Image.Exif()
    exif[0x0112] = 6
    buffer = BytesIO()
    Image.new("CMYK", (40, 20)).save(buffer, "JPEG", exif=exif)
    assert pixels(png_bytes(Image.open(buffer))).shape == (40, 20, 3)


# What is added


def test_a_list_of_anything_is_added_with_names(tmp_path, picture):
    (tmp_path / "red.png").write_bytes(picture("red"))
    array = np.zeros((4, 6), np.uint8)
    found = items_of([tmp_path / "red.png", picture("blue"), array, [item("own.png", b"")]], Reading(name="mine.png"))
    assert [each.name for each in found] == ["red.png", "mine 2.png", "mine 3.png", "own.png"]
    assert [each.source for each in found][1:3] == ["Python", "Python"]


def test_a_picture_of_pillow_has_the_name_of_the_file_it_was_opened_from(tmp_path, picture):
    (tmp_path / "red.png").write_bytes(picture("red"))
    [found] = items_of(Image.open(tmp_path / "red.png"))
    assert found.name == "red.png"


def test_a_table_brings_its_columns(tmp_path, picture):
    (tmp_path / "red.png").write_bytes(picture("red"))
    (tmp_path / "photos.csv").write_text("path,stars\nred.png,5\n")
    [found] = items_of(tmp_path / "photos.csv", Reading("path"))
    assert found.metadata == {"stars": 5}


def test_items_may_come_one_by_one(opened, picture):
    receipt = opened.add(item(f"{colour}.png", picture(colour)) for colour in ("red", "blue"))
    assert receipt.counts["new"] == 2


@pytest.mark.parametrize("given", [5, None, object()])
def test_what_is_no_picture_is_no_source(given):
    with pytest.raises(UnknownSource, match="a list of these is expected"):
        items_of(given)


def test_a_place_that_is_not_there_is_told(opened):
    with pytest.raises(UnknownSource, match="There is no file or folder nowhere"):
        opened.add("nowhere")


def test_the_history_calls_a_source_by_its_last_part():
    assert label_of("/srv/photos/holiday") == "holiday"
    assert label_of(["/srv/a.zip", Path("/srv/b.zip")]) == "a.zip, b.zip"
    assert label_of([b"", "a"]) == "Python"


# Queries


def test_a_query_is_a_text_a_picture_a_hit_or_a_list_with_weights(filled, tmp_path, picture):
    (tmp_path / "red.png").write_bytes(picture("red"))
    [hit] = filled.search("red", limit=1)
    array = np.zeros((4, 6), np.uint8)
    parts = parts_of(["red", ("blue", -0.5), tmp_path / "red.png", (array, 2), hit, TextPart("green")])
    assert [type(part) for part in parts] == [TextPart, TextPart, PicturePart, PicturePart, LibraryPart, TextPart]
    assert [part.weight for part in parts] == [1, -0.5, 1, 2, 1, 1]
    assert parts_of(("red", 0.5)) == (TextPart("red", 0.5),)


@pytest.mark.parametrize("given", [5, None, [None], ("red", "blue", 3)])
def test_what_is_no_query_is_refused(given):
    with pytest.raises(InvalidQuery, match="a list of these is expected"):
        parts_of(given)


@pytest.mark.parametrize("query", ["", " ", [], Path("nowhere.png"), [("red", -1)], ("red", 0)])
def test_a_query_that_cannot_be_is_told(filled, query):
    with pytest.raises(InvalidQuery):
        filled.search(query)


def test_a_text_that_names_a_file_is_words_and_the_log_tells_of_the_picture(filled, tmp_path, picture, caplog):
    file = tmp_path / "green.png"
    file.write_bytes(picture("green"))
    assert filled.search(file)[0].name == "green.png" and not caplog.messages
    assert filled.search(f"red {file}")[0].name == "red.png" and not caplog.messages
    filled.search(["red", str(file)])
    [told] = caplog.messages
    assert told.startswith(f"'{file}' was searched for as words, and a file has this name.")


def test_hits_are_a_sequence(filled):
    hits = filled.search("red")
    assert (len(hits), hits[0].name, [hit.name for hit in hits[:1]]) == (3, "red.png", ["red.png"])
    assert repr(hits).splitlines()[0] == "3 hits" and "red.png" in repr(hits)
    table = hits.to_pandas()
    assert list(table.columns[:4]) == ["score", "name", "path", "relevance"] and table["name"][0] == "red.png"


def test_a_hit_has_its_picture_and_where_it_lies(filled, picture):
    [hit] = filled.search("red", limit=1)
    assert hit.path == f"memory://{hit.record.img_path}"
    assert hit.original() == picture("red")
    assert hit.image().size == (hit.width, hit.height)
    assert max(hit.thumbnail().size) <= 384


def test_a_picture_in_place_lies_where_it_was(opened, tmp_path, picture):
    path = tmp_path / "red.png"
    path.write_bytes(picture("red"))
    opened.add(path, in_place=True)
    assert opened.search("red")[0].path == str(path)


def test_conditions_and_order_go_with_a_search_and_a_listing(filled):
    assert [hit.name for hit in filled.search("red", where="name^=b")] == ["blue.png"]
    listed = filled.pictures(where=["name^=b", "name^=g"], match="any", sort="name")
    assert [hit.name for hit in listed] == ["blue.png", "green.png"]
    assert all(np.isnan(hit.score) and hit.relevance is None for hit in listed)
    with pytest.raises(InvalidFilter):
        filled.search("red", where="nowhere")


# The library


def test_pictures_are_counted_and_deleted_by_hit_or_id(filled):
    red, green, blue = filled.pictures(sort="name")[::-1]
    assert red.content_id in filled and len(filled) == 3
    assert filled.delete(red) == 1 and filled.delete([green.content_id, blue]) == 2
    assert len(filled) == 0 and filled
    with pytest.raises(UnknownPicture):
        filled.delete(red)


def test_a_hit_is_in_the_library_until_it_is_deleted(filled):
    hit = filled.search("red", limit=1)[0]
    assert hit in filled and hit.content_id in filled
    filled.delete(hit)
    assert hit not in filled


def test_hits_are_a_query_as_a_list_of_them_is(filled):
    hits = filled.search("red")[:2]
    assert parts_of(hits) == parts_of(list(hits)) != ()


def test_a_closed_library_says_so(library):
    opened = Library(library)
    opened.close()
    opened.close()
    assert repr(opened) == "Library(closed)"
    with pytest.raises(LibraryClosed), opened:
        pass
    with pytest.raises(LibraryClosed, match="is closed"):
        opened.search("red")


def test_a_receipt_tells_what_was_rejected(opened, picture):
    receipt = opened.add([item("red.png", picture("red")), item(HOSTILE, b"text")])
    [rejected] = receipt.rejected
    assert rejected.path == HOSTILE and len(receipt.content_ids) == 1
    assert list(receipt.to_pandas()["status"]) == ["new", "rejected"]
    shown = receipt._repr_html_()
    assert "<th>rejected</th>" in shown and HOSTILE not in shown and "&lt;img src=x" in shown


def test_names_are_escaped_on_the_contact_sheet(opened, picture):
    opened.add(item(HOSTILE, picture("red")))
    shown = opened.search("red")._repr_html_()
    assert shown.count("data:image/jpeg;base64,") == 1
    assert "<img src=x" not in shown and "&lt;img src=x onerror=alert(1)&gt;" in shown
    assert shown.count('"') % 2 == 0


def test_a_sheet_without_a_confident_match_says_so(filled):
    assert "No confident match" in contact_sheet(filled.search("red"), confident=False)


def test_an_empty_sheet_says_that_nothing_matches():
    assert "No picture matches." in contact_sheet([])


def test_without_pandas_the_missing_package_is_named(filled, monkeypatch):
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(ModuleNotFoundError, match="pip install pandas"):
        filled.search("red").to_pandas()


# Settings


def test_settings_are_given_by_name_over_the_environment(monkeypatch, tmp_path):
    from settings import load_settings

    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CLIP_MODEL", "other")
    monkeypatch.setenv("MILVUS_DB", "one")
    settings = load_settings(clip_model="small", data_dir=tmp_path / "data", clip_others=["a", "b"], edits=None)
    assert (settings.clip_model, settings.milvus_db, settings.other_models) == ("small", "one", ["a", "b"])
    assert settings.data_dir == tmp_path / "data"


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"clip_modell": "small"}, "There is no setting clip_modell. Did you mean clip_model?"),
        ({"nowhere": 1}, "There is no setting nowhere. There are: data_dir, "),
        ({"clip_device": "tpu"}, "CLIP_DEVICE=tpu is not possible: auto, cpu, cuda, cuda:N or mps is expected."),
    ],
)
def test_a_setting_that_cannot_be_is_told_before_anything_is_opened(given, told, monkeypatch):
    monkeypatch.setattr(app, "build", lambda *_: pytest.fail("built"))
    with pytest.raises(SettingsError) as raised:
        app.open_library(**given)
    assert str(raised.value).startswith(told)


def test_every_setting_is_an_option_that_an_editor_knows():
    assert Options.__annotations__.keys() == Settings.model_fields.keys()


def test_the_classes_of_the_api_are_named_in_one_place(filled):
    hits = filled.search("red")
    assert (type(filled), type(hits), type(hits[0])) == (python_api.Library, python_api.Hits, python_api.Hit)
    assert isinstance(filled.add([]), python_api.Receipt)


def test_settings_and_single_settings_do_not_go_together():
    with pytest.raises(SettingsError, match="not both"):
        app.open_library(Settings(), clip_model="small")


# The trash, the doctor and backups


def test_what_was_deleted_is_listed_brought_back_and_removed_for_good(filled):
    red, green = filled.search("red")[0], filled.search("green")[0]
    assert filled.delete([red, green]) == 2
    assert {each.name for each in filled.trash()} == {"red.png", "green.png"}
    assert filled.restore(red.content_id) == 1
    assert red in filled and green not in filled
    assert (filled.empty_trash(), filled.trash(), filled.restore([])) == (1, [], 0)
    with pytest.raises(UnknownPicture):
        filled.restore(green.content_id)


def test_the_doctor_finds_what_is_missing_and_repairs_it(filled, store):
    assert list(filled.doctor().findings) == []
    [id] = [hit.content_id for hit in filled.search("red", limit=1)]
    store.add(store.find(id), None, b"")
    assert [each.kind for each in filled.doctor().findings] == ["thumbnail_missing"]
    assert list(filled.doctor(fix=True).findings) == []


def test_a_backup_fills_an_empty_library_without_encoding(filled, tmp_path):
    assert filled.backup(tmp_path / "backup", progress=False) == 3
    filled.delete([hit.content_id for hit in filled.pictures()])
    filled.empty_trash()
    receipt = filled.restore_backup(tmp_path / "backup", progress=False)
    assert repr(receipt) == "RestoredBackup(3 new, 0 updated, 0 duplicate, 0 rejected, 0 skipped)"
    assert (receipt.missing, receipt.without_original, receipt.without_vector) == (0, [], {})
    assert filled.search("red")[0].name == "red.png"


def test_what_a_backup_lacks_is_told_by_what_restores_it(filled, tmp_path):
    red, green = (filled.search(colour, limit=1)[0].content_id for colour in ("red", "green"))
    filled.backup(tmp_path / "backup", progress=False)
    filled.delete([red, green])
    for lacking in (f"{red}.json", f"{green}.png"):
        next((tmp_path / "backup").rglob(lacking)).unlink()
    receipt = filled.restore_backup(tmp_path / "backup", progress=False)
    assert receipt.missing == 1 and [each.content_id for each in receipt.without_original] == [green]
    assert "1 missing, 1 without their original" in repr(receipt)
    filled.delete([green])
    filled.empty_trash()
    next((tmp_path / "backup").rglob("*.vectors")).unlink()
    receipt = filled.restore_backup(tmp_path / "backup", progress=False)
    assert list(receipt.without_vector.values()) == [1] and "1 without a vector in colour" in repr(receipt)


@pytest.mark.parametrize("write", [Library.backup, Library.export])
def test_nothing_is_written_among_the_files_of_the_library(library, filled, tmp_path, write):
    own = tmp_path / "data"
    with pytest.raises((InvalidBackup, InvalidPack), match="keeps its own files"):
        write(Library(library, [own]), own / "images" / "copy", progress=False)
    assert not own.exists()
