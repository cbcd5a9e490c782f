"""Checks how many files an upload may bring, whatever its archives hold."""

import zipfile

import pytest

from db.sources.files import AllowedSources
from ui.handlers.uploads import UploadHandlers
from ui.uploaded_files import UploadedFiles

MOST = 3


@pytest.fixture
def added(tmp_path, library, worker, picture):
    """Returns a function: added(2, 4) uploads two archives of so many pictures and gives the receipts."""

    def add(*archives, quota=0):
        files = []
        for number, count in enumerate(archives):
            path = tmp_path / f"{number}.zip"
            with zipfile.ZipFile(path, "w") as archive:
                for each in range(count):
                    archive.writestr(f"{each}.png", picture((80 * number, 40 * each, 9)))
            files.append({"path": str(path), "name": path.name})
        uploads = UploadHandlers(library, worker, "all", UploadedFiles(tmp_path), AllowedSources([]), MOST, quota)
        _view, id = uploads.add({"files": files})
        run = worker.find(id)
        assert run.over.wait(20)
        return [(receipt.status, receipt.reason and receipt.reason.code) for receipt in run.receipts]

    return add


def test_what_is_beyond_the_bound_is_left_out_and_said(added):
    assert sorted(added(2, 2), key=str) == [*[("new", None)] * MOST, ("rejected", "upload_too_many")]


def test_an_archive_of_too_many_files_is_refused_before_it_is_read(added):
    assert added(MOST + 1) == [("rejected", "archive_members")]


def test_in_the_demo_an_archive_of_too_many_files_is_told_how_many_pictures_a_visitor_may_have(added):
    assert added(MOST + 1, quota=2) == [("rejected", "archive_beyond_quota")]
    assert [status for status, _ in added(MOST, quota=2)] == ["new"] * MOST
