"""Reads archives in whatever encoding their names are, and says what to do with those that are not read."""

import gzip
import io
import json
import lzma
import random
import struct
import tarfile
import zipfile
import zlib
from collections import Counter
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks import archive_names
from benchmarks.archive_names import NAMES as LANGUAGES
from db.files.run_log import RunLog
from db.sources.archives import unpacking
from db.sources.archives.items import items_in_archive
from db.sources.files import items_from
from db.sources.readers import SourceReader
from library.errors import RejectedImage, UnknownSource
from library.image_library import ImageLibrary
from library.images import decode
from testing.fakes import ColourEncoder, ready
from testing.properties import EXAMPLES

NAMES = {
    "cp949": ["사진/바다.jpg", "사진/강아지.jpg"],
    "gb18030": ["新建文件夹/海边.jpg", "新建文件夹/小狗.jpg"],
    "big5": ["新增資料夾/海邊.jpg", "新增資料夾/小狗.jpg"],
    "cp932": ["新しいフォルダー/海.jpg", "新しいフォルダー/さくら.jpg"],
    "cp437": ["Straße/Müller.jpg", "été/forêt.jpg"],
    "cp850": ["São Paulo.jpg", "Ærø/Ø.jpg"],
    "cp1252": ["Straße/Müller.jpg", "año nuevo.jpg"],
    "cp1251": ["Новая папка/море.jpg", "Новая папка/кот.jpg"],
    "utf-8": ["사진/바다.jpg", "été.jpg"],
}
TURKISH = ["düğün/gece.jpg", "çocuklar.jpg", "kış.jpg", "İstanbul.jpg", "doğum günü.jpg"]
SHORT = {"cp949": "가족.jpg", "gb18030": "北京.jpg", "big5": "台北.jpg", "cp932": "東京.jpg", "cp437": "café.jpg"}


def zipped_raw(path, names):
    """Writes a zip whose names are these bytes, without a flag for their encoding."""
    stand_ins = {name: f"{place:03}".ljust(len(name), "x") for place, name in enumerate(names)}
    with zipfile.ZipFile(path, "w") as archive:
        for name, stand_in in stand_ins.items():
            archive.writestr(stand_in, name)
    data = path.read_bytes()
    for name, stand_in in stand_ins.items():
        data = data.replace(stand_in.encode(), name)
    path.write_bytes(data)


def below(path):
    return [item.path.removeprefix(f"{path}/") for item in items_from([str(path)])]


@pytest.mark.parametrize(
    ("encoding", "names"), [*NAMES.items(), *((encoding, [name]) for encoding, name in SHORT.items())], ids=str
)
def test_names_in_a_zip_are_read_in_the_encoding_that_all_of_them_show(tmp_path, encoding, names):
    path = tmp_path / "album.zip"
    zipped_raw(path, [name.encode(encoding) for name in names])
    assert below(path) == names
    assert [item.read().decode(encoding) for item in items_from([str(path)])] == names


def test_names_in_spanish_and_english_are_not_read_as_central_european(tmp_path):
    spanish = ["Niños/El niño en la playa.png", "Año nuevo.png", "Corazón y canción.png", "¿Dónde está.png"]
    for names in (spanish, spanish[1:], spanish[3:], ["A naïve “quote”.png", "A fiancée’s résumé.png"]):
        zipped_raw(tmp_path / "album.zip", [name.encode("cp1252") for name in names])
        assert below(tmp_path / "album.zip") == names


@pytest.mark.parametrize("encoding", ["cp1254", "cp857"])
def test_names_in_turkish_are_read_alone_and_together(tmp_path, encoding):
    path = tmp_path / "album.zip"
    for names in ([name] for name in TURKISH):
        zipped_raw(path, [name.encode(encoding) for name in names])
        assert below(path) == names
    zipped_raw(path, [name.encode(encoding) for name in TURKISH])
    assert below(path) == TURKISH


def test_four_of_five_lone_names_of_any_language_and_nearly_all_lists_are_read_as_they_were_meant():
    tried = [
        each
        for encodings, text in LANGUAGES.values()
        for each in archive_names.tried(encodings[:1], text.split("|")[::2])
    ]
    right = Counter((len(names) > 1, archive_names.is_right(encoding, names)) for encoding, names in tried)
    assert right[False, True] > 4 * right[False, False] and right[True, True] > 20 * right[True, False]


