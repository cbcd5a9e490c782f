"""Checks that a decompression bomb is refused before it fills the memory, and that no other file is taken for one."""

import bz2
import gzip
import io
import lzma
import random
import tarfile
import tracemalloc
import zipfile
from functools import partial

import pytest

from db.sources.archives import unpacking
from db.sources.archives.items import items_in_archive
from db.sources.archives.unpacking import UNSUSPICIOUS
from db.sources.archives.zip_listing import opened
from db.sources.files import items_from
from library.errors import RejectedImage
from library.messages import render

MEGABYTE = 1 << 20
PACKERS = {"gz": gzip.open, "bz2": bz2.open, "xz": partial(lzma.open, preset=0)}
METHODS = [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA]


def trap(path, opener):
    """Writes a tar with a picture of a gigabyte, all zeros."""
    member = tarfile.TarInfo("a.jpg")
    member.size = 1 << 30
    with opener(path, "wb") as file:
        file.write(member.tobuf())
        for _ in range(32):
            file.write(bytes(MEGABYTE))


def write_tar(path, *members):
    """Writes members of a name, a type and their bytes."""
    with tarfile.open(path, "w", format=tarfile.GNU_FORMAT) as archive:
        for name, type, data in members:
            member = tarfile.TarInfo(name)
            member.size, member.type = len(data), type
            archive.fileobj.write(member.tobuf(tarfile.GNU_FORMAT) + data + bytes(-len(data) % tarfile.BLOCKSIZE))


def problems(path):
    for item in items_from([str(path)]):
        with pytest.raises(RejectedImage) as refused:
            item.read()
        yield str(refused.value)


@pytest.mark.parametrize("kind", PACKERS)
def test_a_tar_that_grows_without_end_is_refused_while_it_grows(tmp_path, kind, monkeypatch):
    monkeypatch.setattr(unpacking, "UNSUSPICIOUS", 4 * MEGABYTE)
    path = tmp_path / f"trap.tar.{kind}"
    trap(path, PACKERS[kind])
    tracemalloc.start()
    try:
        told = list(problems(path))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert any("more than 200 times as large" in each for each in told)
    assert peak < 16 * MEGABYTE


@pytest.mark.parametrize("type", [tarfile.GNUTYPE_LONGNAME, tarfile.XHDTYPE])
def test_a_name_without_end_is_never_held(tmp_path, type):
    member = tarfile.TarInfo("name")
    member.type, member.size = type, 1 << 31
    (tmp_path / "trap.tar").write_bytes(member.tobuf(tarfile.GNU_FORMAT) + bytes(4096))
    tracemalloc.start()
    try:
        [told] = problems(tmp_path / "trap.tar")
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert "damaged" in told and peak < 10 * MEGABYTE


