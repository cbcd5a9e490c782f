"""Adds pictures from places of the server and from uploaded archives through the page's controls."""

import zipfile
from io import BytesIO

import pytest

from db.files.run_log import RunLog
from db.sources.files import AllowedSources
from db.sources.readers import SourceReader
from library.image_library import ImageLibrary
from library.images import content_id
from library.ingest.runs import Worker
from testing.fakes import ColourEncoder, ready
from ui.handlers.page import PageHandlers
from ui.handlers.uploads import NO_RUN


@pytest.fixture
def archive(tmp_path, picture):
    folder = tmp_path / "archive"
    folder.mkdir()
    for colour in ("red", "blue"):
        (folder / f"{colour}.png").write_bytes(picture(colour))
    return folder


@pytest.fixture
def at_rights(store, database, archive, tmp_path):
    """Returns handlers of an app that allows the archive, by EDITS."""
    library = ImageLibrary(
        store, ready(ColourEncoder()), database, SourceReader().read, RunLog(tmp_path / "runs.jsonl")
    )
    worker = Worker(library)
    yield lambda edits: PageHandlers.build(library, worker, edits, tmp_path / "uploads", AllowedSources([str(archive)]))
    worker.close()


def ended(handlers, run_id):
    assert handlers.uploads._worker.find(run_id).over.wait(20)
    return handlers.uploads.follow(run_id)[0]


@pytest.mark.parametrize("in_place", [False, True])
def test_an_allowed_folder_is_taken_in_copied_or_left_in_place(at_rights, store, archive, picture, in_place):
    handlers = at_rights("all")
    shown, run_id = handlers.uploads.add_from_server({"source": str(archive), "in_place": in_place})
    assert shown["total"] is None
    value = ended(handlers, run_id)
    assert (value["state"], value["counts"]["new"], value["source"]) == ("done", 2, "archive")
    assert (store._pictures[content_id(picture("red"))][1] is None) == in_place
    [past] = handlers.uploads.past_runs()["runs"]
    assert (past["source"], past["outcome"], past["counts"]) == ("archive", "done", {"new": 2})


@pytest.mark.parametrize("edits", ["add", "none"])
def test_it_needs_the_right_to_change_everything(at_rights, archive, edits):
    handlers = at_rights(edits)
    shown, run_id = handlers.uploads.add_from_server({"source": str(archive)})
    assert (shown["state"], shown["kind"], run_id) == ("error", "NotAllowed", None)
    assert handlers.uploads.follow(None) == (NO_RUN, None)


@pytest.mark.parametrize("data", [{"source": "/etc"}, {"source": ["x"]}, {}, None, "x", 5])
def test_anything_else_is_one_sentence(at_rights, data):
    shown, run_id = at_rights("all").uploads.add_from_server(data)
    assert (shown["state"], run_id) == ("error", None)
    assert "SOURCES_ALLOWED" in shown["detail"] or "No place is named" in shown["detail"]


def test_the_pictures_of_an_allowed_table_come_with_its_columns(at_rights, archive, store, picture):
    table = archive / "photos.csv"
    table.write_text("where,class\nred.png,rose\nblue.png,sky\n")
    handlers = at_rights("all")
    _, run_id = handlers.uploads.add_from_server({"source": str(table), "image_column": "where"})
    assert ended(handlers, run_id)["counts"]["new"] == 2
    assert store.find(content_id(picture("red"))).metadata == {"class": "rose"}


def test_a_row_that_names_a_place_elsewhere_is_skipped(at_rights, archive, tmp_path, picture):
    (tmp_path / "secret.png").write_bytes(picture("green"))
    (archive / "link.png").symlink_to(tmp_path / "secret.png")
    elsewhere = ["../secret.png", str(tmp_path / "secret.png"), "link.png", "https://example.org/a.png", "s3://a/b.png"]
    table = archive / "photos.csv"
    table.write_text("\n".join(["where", *elsewhere, "red.png"]))
    handlers = at_rights("all")
    _, run_id = handlers.uploads.add_from_server({"source": str(table), "image_column": "where"})
    value = ended(handlers, run_id)
    assert [each["status"] for each in value["receipts"]] == ["skipped"] * 5 + ["new"]
    assert all("SOURCES_ALLOWED" in each["reason"] for each in value["receipts"][:5])


def test_a_link_in_an_allowed_folder_leads_nowhere_else(at_rights, archive, store, tmp_path, picture):
    (tmp_path / "elsewhere").mkdir()
    for place in (tmp_path / "secret.png", tmp_path / "elsewhere" / "secret.png"):
        place.write_bytes(picture("green"))
    (archive / "link.png").symlink_to(tmp_path / "secret.png")
    (archive / "folder").symlink_to(tmp_path / "elsewhere")
    (archive / "inner.png").symlink_to(archive / "red.png")
    handlers = at_rights("all")
    _, run_id = handlers.uploads.add_from_server({"source": str(archive)})
    receipts = ended(handlers, run_id)["receipts"]
    assert [each["status"] for each in receipts if "link.png" in each["name"]] == ["skipped"]
    assert store.find(content_id(picture("red"))) and store.find(content_id(picture("green"))) is None


