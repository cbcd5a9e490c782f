"""Checks that a packed trap is refused before it fills the memory, and that nothing else is taken for one."""

import bz2
import gzip
import io
import lzma
import random
import tarfile
import tracemalloc
import zipfile

import pytest

from db.sources.files import items_from
from db.sources.unpacking import UNSUSPICIOUS
from library.errors import RejectedImage

MEGABYTE = 1 << 20
PACKERS = {"gz": gzip.open, "bz2": bz2.open, "xz": lzma.open}
METHODS = [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA]


def trap(path, opener):
    """Writes a tar that says it holds a picture of a gigabyte, all zeros."""
    member = tarfile.TarInfo("a.jpg")
    member.size = 1 << 30
    with opener(path, "wb") as file:
        file.write(member.tobuf())
        for _ in range(UNSUSPICIOUS // MEGABYTE + 32):
            file.write(bytes(MEGABYTE))


def problems(path):
    for item in items_from([str(path)]):
        with pytest.raises(RejectedImage) as refused:
            item.read()
        yield str(refused.value)


@pytest.mark.parametrize("kind", PACKERS)
def test_a_tar_that_grows_without_end_is_refused_while_it_grows(tmp_path, kind):
    path = tmp_path / f"trap.tar.{kind}"
    trap(path, PACKERS[kind])
    tracemalloc.start()
    try:
        told = list(problems(path))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert any("more than 200 times as large" in each for each in told)
    assert peak < 40 * MEGABYTE


def test_a_zip_of_large_empty_pictures_is_refused_unread(tmp_path):
    with zipfile.ZipFile(tmp_path / "trap.zip", "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        archive.writestr("a.jpg", bytes(UNSUSPICIOUS + 1))
    [told] = problems(tmp_path / "trap.zip")
    assert told.startswith("It becomes more than 200 times as large as it is packed")


@pytest.mark.parametrize("method", METHODS[1:])
def test_a_member_that_says_less_than_it_holds_is_cut_off(tmp_path, method):
    path = tmp_path / "liar.zip"
    size = 8 * MEGABYTE
    with zipfile.ZipFile(path, "w", method) as archive:
        archive.writestr("a.jpg", bytes(size))
    path.write_bytes(path.read_bytes().replace(size.to_bytes(4, "little"), (10).to_bytes(4, "little")))
    [item] = items_from([str(path)])
    tracemalloc.start()
    try:
        with pytest.raises(RejectedImage, match="damaged"):
            item.read()
        assert tracemalloc.get_traced_memory()[1] < 4 * MEGABYTE
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("method", METHODS)
def test_every_method_gives_the_bytes_that_went_in(tmp_path, method):
    data = random.Random(1).randbytes(100_000) + bytes(300_000)
    with zipfile.ZipFile(tmp_path / "a.zip", "w", method) as archive:
        archive.writestr("a.jpg", data)
        archive.writestr("b.jpg", b"")
    first, second = items_from([str(tmp_path / "a.zip")])
    assert (first.read(), second.read()) == (data, b"")


def test_a_damaged_member_of_any_method_is_called_damaged(tmp_path):
    for method in METHODS:
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w", method) as archive:
            archive.writestr("a.jpg", random.Random(2).randbytes(10_000))
        damaged = bytearray(buffer.getvalue())
        damaged[5_000:5_010] = bytes(10)
        (tmp_path / "a.zip").write_bytes(damaged)
        [told] = problems(tmp_path / "a.zip")
        assert "damaged" in told