def test_a_zip_of_large_empty_pictures_is_refused_unread(tmp_path):
    with zipfile.ZipFile(tmp_path / "trap.zip", "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        archive.writestr("a.jpg", bytes(UNSUSPICIOUS + 1))
    [told] = problems(tmp_path / "trap.zip")
    assert told.startswith("It becomes more than 200 times as large as it is packed")


def test_a_zip_whose_many_entries_are_one_bomb_ends_after_some_refusals(tmp_path, monkeypatch):
    monkeypatch.setattr(unpacking, "UNSUSPICIOUS", 2 * MEGABYTE)
    monkeypatch.setattr(unpacking, "MOST_REFUSED", 5)
    with zipfile.ZipFile(tmp_path / "trap.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for number in range(60):
            archive.writestr(f"{number}.jpg", bytes(MEGABYTE))
    refused = []
    for item in items_from([str(tmp_path / "trap.zip")]):
        try:
            item.read()
        except RejectedImage as error:
            refused.append((item.name, str(error)))
    assert len(refused) < 12 and refused[-1][0] == "trap.zip"
    assert refused[-1][1].startswith("It becomes more than 200 times")


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


def told(path):
    """Yields why each file of an archive is not read."""
    for item in items_from([str(path)]):
        try:
            item.read()
        except RejectedImage as refused:
            yield str(refused)


def packed(path, data):
    """Writes an archive of two pictures, of the kind that its name says."""
    if path.suffix == ".zip":
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
            for name in ("a.jpg", "b.jpg"):
                archive.writestr(name, data)
        return path
    with tarfile.open(path, "w:gz" if path.suffix == ".gz" else "w") as archive:
        for name in ("a.jpg", "b.jpg"):
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return path


def test_a_stop_in_the_middle_of_a_member_ends_the_unpacking(tmp_path, library, monkeypatch):
    monkeypatch.setattr("db.sources.archives.unpacking.PIECE", 1 << 10)
    data = random.Random(3).randbytes(300_000)
    for name in ("a.zip", "a.tar", "a.tar.gz"):
        asked = iter(range(1_000))
        items = items_from([str(packed(tmp_path / name, data))])
        receipts = list(library.add(items, lambda asked=asked: next(asked) > 20))
        assert next(asked) < 60, name
        assert {str(each.reason) for each in receipts} <= {"Stopped before this file."}, name


def test_a_zip_whose_list_is_too_long_is_not_said_to_hold_more_files_than_it_does(tmp_path):
    def refused(count):
        with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
            for number in range(count):
                archive.writestr(f"{number}{'n' * 60_000}.png", b"")
        with (tmp_path / "a.zip").open("rb") as file, pytest.raises(RejectedImage) as error:
            opened(file, most=300)
        return error.value.message.code, str(error.value)

    assert refused(3)[1].startswith("Its list of files takes 0.2 MB, more than the 0.1 MB that are read")
    assert refused(301)[0] == "archive_members"


def test_an_archive_of_too_many_files_or_too_much_work_is_refused(tmp_path, monkeypatch):
    for name in ("a.zip", "a.tar"):
        path = packed(tmp_path / name, b"x" * 5_000)
        *_, last = items_in_archive(name, partial(path.open, "rb"), most_files=1)
        with pytest.raises(RejectedImage, match="lists more than 1 files"):
            last.read()
        with monkeypatch.context() as patch:
            patch.setattr("db.sources.archives.unpacking.UNSUSPICIOUS_SECONDS", -1.0)
            assert any("longer to unpack" in each for each in told(path)), name


def test_many_members_that_grow_together_count_as_one_trap(tmp_path, monkeypatch):
    monkeypatch.setattr("db.sources.archives.unpacking.UNSUSPICIOUS", 1_500_000)
    items = list(items_from([str(packed(tmp_path / "a.zip", bytes(1_000_000)))]))
    assert len(items[0].read()) == 1_000_000
    with pytest.raises(RejectedImage, match="200 times"):
        items[1].read()


@pytest.mark.parametrize("kind", PACKERS)
def test_a_tar_behind_empty_streams_without_end_is_damaged_and_not_searched_for(tmp_path, kind):
    packed = io.BytesIO()
    PACKERS[kind](packed, "wb").close()
    path = tmp_path / f"empties.tar.{kind}"
    path.write_bytes(packed.getvalue() * 20_000)
    [told] = problems(path)
    assert "damaged" in told


@pytest.mark.parametrize("kind", PACKERS)
def test_a_tar_in_several_streams_with_zeros_between_is_read(tmp_path, kind):
    tar = io.BytesIO()
    with tarfile.open(fileobj=tar, mode="w") as archive:
        for name in ("a.jpg", "b.jpg"):
            archive.addfile(tarfile.TarInfo(name))
    whole = tar.getvalue()
    parts = (whole[:700], b"", whole[700:])
    pack = {"gz": gzip.compress, "bz2": bz2.compress, "xz": lzma.compress}[kind]
    path = tmp_path / f"a.tar.{kind}"
    path.write_bytes(bytes(4).join(map(pack, parts)) + bytes(100))
    assert [item.name for item in items_from([str(path)])] == ["a.jpg", "b.jpg"]


@pytest.mark.parametrize("size", [8 << 40, 1 << 62])
@pytest.mark.parametrize("type", [tarfile.REGTYPE, tarfile.GNUTYPE_SPARSE])
def test_a_tar_that_says_it_holds_more_than_it_does_ends_where_it_ends(tmp_path, picture, type, size):
    first, trap = tarfile.TarInfo("a.png"), tarfile.TarInfo("b.png")
    first.size, trap.size, trap.type = len(picture("red")), size, type
    path = tmp_path / "trap.tar"
    with tarfile.open(path, "w", format=tarfile.GNU_FORMAT) as archive:
        archive.addfile(first, io.BytesIO(picture("red")))
        archive.fileobj.write(trap.tobuf(tarfile.GNU_FORMAT))
    items = list(items_in_archive("trap.tar", partial(path.open, "rb")))
    assert [each.name for each in items] == ["a.png", "b.png", "trap.tar"] and items[0].read() == picture("red")
    with pytest.raises(RejectedImage, match=r"cut short after b\.png"):
        items[-1].read()


HOLES = [
    {"GNU.sparse.size": str(1 << 30), "GNU.sparse.numblocks": "1", "GNU.sparse.map": "0,1"},
    {"GNU.sparse.size": str(1 << 30), "GNU.sparse.numblocks": "1"},
    {"GNU.sparse.major": "1", "GNU.sparse.minor": "0", "GNU.sparse.realsize": str(1 << 30)},
]


@pytest.mark.parametrize(
    "attributes",
    [b"1" * 100_000, b"2 " * 10_000 + b"a=", b"100010 a=" + b"1" * 100_000 + b"\n"],
    ids=["no line", "lines within lines", "a number"],
)
def test_attributes_that_are_none_are_told_before_tarfile_searches_them_without_end(tmp_path, picture, attributes):
    path, shown = tmp_path / "a.tar", picture("red")
    write_tar(path, ("a.png", tarfile.REGTYPE, shown), ("attributes", tarfile.XHDTYPE, attributes))
    first, damage = items_from([str(path)])
    assert first.read() == shown
    with pytest.raises(RejectedImage, match="damaged"):
        damage.read()


def test_attributes_of_all_files_together_have_a_bound(tmp_path, picture):
    path, shown = tmp_path / "a.tar", picture("red")
    attributes = [b"600010 k%d=" % at + b"v" * 599_999 + b"\n" for at in range(2)]
    described = [("attributes", tarfile.XGLTYPE, each) for each in attributes]
    write_tar(path, ("a.png", tarfile.REGTYPE, shown), *described, ("b.png", tarfile.REGTYPE, shown))
    first, damage = items_from([str(path)])
    assert first.read() == shown
    with pytest.raises(RejectedImage, match="damaged"):
        damage.read()


@pytest.mark.parametrize("holes", HOLES)
def test_files_that_are_stored_with_holes_are_left_out_unread_and_the_others_read(tmp_path, picture, holes):
    path = tmp_path / "a.tar"
    with tarfile.open(path, "w", format=tarfile.PAX_FORMAT) as archive:
        for name, told, data in (
            ("a.png", holes, b"1\n" * 9),
            ("b.png.json", holes, b"x"),
            ("b.png", {}, picture("red")),
        ):
            member = tarfile.TarInfo(name)
            member.size, member.pax_headers = len(data), told
            archive.addfile(member, io.BytesIO(data))
    items = {each.name: each for each in items_from([str(path)])}
    assert items["b.png"].read() == picture("red") and items["b.png"].skip is None
    assert items["a.png"].skip.code == "sparse_in_archive"
    assert "stored with holes" in render(items["b.png"].describe().note)


def test_the_time_that_passes_between_two_reads_of_an_archive_counts(monkeypatch):
    now = 0.0
    monkeypatch.setattr("db.sources.archives.unpacking.UNSUSPICIOUS_SECONDS", 10.0)
    monkeypatch.setattr("time.thread_time", lambda: now)
    allowance = unpacking.Allowance()
    with pytest.raises(RejectedImage, match="longer to unpack"), allowance.timed():
        for _ in range(3):
            with allowance.timed():
                pass
            now += 4.0
        with allowance.timed():
            pytest.fail("the limit was passed")
