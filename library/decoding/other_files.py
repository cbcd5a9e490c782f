"""Recognises files that are neither pictures nor archives by their first bytes, and says what to do with each."""

import re

from library.errors import RejectedImage

BEGINNING = 1024  # bytes
VIDEO = (
    (rb".{4}ftypqt  |.{4}(moov|mdat|wide)", "QuickTime"),
    (rb".{4}ftyp(3g[2p]|M4V|MSNV|XAVC|avc1|dash|iso[2-9m]|mmp4|mp4[12]|mp71)", "MP4"),
    (rb"\x1a\x45\xdf\xa3", "Matroska"),
    (rb"RIFF.{4}AVI ", "AVI"),
    (rb"\0\0\x01[\xba\xb3]", "MPEG"),
    (rb"\x30\x26\xb2\x75\x8e\x66\xcf\x11", "Windows Media"),
    (rb"FLV\x01", "Flash Video"),
)
SOUND = (
    (rb"ID3|\xff[\xf2\xf3\xfb]", "MP3"),
    (rb"RIFF.{4}WAVE", "WAV"),
    (rb"fLaC", "FLAC"),
    (rb"OggS", "Ogg"),
    (rb".{4}ftypM4[AB]", "M4A"),
)
DOCUMENTS = (
    (rb"%PDF", "PDF"),
    (rb"PK\x03\x04.{26}(\[Content_Types\]\.xml|_rels/|docProps/|word/|xl/|ppt/)", "Office"),
    (rb"PK\x03\x04.{26}mimetypeapplication/vnd\.oasis", "OpenDocument"),
    (rb"PK\x03\x04.{26}mimetypeapplication/epub", "EPUB"),
    (rb"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "Office"),
    (rb"\{\\rtf", "RTF"),
)
TGA = re.compile(rb".[\0\x01][\x01-\x03\x09-\x0b].{5}.{4}.{4}[\x08\x0f\x10\x18\x20][\0-\x3f]", re.DOTALL)
TGA_END = b"TRUEVISION-XFILE.\0"
LFS_POINTER = b"version https://git-lfs.github.com/"


def other_kind(data: bytes) -> RejectedImage | None:
    """Returns what a file is that is neither a picture nor an archive, and what to do; None for one of no known kind.

    Its first `BEGINNING` bytes suffice.
    """
    if not data:
        return RejectedImage("empty_file")
    start = data[:BEGINNING]
    if not any(start):
        return RejectedImage("only_zeros")
    if kind := _named(DOCUMENTS, start):
        return RejectedImage("document", kind=kind)
    if kind := _named(VIDEO, start):
        return RejectedImage("video", kind=kind)
    if kind := _named(SOUND, start):
        return RejectedImage("sound", kind=kind)
    return _kind_of_text(start)


def is_tga(data: bytes) -> bool:
    """Returns whether a file is a Targa picture, which begins with no mark and may end with one."""
    return data.endswith(TGA_END) or (TGA.match(data) is not None and any(data[12:14]) and any(data[14:16]))


def _kind_of_text(start: bytes) -> RejectedImage | None:
    if start.startswith(LFS_POINTER):
        return RejectedImage("lfs_pointer")
    shown = start.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if b"<svg" in shown:
        return RejectedImage("drawing")
    if shown.startswith((b"<!doctype html", b"<html", b"<head", b"<body")):
        return RejectedImage("web_page")
    is_text = not re.search(rb"[\0-\x08\x0e-\x1a\x1c-\x1f\x7f-\xff]", start)
    return RejectedImage("text_file") if is_text and len(start) > 3 else None


def _named(signatures: tuple[tuple[bytes, str], ...], start: bytes) -> str:
    return next((name for pattern, name in signatures if re.match(pattern, start, re.DOTALL)), "")
