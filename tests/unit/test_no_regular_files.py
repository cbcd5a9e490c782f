"""Checks that a pipe, which may never be opened, is refused wherever a file is named."""

import errno
import os
import socket
from pathlib import Path

import pytest

from commands.tuning import _lines_of
from db.files.backup_folder import open_backup
from db.files.evaluations import EvaluationFiles
from db.files.hit_files import hit_file
from db.files.line_file import LineFile
from db.files.own_files import read_own
from db.files.run_log import RunLog
from db.files.vector_file import read_header
from db.sources.local_files import read_regular
from encoders.model_folders import find_folder
from environment import read_dotenv
from library.errors import LikenessError, RejectedImage
from library.exports.receipt_file import receipt_file
from library.messages import message
from library.running.atomic import append_lines
from library.running.disk import check_regular


def pipe(path: Path) -> Path:
    path.parent.mkdir(exist_ok=True)
    os.mkfifo(path)
    return path


def test_a_pipe_is_refused_wherever_a_file_is_named(tmp_path):
    model = tmp_path / "model"
    pipe(model / "model.safetensors")
    (model / "config.json").write_text("{}")
    tries = [
        lambda: read_dotenv(pipe(tmp_path / ".env")),
        lambda: _lines_of(pipe(tmp_path / "texts.txt")),
        lambda: open_backup(pipe(tmp_path / "backup" / "backup.json").parent, []),
        lambda: find_folder(str(model), message("model_setting", setting="CLIP_MODEL", name="model")),
        lambda: receipt_file(pipe(tmp_path / "receipts.csv")).__enter__(),
        lambda: hit_file(pipe(tmp_path / "hits.csv")).__enter__(),
    ]
    for each in tries:
        with pytest.raises(LikenessError, match=r"a pipe, a socket(,| or) a device( or a link)?, not a file"):
            each()


def test_a_pipe_among_our_own_files_counts_as_none_and_is_not_written_to(tmp_path):
    path = pipe(tmp_path / "a.json")
    assert RunLog(path).newest(1) == EvaluationFiles(tmp_path).newest(1) == []
    for each in (
        LineFile(path).read,
        lambda: read_header(path),
        lambda: append_lines(path, [b"a"]),
        lambda: read_own(path),
    ):
        with pytest.raises(OSError, match=os.strerror(errno.ENXIO)):
            each()


def test_no_regular_file_is_read_nor_left_open(tmp_path):
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(tmp_path / "socket"))
        before = len(os.listdir("/dev/fd"))
        for path in (pipe(tmp_path / "pipe"), tmp_path / "socket", tmp_path, Path("/dev/zero")):
            with pytest.raises(RejectedImage, match="a device, not a file"):
                read_regular(path)
        assert len(os.listdir("/dev/fd")) == before


def test_a_name_that_no_system_has_is_that_of_no_model():
    with pytest.raises(LikenessError, match="neither a folder here nor a name"):
        find_folder("m" * 100_000, message("model_setting", setting="CLIP_MODEL", name="m"))


def test_files_folders_and_what_is_not_there_are_left_to_whoever_opens_them(tmp_path):
    (tmp_path / "a").touch()
    for path in (tmp_path, tmp_path / "a", tmp_path / "b"):
        check_regular(path)
    with pytest.raises(OSError):
        check_regular(Path("/dev/null"))
