"""Swaps what lies in an allowed folder for a link, between the check of where it leads and its opening."""

import io
import os
import tarfile
import zipfile
from functools import partial

import pyarrow
import pyarrow.parquet
import pytest

from db.sources import local_files
from db.sources.files import AllowedSources
from library.errors import LikenessError

XMP = """<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description xmlns:p="http://ns.adobe.com/photoshop/1.0/" p:City="{}"/></rdf:RDF>"""


def zipped(text):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(f"{text}.png", text)
    return buffer.getvalue()


def tarred(text, mode="w"):
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode=mode) as archive:
        member = tarfile.TarInfo(f"{text}.png")
        member.size = len(text)
        archive.addfile(member, io.BytesIO(text.encode()))
    return buffer.getvalue()


def shard(text):
    buffer = io.BytesIO()
    pyarrow.parquet.write_table(pyarrow.table({"where": ["a.png"], "said": [text]}), buffer)
    return buffer.getvalue()


# A file that is swapped and its content, and what of its folder is imported.
KINDS = {
    "picture": ("a.png", str.encode, "a.png"),
    "picture in a folder": ("a.png", str.encode, ""),
    "picture of a pattern": ("a.png", str.encode, "*.png"),
    "zip": ("a.zip", zipped, "a.zip"),
    "tar": ("a.tar", tarred, "a.tar"),
    "tgz": ("a.tgz", partial(tarred, mode="w:gz"), "a.tgz"),
    "part of a Takeout": ("takeout-20200501T120000Z-001.zip", zipped, ""),
    "sidecar": ("b.png.xmp", lambda text: XMP.format(text).encode(), "b.png"),
    "sidecar in a folder": ("b.png.xmp", lambda text: XMP.format(text).encode(), ""),
    "row of a table": ("a.png", str.encode, "rows.csv"),
    "table": ("a.csv", lambda text: f"where,said\na.png,{text}\n".encode(), "a.csv"),
    "lines": ("a.jsonl", lambda text: f'{{"where": "a.png", "said": "{text}"}}\n'.encode(), "a.jsonl"),
    "parquet": ("a.parquet", shard, "a.parquet"),
}


@pytest.fixture
def album(tmp_path):
    folder = tmp_path / "album"
    folder.mkdir()
    (folder / "b.png").write_bytes(b"beside")
    return folder


def read_from(folder, source):
    """Returns all that an import of visitors would have from a place below an allowed folder."""
    had = []
    try:
        for item in AllowedSources([str(folder)]).items(str(source), "where"):
            had += [item.name, item.metadata, item.describe and item.describe()]
            try:
                had.append(item.read())
            except (OSError, LikenessError) as error:
                had.append(error)
    except LikenessError as error:
        had.append(error)
    return repr(had)


def swap_after_every_check(path, elsewhere, monkeypatch):
    """Has each check see what belongs there, and whatever comes after the check a link in its place."""
    kept, really = path.parent.parent / "kept", os.path.realpath
    path.rename(kept)
    path.symlink_to(elsewhere)

    def realpath(place, **options):
        path.unlink()
        kept.rename(path)
        try:
            return really(place, **options)
        finally:
            path.rename(kept)
            path.symlink_to(elsewhere)

    monkeypatch.setattr(os.path, "realpath", realpath)


@pytest.mark.parametrize("has_descriptors", [True, False])
@pytest.mark.parametrize("kind", KINDS)
def test_a_file_that_is_swapped_for_a_link_is_not_read(album, tmp_path, monkeypatch, kind, has_descriptors):
    monkeypatch.setattr(local_files, "HAS_DESCRIPTORS", has_descriptors)
    name, content, within = KINDS[kind]
    (album / name).write_bytes(content("public"))
    (tmp_path / "elsewhere").write_bytes(content("secret"))
    if within == "rows.csv":
        (album / within).write_text("where\na.png\n")
    assert "public" in read_from(album, album / within)
    swap_after_every_check(album / name, tmp_path / "elsewhere", monkeypatch)
    had = read_from(album, album / within)
    assert "secret" not in had and "public" not in had


@pytest.mark.parametrize("within", ["trip", "trip/a.png", "trip/public.zip", "trip/*"])
def test_a_folder_that_is_swapped_for_a_link_is_neither_listed_nor_read(album, tmp_path, monkeypatch, within):
    for folder, text in ((album / "trip", "public"), (tmp_path / "elsewhere", "secret")):
        folder.mkdir()
        (folder / "a.png").write_text(text)
        (folder / f"{text}.png").write_text(text)
        (folder / "public.zip").write_bytes(zipped(text))
    assert "public" in read_from(album, album / within)
    swap_after_every_check(album / "trip", tmp_path / "elsewhere", monkeypatch)
    assert "secret" not in read_from(album, album / within)


def test_links_from_an_allowed_folder_into_it_are_followed(album, tmp_path):
    (album / "2019" / "may").mkdir(parents=True)
    (album / "2019" / "may" / "public.png").write_text("public")
    (album / "latest").symlink_to("2019")
    (album / "link.png").symlink_to(album / "latest" / "may" / "public.png")
    (tmp_path / "link").symlink_to(album)
    for folder in (album, tmp_path / "link"):
        for within in ("link.png", "latest/may/public.png", "latest", "2019/../latest/may"):
            assert "b'public'" in read_from(folder, folder / within)
            assert "b'public'" in read_from(folder, album / within)
