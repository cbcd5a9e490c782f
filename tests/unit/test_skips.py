"""Counts what an import has left out, by the reason."""

import json
import os

import pytest
from typer.testing import CliRunner

import commands.main
from library.ingest.receipts import FileReceipt
from library.ingest.skips import COUNTED, skipped_by_reason, skips_told
from library.messages import languages, message, render
from library.records import Record
from python_api.receipt import Receipt


def skipped(code, count):
    return [FileReceipt("x", "skipped", reason=message(code))] * count


RECEIPTS = [*skipped("hidden", 8), *skipped("system_folder", 3), *skipped("link_to_nothing", 1), *skipped("gone", 1)]


def test_each_reason_is_counted_in_words():
    assert ", ".join(map(str, skips_told(skipped_by_reason(RECEIPTS)))) == (
        "8 hidden files, 3 folders of the operating system, 1 link that leads nowhere, 1 for another reason"
    )


@pytest.mark.parametrize("language", languages())
def test_every_reason_is_told_in_every_language(language):
    for code in COUNTED:
        [one], [many] = skips_told({code: 1}), skips_told({code: 2})
        assert "1" in render(one, language) and "2" in render(many, language)
        assert render(many, language) != render(many, "en") or language == "en"


def test_what_was_not_skipped_is_not_counted():
    assert skipped_by_reason([FileReceipt("a", "new"), FileReceipt("b", "rejected", reason=message("damaged"))]) == {}


def test_a_receipt_of_the_python_api_counts_them():
    receipt = Receipt(RECEIPTS)
    assert receipt.skipped_by_reason == {"hidden": 8, "system_folder": 3, "link_to_nothing": 1, "gone": 1}
    assert "13 skipped: 8 hidden files, 3 folders of the operating system" in repr(receipt)
    assert "8 hidden files" in receipt._repr_html_()


@pytest.fixture
def run(library, tmp_path, monkeypatch):
    """Returns a function: run("ingest", "photos") gives the exit code and what was printed."""
    for name in [name for name in os.environ if name.startswith(("CLIP_", "MILVUS_", "DATA_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setattr(library, "close", lambda: None)

    def run(*arguments):
        build = lambda settings, others=(), texts_first=False: library  # noqa: E731
        result = CliRunner().invoke(commands.main.commands, list(arguments), obj=build)
        return result.exit_code, result.stdout

    return run


def test_the_command_line_says_what_it_has_skipped_and_why(run, tmp_path, picture):
    photos = tmp_path / "photos"
    for name in ("a.png", ".b.png", ".c.png", "@eaDir/d.png", "notes.txt"):
        (photos / name).parent.mkdir(parents=True, exist_ok=True)
        (photos / name).write_bytes(picture("red"))
    (photos / "gone.png").symlink_to("nowhere.png")
    code, printed = run("ingest", str(photos))
    assert code == 0
    assert printed.splitlines()[-1] == (
        "1 new, 0 updated, 0 duplicate, 0 rejected, 5 skipped: 2 hidden files, 1 folder of the operating system,"
        " 1 link that leads nowhere, 1 file that is no picture by its name"
    )
    found = json.loads(run("ingest", str(photos), "--json")[1])
    assert found["skipped_by_reason"] == {"hidden": 2, "system_folder": 1, "link_to_nothing": 1, "by_its_name": 1}


def test_names_that_are_not_utf8_are_told_in_every_mode(run, library, tmp_path, picture):
    photos = tmp_path / "photos"
    photos.mkdir()
    path = photos / os.fsdecode(b"caf\xe9.png")
    path.write_bytes(picture("red"))
    code, printed = run("ingest", "--in-place", "--json", str(photos))
    [file] = json.loads(printed)["files"]
    assert (code, file["path"], file["status"]) == (0, str(path), "new")
    record = library.browse(0, 1)[0]
    record.to_json().encode()
    assert Record.from_json(record.to_json()) == record and record.original_at == str(path)


def test_an_empty_folder_is_told_with_what_to_do(run, tmp_path):
    (tmp_path / "empty").mkdir()
    code, printed = run("ingest", str(tmp_path / "empty"))
    assert code == 0
    assert "holds no files. Put pictures into it, or name another one." in printed
    assert printed.splitlines()[-1].endswith("1 skipped: 1 empty folder")


def test_a_folder_that_cannot_be_read_ends_with_exit_code_1(run, tmp_path, picture, monkeypatch):
    (tmp_path / "photos" / "locked").mkdir(parents=True)
    (tmp_path / "photos" / "a.png").write_bytes(picture("red"))
    scandir = os.scandir

    def refuse(folder):
        if str(folder).endswith("locked"):
            raise PermissionError(13, "Permission denied", str(folder))
        return scandir(folder)

    monkeypatch.setattr(os, "scandir", refuse)
    code, printed = run("ingest", str(tmp_path / "photos"))
    assert code == 1
    assert "The folder locked cannot be read: Permission denied." in printed
    assert printed.splitlines()[-1].startswith("1 new, 0 updated, 0 duplicate, 1 rejected")