def added(path, **how):
    """Returns the names of files with what is to be said of them."""
    return [(item.name, str(item.note or "")) for item in items_from([str(path)], **how)]


@pytest.mark.parametrize("kind", ["zip", "tar"])
def test_the_encoding_of_names_may_be_named_and_is_told(tmp_path, kind):
    path = tmp_path / f"album.{kind}"
    raw = ["Þingvellir.jpg".encode("cp1252"), b"a.jpg", "ð.jpg".encode("cp1252")]
    if kind == "zip":
        zipped_raw(path, raw)
    else:
        with tarfile.open(path, "w", encoding="cp1252", format=tarfile.GNU_FORMAT) as archive:
            for name in raw:
                archive.addfile(tarfile.TarInfo(name.decode("cp1252")))
    told = "The names in the archive were read as {}; --encoding names another."
    [(guessed, note), *_] = added(path)
    assert guessed != "Þingvellir.jpg" and "were read as cp" in note and "--encoding" in note
    expected = [("Þingvellir.jpg", told.format("cp1252")), ("a.jpg", ""), ("ð.jpg", "")]
    assert added(path, encoding="windows-1252") == expected
    assert added(path, encoding="utf-16")[1][0] == "a.jpg"
    with pytest.raises(UnknownSource, match="There is no encoding rot13"):
        added(path, encoding="rot13")
    assert SourceReader().read(f"{path}/Þingvellir.jpg") in (raw[0], b"")


