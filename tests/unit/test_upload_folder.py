"""Checks that uploads wait in a folder of this app's own, and that nothing stays in it or beside it for ever."""

import gc
import os
import tempfile
import threading
import time
from pathlib import Path

import pytest
from filelock import FileLock

from runtime import BEGUN, LOCK, UPLOADS, remove_older, use_upload_folder_of_its_own


@pytest.fixture
def temporary(monkeypatch, tmp_path):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.delenv("GRADIO_TEMP_DIR", raising=False)
    monkeypatch.setattr("atexit.register", lambda *_, **__: None)
    return tmp_path


def folder(parent, name):
    made = parent / f"{UPLOADS}{name}"
    made.mkdir()
    (made / "photo.jpg").write_bytes(b"photo")
    return made


def test_the_folders_of_killed_apps_go_and_those_of_running_ones_stay(temporary):
    killed, of_an_earlier_version, running = (folder(temporary, name) for name in ("a", f"{os.getpid()}-b", "c"))
    (killed / LOCK).touch()
    with FileLock(running / LOCK):
        use_upload_folder_of_its_own()
        own = Path(os.environ["GRADIO_TEMP_DIR"])
        assert set(temporary.iterdir()) == {running, own}
        assert (running / "photo.jpg").exists() and not of_an_earlier_version.exists()


def test_a_link_of_somebody_else_leads_nowhere(temporary, tmp_path_factory):
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    (temporary / f"{UPLOADS}evil").symlink_to(elsewhere)
    use_upload_folder_of_its_own()
    assert list(elsewhere.iterdir()) == []


def test_a_folder_of_somebody_else_is_left_as_it_is(temporary, monkeypatch):
    others = folder(temporary, "a")
    monkeypatch.setattr(os, "getuid", lambda: others.stat().st_uid + 1)
    use_upload_folder_of_its_own()
    assert list(others.iterdir()) == [others / "photo.jpg"]


def test_a_folder_that_was_chosen_is_left_as_it_is(temporary, monkeypatch):
    killed = folder(temporary, "a")
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(temporary))
    use_upload_folder_of_its_own()
    assert killed.exists() and os.environ["GRADIO_TEMP_DIR"] == str(temporary)


def test_what_a_broken_connection_left_goes_after_a_day(tmp_path):
    for name, age in {"old/a.jpg": 90_000, "mixed/b.jpg": 90_000, "mixed/c.jpg": 10, LOCK: 90_000}.items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"part of a photo")
        os.utime(path, (time.time() - age,) * 2)
    remove_older(tmp_path, 86_400)
    left = sorted(path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if path.is_file())
    assert left == [LOCK, "mixed/c.jpg"]


def test_a_running_app_keeps_its_lock_and_goes_on_sweeping(temporary):
    use_upload_folder_of_its_own()
    gc.collect()
    own = Path(os.environ["GRADIO_TEMP_DIR"])
    (own / "photo.jpg").write_bytes(b"photo")
    assert any(each.name == "sweep" for each in threading.enumerate())
    use_upload_folder_of_its_own()  # as another app does when it starts
    assert (own / "photo.jpg").exists()


def test_an_app_that_starts_meanwhile_sweeps_no_folder_away_whose_lock_is_not_taken_yet(temporary, monkeypatch):
    take = FileLock.acquire

    def taken_late(lock, *given, **options):
        for each in temporary.iterdir():
            assert not each.name.startswith(UPLOADS)
        return take(lock, *given, **options)

    monkeypatch.setattr(FileLock, "acquire", taken_late)
    use_upload_folder_of_its_own()
    [own] = temporary.iterdir()
    assert own.name.startswith(UPLOADS) and (own / LOCK).exists()


def test_a_folder_of_an_app_that_was_killed_as_it_began_goes_after_a_day(temporary):
    for name, age in (("a", 90_000), ("b", 10)):
        (temporary / f"{BEGUN}{name}").mkdir()
        os.utime(temporary / f"{BEGUN}{name}", (time.time() - age,) * 2)
    use_upload_folder_of_its_own()
    assert {each.name for each in temporary.iterdir() if each.name.startswith(".")} == {f"{BEGUN}b"}