@pytest.mark.parametrize("within", ["*", "*.png", "**/*.png", "*/*.png"])
def test_a_link_that_matches_a_pattern_is_left_out_alone(at_rights, archive, store, tmp_path, picture, within):
    (tmp_path / "elsewhere").mkdir()
    (archive / "inner").mkdir()
    (archive / "inner" / "white.png").write_bytes(picture("white"))
    for place in (tmp_path / "secret.png", tmp_path / "elsewhere" / "secret.png"):
        place.write_bytes(picture("green"))
    for folder in (archive, archive / "inner"):
        (folder / "link.png").symlink_to(tmp_path / "secret.png")
        (folder / "folder.png").symlink_to(tmp_path / "elsewhere")
    handlers = at_rights("all")
    _, run_id = handlers.uploads.add_from_server({"source": str(archive / within)})
    value = ended(handlers, run_id)
    assert value["state"] == "done" and value["counts"]["new"] >= 1
    assert all("SOURCES_ALLOWED" in each["reason"] for each in value["receipts"] if "link.png" in each["name"])
    assert {each["status"] for each in value["receipts"] if "png" in each["name"]} == {"new", "skipped"}
    assert store.find(content_id(picture("green"))) is None


TAKEOUT = "takeout-20200501T120000Z"
XMP = """<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description xmlns:p="http://ns.adobe.com/photoshop/1.0/" p:City="secret"/></rdf:RDF>"""
SECRETS = {
    "red.png.xmp": XMP,
    "blue.xmp": XMP,
    "red.png.json": '{"photoTakenTime": {"timestamp": "1588336200"}, "description": "secret"}',
    "metadata.json": '{"title": "secret", "description": ""}',
}


@pytest.fixture
def linked_out(archive, tmp_path, picture):
    """Fills a folder with links to the sidecars and the part of a Takeout that lie in another one."""
    secret = tmp_path / "secret"
    secret.mkdir()
    for name, text in SECRETS.items():
        (secret / name).write_text(text)
    (archive / f"{TAKEOUT}-001.zip").write_bytes(zipped(green=picture("green")))
    with zipfile.ZipFile(secret / f"{TAKEOUT}-002.zip", "w") as part:
        part.writestr("2019/green.png.json", SECRETS["red.png.json"])
        for name in ("2019/white.png", "2019//white.png"):
            part.writestr(name, picture("white"))
    for each in secret.iterdir():
        (archive / each.name).symlink_to(each)
    (archive / "photos.csv").write_text("where\nred.png\n")
    return archive


@pytest.mark.parametrize("within", ["", "blue.png", "*.png", f"{TAKEOUT}-001.zip", f"{TAKEOUT}-*", "photos.csv"])
def test_the_sidecars_of_an_allowed_folder_lead_nowhere_else(at_rights, linked_out, store, picture, within):
    handlers = at_rights("all")
    _, run_id = handlers.uploads.add_from_server({"source": str(linked_out / within), "image_column": "where"})
    assert ended(handlers, run_id)["counts"]["new"] >= 1
    assert store.find(content_id(picture("white"))) is None
    assert not any(record.metadata for record in store.find_all(store.ids()))


@pytest.mark.parametrize(("column", "said"), [("", "name the column"), ("path", "has no column path. It has where")])
def test_a_table_without_the_column_is_one_sentence(at_rights, archive, column, said):
    (archive / "photos.csv").write_text("where\nred.png\n")
    shown, run_id = at_rights("all").uploads.add_from_server(
        {"source": str(archive / "photos.csv"), "image_column": column}
    )
    assert (shown["state"], run_id) == ("error", None)
    assert said in shown["detail"]


def test_a_place_that_is_not_there_is_named(at_rights, archive):
    shown, _ = at_rights("all").uploads.add_from_server({"source": str(archive / "2020")})
    assert shown["detail"].startswith(f"There is no file or folder {archive / '2020'}. ")


def uploaded(folder, name, data):
    folder.mkdir(exist_ok=True)
    (folder / name).write_bytes(data)
    return {"path": str(folder / name), "name": name}


def zipped(**files):
    buffer = BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, data in files.items():
            archive.writestr(f"2019/{name}.png", data)
    return buffer.getvalue()


def test_an_uploaded_archive_is_taken_in_picture_by_picture(at_rights, tmp_path, picture):
    handlers = at_rights("add")
    archive = uploaded(tmp_path / "uploads", "album.zip", zipped(red=picture("red"), text=b"text"))
    plain = uploaded(tmp_path / "uploads", "blue.png", picture("blue"))
    shown, run_id = handlers.uploads.add({"files": [archive, plain]})
    assert shown["total"] is None
    receipts = [(each["name"], each["status"]) for each in ended(handlers, run_id)["receipts"]]
    assert receipts == [("album.zip/2019/red.png", "new"), ("album.zip/2019/text.png", "rejected"), ("blue.png", "new")]


def test_a_damaged_archive_is_one_rejected_file(at_rights, tmp_path):
    handlers = at_rights("add")
    _, run_id = handlers.uploads.add({"files": [uploaded(tmp_path / "uploads", "album.zip", b"no archive")]})
    [receipt] = ended(handlers, run_id)["receipts"]
    assert receipt["status"] == "rejected" and "plain text" in receipt["reason"]


def test_without_archives_the_number_of_files_is_known(at_rights, tmp_path, picture):
    shown, _ = at_rights("add").uploads.add({"files": [uploaded(tmp_path / "uploads", "red.png", picture("red"))]})
    assert shown["total"] == 1


def test_a_bad_row_of_an_allowed_table_is_rejected_with_its_own_reason(at_rights, archive):
    (archive / "photos.jsonl").write_text('{"where": "a\\u0000b.png"}\n{\n{"where": "red.png"}\n')
    handlers = at_rights("all")
    _, run_id = handlers.uploads.add_from_server({"source": str(archive / "photos.jsonl"), "image_column": "where"})
    receipts = ended(handlers, run_id)["receipts"]
    reasons = [each["reason"] for each in receipts if each["status"] == "rejected"]
    assert "holds a NUL" in reasons[0] and "no JSON" in reasons[1] and len(reasons) == 2
