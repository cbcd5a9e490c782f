"""Checks that files of other kinds, under the names of pictures or archives, are called what they are."""

import struct
import zipfile
from io import BytesIO

import pytest
from PIL import Image

from db.sources.archives.items import items_in_archive
from library.errors import RejectedImage
from library.images import decode


def packed(first: str) -> bytes:
    data = BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        archive.writestr(first, "<x/>" if first != "mimetype" else "application/vnd.oasis.opendocument.text")
    return data.getvalue()


def saved(format: str) -> bytes:
    data = BytesIO()
    Image.new("RGB", (40, 30), "red").save(data, format)
    return data.getvalue()


KINDS = {
    "MP4": (b"\0\0\0\x20ftypisom\0\0\2\0isomiso2avc1mp41", r"a video \(MP4\).*Save the frames"),
    "MOV": (b"\0\0\0\x14ftypqt  \0\0\0\0qt  ", r"a video \(QuickTime\)"),
    "MKV": (b"\x1a\x45\xdf\xa3\x9f\x42\x86\x81\x01", r"a video \(Matroska\)"),
    "AVI": (b"RIFF\0\1\0\0AVI LIST", r"a video \(AVI\)"),
    "MP3": (b"ID3\x04\0\0\0\0\0\0", r"a sound recording \(MP3\)"),
    "PDF": (b"%PDF-1.7\n%\xe2\xe3", r"a document \(PDF\).*Export its pages"),
    "DOCX": (packed("[Content_Types].xml"), r"a document \(Office\)"),
    "ODT": (packed("mimetype"), r"a document \(OpenDocument\)"),
    "DOC": (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(50), r"a document \(Office\)"),
    "PSD": (b"8BPS\0\1" + bytes(20), "the format Photoshop, which is not read. Export it"),
    "TGA": (saved("TGA"), "the format Targa, which is not read. Export it"),
    "TGA without an end": (struct.pack("<BBBHHBHHHHBB", 0, 0, 2, 0, 0, 0, 0, 0, 9, 9, 24, 0) + bytes(9), "Targa"),
    "SVG": (b"<?xml version='1.0'?>\n<svg xmlns='http://www.w3.org/2000/svg'/>", "SVG drawing.*Export it as PNG"),
    "HTML": (b"\n<!DOCTYPE html><html><body>Sign in</body></html>", "a web page.*download the file again"),
    "JSON": (b'{"error": "no such picture"}', "This is plain text, not a picture"),
    "LFS": (b"version https://git-lfs.github.com/spec/v1\noid sha256:1\n", "git lfs pull"),
    "zeros": (bytes(5_000), "nothing but zeros"),
    "nothing": (b"", "The file is empty. Copy it again"),
    "ZIP": (packed("a.txt"), "This is an archive"),
    "noise": (b"\x93\xfe\x11\x02\x88" * 99, "not a picture in a format that can be read"),
}


@pytest.mark.parametrize(("data", "told"), KINDS.values(), ids=KINDS.keys())
def test_what_is_no_picture_is_called_what_it_is(data, told):
    with pytest.raises(RejectedImage, match=told):
        decode(data)


@pytest.mark.parametrize("name", ["photos.zip", "photos.tar.gz"])
def test_what_is_no_archive_is_called_what_it_is(name):
    told = {kind: KINDS[kind] for kind in ("HTML", "nothing", "MP4", "PDF", "JSON", "LFS")}
    for data, sentence in [*told.values(), (saved("PNG"), r"a picture \(PNG\) under the name of an archive")]:
        [item] = items_in_archive(name, lambda data=data: BytesIO(data))
        with pytest.raises(RejectedImage, match=sentence):
            item.read()
