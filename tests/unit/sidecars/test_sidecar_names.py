"""Finds the sidecars of a picture under every name that Google Takeout, Lightroom, darktable and digiKam give them."""

import json

import pytest

from db.sources.sidecars.folder import Sidecars

LONG = "Backyard_ceremony_wedding_photography_xxxxxxx_magnoliastudios-37{}.jpg"
LONG_CUT = "Backyard_ceremony_wedding_photography_xxxxxxx_"
UUID = "original_1d4caa6f-16c6-4c3d-901b-9387de10e528_"

FOUND = [
    ("IMG_1.jpg", "IMG_1.jpg.json"),
    ("IMG_1.jpg", "IMG_1.jpg.supplemental-metadata.json"),
    ("PXL_20230330_184138390.jpg", "PXL_20230330_184138390.jpg.supplemental-metada.json"),
    ("PXL_20230330_184138390.PORTRAIT.jpg", "PXL_20230330_184138390.PORTRAIT.jpg.supplement.json"),
    ("Screenshot_20240101-120000_Photos_app.png", "Screenshot_20240101-120000_Photos_app.png.suppl.json"),
    ("Screenshot_20240101-120000_Photos_app1234.png", "Screenshot_20240101-120000_Photos_app1234.png.s.json"),
    ("PXL_20230330_184138390.MOTION-01.COVER.jpg", "PXL_20230330_184138390.MOTION-01.COVER.jp.json"),
    ("IMG_1(1).jpg", "IMG_1.jpg(1).json"),
    ("IMG_1(1).jpg", "IMG_1.jpg.supplemental-metadata(1).json"),
    ("IMG_1(12).jpg", "IMG_1.jpg.supplemental-me(12).json"),
    ("IMG_1(1).jpg", "IMG_1(1).jpg.json"),
    ("IMG_1-edited.jpg", "IMG_1.jpg.json"),
    ("IMG_1-bearbeitet.jpg", "IMG_1.jpg.supplemental-metadata.json"),
    ("IMG_1-modifié.jpg", "IMG_1.jpg.json"),
    ("IMG_1-modifie\u0301.jpg", "IMG_1.jpg.json"),
    ("IMG_1-editado.jpg", "IMG_1.jpg.json"),
    ("IMG_1-수정됨.jpg", "IMG_1.jpg.json"),
    ("IMG_1-已編輯.jpg", "IMG_1.jpg.json"),
    ("IMG_1-edited(1).jpg", "IMG_1.jpg(1).json"),
    ("IMG_1(1)-edited.jpg", "IMG_1.jpg(1).json"),
    ("IMG_1-edited.jpg", "IMG_1.HEIC.json"),
    ("PXL_20230330_184138390.MOTION-01.COVER-edi.jpg", "PXL_20230330_184138390.MOTION-01.COVER.jp.json"),
    ("IMG_1.HEIC", "IMG_1.HEIC.supplemental-metadata.json"),
    ("IMG_1.JPG", "IMG_1.json"),
    ("IMG_1.JPG", "img_1.jpg.json"),
    (f"{UUID}P.jpg", f"{UUID}.json"),
    ("IMG_1.jpg", "IMG_1.jpg.xmp"),
    ("IMG_1.jpg", "IMG_1.xmp"),
    ("IMG_1.JPG", "IMG_1.XMP"),
]
NOT_FOUND = [
    ("IMG_1.jpg", "IMG_10.jpg.json"),
    ("IMG_1.jpg", "IMG_1.jpg(1).json"),
    ("IMG_1(1).jpg", "IMG_1.jpg.json"),
    ("IMG_1(2).jpg", "IMG_1.jpg.supplemental-metadata(1).json"),
    ("IMG_1.jpg", "IMG_1.png.json"),
    ("IMG_1.jpg", "IMG_1.jpg.txt"),
    ("IMG-1.jpg", "IMG.jpg.json"),
    ("IMG_1.jpg", "package.json"),
    ("IMG_1.jpg", ".IMG_1.xmp"),
]