def test_what_a_zip_or_tar_says_of_its_names_counts_before_the_encoding_that_is_named(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("바다.jpg", b"")
    with tarfile.open(tmp_path / "a.tar", "w", format=tarfile.PAX_FORMAT) as tar:
        tar.addfile(tarfile.TarInfo("바다.jpg"))
    assert [added(tmp_path / name, encoding="cp1254") for name in ("a.zip", "a.tar")] == [[("바다.jpg", "")]] * 2


def test_a_file_of_an_archive_that_was_split_says_so(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("a.jpg", b"x")
    data = bytearray((tmp_path / "a.zip").read_bytes())
    data[data.rfind(b"PK\5\6") + 4] = 1
    for name in ("a.zip", "a.z01", "a.zip.001", "a.7z.002", "a.r00", "a.tar.gz.01"):
        (tmp_path / name).write_bytes(data)
        [item] = items_from([str(tmp_path / name)])
        with pytest.raises(RejectedImage, match="one of several files into which an archive was split"):
            item.read()


def test_a_tar_packed_by_lzma_is_read_however_it_was_packed(tmp_path):
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as tar:
        tar.addfile(tarfile.TarInfo("a.jpg"))
    for preset in (0, 6, 9):
        (tmp_path / "a.tar.lzma").write_bytes(lzma.compress(file.getvalue(), lzma.FORMAT_ALONE, preset=preset))
        assert added(tmp_path / "a.tar.lzma") == [("a.jpg", "")]


def test_what_a_damaged_tar_has_lost_is_told_after_what_it_still_holds(tmp_path, picture):
    whole = io.BytesIO()
    with tarfile.open(fileobj=whole, mode="w") as tar:
        for number in range(5):
            member = tarfile.TarInfo(f"{number}.png")
            member.size = len(picture("red"))
            tar.addfile(member, io.BytesIO(picture("red")))
    data, at = whole.getvalue(), 3 * 1024  # where the header of the fourth begins
    assert data[at:].startswith(b"3.png")
    noise = random.Random(3).randbytes(512)
    damaged = {
        "a random header": data[:at] + noise + data[at + 512 :],
        "a header of zeros": data[:at] + bytes(512) + data[at + 512 :],
        "a cut at a header": data[:at],
    }
    for what, content in damaged.items():
        for name, packed in (("a.tar", content), ("a.tgz", gzip.compress(content, mtime=0))):
            (tmp_path / name).write_bytes(packed)
            *found, last = items_from([str(tmp_path / name)])
            assert [item.name for item in found] == ["0.png", "1.png", "2.png"], what
            with pytest.raises(RejectedImage, match=r"damaged or cut short after 2\.png: what followed"):
                last.read()
    (tmp_path / "a.tar").write_bytes(data + bytes(9_999))  # tapes are filled up with zeros
    assert len(list(items_from([str(tmp_path / "a.tar")]))) == 5


class OneWay(io.BytesIO):
    """Takes a zip as a pipe does: what its files take is written behind them."""

    def seekable(self):
        return False

    def seek(self, *_):
        raise OSError

    tell = seek


@pytest.mark.parametrize("packing", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
@pytest.mark.parametrize("file", [io.BytesIO, OneWay])
def test_the_files_before_the_cut_of_a_zip_come_in(tmp_path, packing, file):
    whole, contents = file(), [random.Random(number).randbytes(70_000) + bytes(999) for number in range(3)]
    with zipfile.ZipFile(whole, "w", packing) as archive:
        for number, content in enumerate(contents):
            archive.writestr(f"ö{number}.jpg", content)
    data, path = whole.getvalue(), tmp_path / "cut.zip"
    for cut, left in ((len(data) - 9, 3), (data.index(b"PK\1\2") + 9, 3), (160_000, 2), (9_000, 0)):
        path.write_bytes(data[:cut])
        *found, last = items_from([str(path)])
        assert [item.name for item in found] == [f"ö{number}.jpg" for number in range(left)]
        assert [item.read() for item in found] == contents[:left]
        with pytest.raises(
            RejectedImage, match=rf"damaged or cut short after ö{left - 1}\.jpg" if left else "cut short"
        ):
            last.read()


def test_a_zip_without_its_list_that_grows_too_much_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(unpacking, "UNSUSPICIOUS", 1 << 16)
    whole = OneWay()
    with zipfile.ZipFile(whole, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.bmp", bytes(1 << 20))
    (tmp_path / "trap.zip").write_bytes(whole.getvalue()[:-9])
    [item] = items_from([str(tmp_path / "trap.zip")])
    with pytest.raises(RejectedImage, match="malicious"):
        item.read()


def test_an_original_is_found_again_whatever_its_name_was_written_in(tmp_path):
    path = tmp_path / "album.zip"
    for encoding, name in {
        "cp932": "ソ/表.jpg",
        "cp1254": "kış.jpg",
        "mac_roman": "ð/é.jpg",
        "utf-8": "강.jpg",
    }.items():
        raw = name.encode(encoding, "replace")
        zipped_raw(path, [raw])
        [item] = items_from([str(path)], encoding=encoding)
        assert item.read() == SourceReader().read(item.original_at) == raw


def test_an_archive_without_a_byte_or_out_of_reach_says_so(tmp_path):
    (tmp_path / "a.zip").write_bytes(b"")
    [item] = items_from([str(tmp_path / "a.zip")])
    with pytest.raises(RejectedImage, match="The file is empty"):
        item.read()

    def refuse():
        raise PermissionError(13, "Permission denied", "a.zip")

    [item] = items_in_archive("a.zip", refuse)
    with pytest.raises(RejectedImage, match=r"^a.zip cannot be read: Permission denied\. Check"):
        item.read()


@pytest.mark.parametrize("kind", [tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
@pytest.mark.parametrize("encoding", NAMES)
def test_names_in_a_tar_are_read_alike(tmp_path, encoding, kind):
    path = tmp_path / "album.tar.gz"
    with tarfile.open(path, "w:gz", encoding=encoding, format=kind) as archive:
        for name in NAMES[encoding]:
            member = tarfile.TarInfo(name)
            member.size = 1
            archive.addfile(member, io.BytesIO(b"x"))
    assert below(path) == NAMES[encoding]


def test_a_flag_and_the_unicode_field_come_before_any_guess(tmp_path):
    path = tmp_path / "album.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("바다.jpg", b"by its flag")
        member = zipfile.ZipInfo("___.jpg")
        field = b"\1" + struct.pack("<L", zlib.crc32(b"___.jpg")) + "강.jpg".encode()
        member.extra = struct.pack("<HH", 0x7075, len(field)) + field
        archive.writestr(member, b"by its field")
        renamed = zipfile.ZipInfo("new.jpg")
        renamed.extra = member.extra
        archive.writestr(renamed, b"the field is of another name")
    assert below(path) == ["바다.jpg", "강.jpg", "new.jpg"]


def test_a_flag_that_lies_costs_no_file(tmp_path):
    path = tmp_path / "album.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("éééé.jpg", b"first")
        archive.writestr("ü.jpg", b"second")
    path.write_bytes(path.read_bytes().replace("éééé".encode(), "사진바다".encode("cp949")))
    assert [item.read() for item in items_from([str(path)])] == [b"first", b"second"]
    assert below(path)[0] == "사진바다.jpg"


def packed(kind):
    file = io.BytesIO()
    if kind == "zip":
        with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
            for name in ("a.jpg", "사진/바다.jpg", ".h/x.jpg"):
                archive.writestr(name, b"data" * 20)
    else:
        with tarfile.open(fileobj=file, mode="w") as tar:
            for name in ("a.jpg", "사진/바다.jpg"):
                tar.addfile(tarfile.TarInfo(name))
    return file.getvalue()[:2_048]


@settings(EXAMPLES, max_examples=5 * EXAMPLES.max_examples)  # they cost little
@given(
    kind=st.sampled_from(["zip", "tar"]),
    changes=st.lists(st.tuples(st.integers(0, 2_047), st.integers(0, 255)), max_size=20),
    end=st.integers(0, 2_048) | st.none(),
)
def test_no_damage_to_an_archive_is_more_than_a_reason(kind, changes, end):
    data = bytearray(packed(kind))
    for place, byte in changes:
        data[place % len(data)] = byte
    for item in items_in_archive(f"a.{kind}", lambda: io.BytesIO(bytes(data[:end]))):
        with suppress(RejectedImage):
            item.read()


def test_odd_names_survive_into_receipts_and_past_runs(tmp_path, store, database, picture):
    path = tmp_path / "caf\udce9.zip"
    names = ["a.png", "twice.png", "twice.png", "dir\\b.png", "/abs/c.png", "C:\\d.png", "e\x1b[2J.png"]
    with zipfile.ZipFile(path, "w") as archive, pytest.warns(UserWarning, match="Duplicate name"):
        for place, name in enumerate(names):
            archive.writestr(name, picture("red", size=(40 + place, 30)))
    log = RunLog(tmp_path / "runs.jsonl")
    library = ImageLibrary(store, ready(ColourEncoder()), database, SourceReader().read, log)
    receipts = list(library.add(items_from([str(path)]), in_place=True, source=path.name))
    assert [json.loads(json.dumps(receipt.as_json()))["status"] for receipt in receipts] == ["new"] * 7
    [past] = log.newest(9)
    assert dict(past.counts) == {"new": 7} and past.source.endswith(".zip")
    expected = ["a.png", "twice.png", "twice.png", "dir/b.png", "abs/c.png", "C:/d.png", "e\x1b[2J.png"]
    assert below(path) == expected
    for record in library.browse(0, 9):  # of one of two files with one name, the original is kept here
        assert library.original(record.content_id)


@pytest.mark.parametrize(
    ("name", "head"),
    [
        ("a.7z", b"7z\xbc\xaf\x27\x1c"),
        ("a.rar", b"Rar!\x1a\x07\x01\x00"),
        ("a.tar.zst", b"\x28\xb5\x2f\xfd"),
        ("a.tzst", b""),
        ("a.zip", b"Rar!\x1a\x07\x01\x00"),
        ("a.tar.gz", b"7z\xbc\xaf\x27\x1c"),
    ],
)
def test_an_archive_that_is_not_read_is_named_with_what_to_do(tmp_path, name, head):
    (tmp_path / name).write_bytes(head + b"rest")
    [item] = items_from([str(tmp_path / name)])
    with pytest.raises(RejectedImage, match=r"(7z|rar|t?zst) archives are not read here\. Unpack this one, then add"):
        item.read()


@pytest.mark.parametrize("name", ["a.zip", "a.tar", "a.tar.gz", "a.7z"])
def test_a_zip_or_tar_is_read_by_its_content_under_the_name_of_another(tmp_path, name):
    with zipfile.ZipFile(tmp_path / name, "w") as archive:
        archive.writestr("a.jpg", b"zip")
    assert [item.read() for item in items_from([str(tmp_path / name)])] == [b"zip"]
    with tarfile.open(tmp_path / name, "w:gz") as tar:
        member = tarfile.TarInfo("a.jpg")
        member.size = 3
        tar.addfile(member, io.BytesIO(b"tar"))
    assert [item.read() for item in items_from([str(tmp_path / name)])] == [b"tar"]


def test_an_archive_under_the_name_of_a_picture_gets_the_true_reason(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.jpg", "w") as archive:
        archive.writestr("a.jpg", b"zip")
    heads = {"zip": (tmp_path / "a.jpg").read_bytes(), "7z": b"7z\xbc\xaf\x27\x1c", "rar": b"Rar!\x1a\7"}
    for kind, data in heads.items():
        with pytest.raises(RejectedImage, match=rf"This is an archive \({kind}\), not a picture"):
            decode(data)


def patched(path, old, new, at):
    """Changes two bytes behind the signature of every file, in its head and in the listing."""
    data = bytearray(path.read_bytes())
    for signature, shift in ((b"PK\3\4", 0), (b"PK\1\2", 2)):
        place = data.find(signature)
        while place >= 0:
            assert data[place + at + shift : place + at + shift + 2] == old
            data[place + at + shift : place + at + shift + 2] = new
            place = data.find(signature, place + 4)
    path.write_bytes(data)


@pytest.mark.parametrize(
    ("at", "new", "reason"),
    [
        (6, b"\1\0", "It is encrypted. Unpack the archive with its password, then add the folder."),
        (8, b"\x09\0", r"It is packed by a method \(deflate64\) that is not read here."),
    ],
)
def test_what_is_encrypted_or_packed_otherwise_says_so(tmp_path, at, new, reason):
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a.jpg", b"secret")
        archive.writestr("notes.txt", b"secret")
    patched(path, b"\0\0", new, at)
    item, notes = items_from([str(path)])
    assert notes.skip
    with pytest.raises(RejectedImage, match=reason):
        item.read()


def test_what_is_no_file_of_its_own_in_an_archive_is_left_out_with_the_reason(tmp_path):
    link = zipfile.ZipInfo("link.jpg")
    link.create_system, link.external_attr = 3, 0o120777 << 16
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr(link, b"a.jpg")
        archive.writestr("inner.zip", b"PK")
        archive.writestr("inner.7z", b"7z")
    with tarfile.open(tmp_path / "a.tar", "w") as tar:
        for kind in (tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE):
            member = tarfile.TarInfo(f"{kind.decode()}.jpg")
            member.type, member.linkname = kind, "a.jpg"
            tar.addfile(member)
    inner = "An archive among other files, which is not opened. Add it by itself, or unpack it first."
    linked = "A link within an archive, which is not followed."
    assert [str(item.skip) for item in items_from([str(tmp_path / "a.zip")])] == [linked, inner, inner]
    pipe = "A pipe, a socket or a device, not a file. Leave it out, or name a file in its place."
    assert [str(item.skip) for item in items_from([str(tmp_path / "a.tar")])] == [linked, linked, pipe]


@pytest.mark.parametrize("data", [b"PK\3\4" + b"\xff" * 40, b"PK\5\6" + b"\xff" * 18, b"\x1f\x8b" + b"\0" * 30])
@pytest.mark.parametrize("name", ["a.zip", "a.tar", "a.tar.gz"])
def test_whatever_an_archive_holds_it_is_one_line(tmp_path, name, data):
    (tmp_path / name).write_bytes(data)
    [item] = items_from([str(tmp_path / name)])
    with pytest.raises(RejectedImage, match="damaged or cut short"):
        item.read()


@pytest.mark.parametrize("inner", [[], ["a.jpg"]])
def test_an_archive_within_one_that_is_cut_short_is_not_taken_for_it(tmp_path, inner):
    with zipfile.ZipFile(tmp_path / "inner.zip", "w") as archive:
        for name in inner:
            archive.writestr(name, b"x")
    with zipfile.ZipFile(tmp_path / "outer.zip", "w") as archive:
        archive.write(tmp_path / "inner.zip", "inner.zip")
        archive.writestr("b.jpg", bytes(1000))
    whole = (tmp_path / "outer.zip").read_bytes()
    (tmp_path / "cut.zip").write_bytes(whole[: whole.index(b"b.jpg") + 100])
    within, last = items_from([str(tmp_path / "cut.zip")])
    assert within.name == "inner.zip" and within.skip
    with pytest.raises(RejectedImage, match=r"damaged or cut short after inner\.zip"):
        last.read()