def takeout(title="", **fields):
    taken = {"timestamp": "1588336200", "formatted": "May 1, 2020"}
    return json.dumps({"title": title, "description": title, "photoTakenTime": taken, **fields}).encode()


def sidecars(files):
    return Sidecars(sorted(files), files.__getitem__)


def test_json_of_another_kind_beside_a_picture_is_no_sidecar():
    taken = b'{"photoTakenTime": {}}'
    others = {"a.json": b"[]", "b.jpg.json": b"7", "c.json": b'{"shapes": []}', "d.json": b"{}", "metadata.json": b'""'}
    own = {"e.jpg.json": taken, "f.json": b"{cut", "Metadata(1).json": b'{"title": "Trip"}', "g.xmp": b""}
    sidecars = Sidecars([*others, *own, *(f"{name}.jpg" for name in "abcdefg")], (others | own).__getitem__)
    assert [name for name in (*others, *own) if sidecars.reason_if_one(name)] == list(own)
    by_name = Sidecars(["a.jpg", "a.json"], others.__getitem__, looks_inside=False)
    assert by_name.reason_if_one("a.json")


@pytest.mark.parametrize(("picture", "sidecar"), FOUND, ids=lambda name: name)
def test_a_sidecar_is_found(picture, sidecar):
    found = sidecars({picture: b"", sidecar: b""})
    assert found.of(picture) == [sidecar]
    assert str(found.reason_if_one(sidecar)).startswith("A sidecar")
    assert found.reason_if_one(picture) is None


@pytest.mark.parametrize(("picture", "other"), NOT_FOUND, ids=lambda name: name)
def test_another_file_is_no_sidecar(picture, other):
    found = sidecars({picture: b"", other: b""})
    assert (found.of(picture), found.reason_if_one(other), found.describing(picture)) == ([], None, None)


def test_the_video_of_a_live_photo_leaves_its_sidecar_to_the_picture():
    files = {"IMG_1.HEIC": b"", "IMG_1.MP4": b"", "IMG_1.HEIC.json": takeout("IMG_1.HEIC")}
    assert sidecars(files).of("IMG_1.HEIC") == ["IMG_1.HEIC.json"]


def test_of_names_that_are_cut_to_the_same_each_gets_its_own():
    first, second = LONG.format(1), LONG.format(2)
    files = {first: b"", second: b"", f"{LONG_CUT}.json": takeout(first), f"{LONG_CUT}(1).json": takeout(second)}
    found = sidecars(files)
    assert [found.describing(name)().metadata["description"] for name in (first, second)] == [first, second]


def test_a_sidecar_of_a_cut_name_with_another_title_is_not_taken():
    files = {LONG.format(1): b"", f"{LONG_CUT}.json": takeout("something else.jpg")}
    described = sidecars(files).describing(LONG.format(1))()
    assert (described.metadata, described.note) == ({}, None)


def test_numbered_copies_keep_their_own_sidecars():
    names = {
        "IMG_1.jpg": "IMG_1.jpg.supplemental-metadata.json",
        "IMG_1(1).jpg": "IMG_1.jpg.supplemental-metadata(1).json",
    }
    found = sidecars(dict.fromkeys([*names, *names.values()], b""))
    assert {name: found.of(name) for name in names} == {name: [each] for name, each in names.items()}


@pytest.mark.parametrize(
    "name", ["metadata.json", "Metadaten.json", "métadonnées(1).json", "메타데이터.json", "中繼資料.json"]
)
def test_the_title_of_an_album_is_kept_with_each_of_its_pictures(name):
    found = sidecars({"a.jpg": b"", "b.jpg": b"", name: json.dumps({"title": "Paris", "description": ""}).encode()})
    assert [found.describing(each)().metadata for each in ("a.jpg", "b.jpg")] == [{"album": "Paris"}] * 2
