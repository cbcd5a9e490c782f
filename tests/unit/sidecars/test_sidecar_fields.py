"""Reads the fields of sidecars; one that is broken, huge or a decompression bomb affects no other file."""

import json

import pytest

from db.sources.sidecars.folder import MAX_BYTES, Sidecars, check_sidecar
from db.sources.sidecars.takeout import read_takeout
from db.sources.sidecars.xmp import read_xmp

SPACES = " ".join(
    f'xmlns:{prefix}="{uri}"'
    for prefix, uri in {
        "rdf": "http://www.w3.org/1999/02/22-rdf-syntax-ns#",
        "dc": "http://purl.org/dc/elements/1.1/",
        "xmp": "http://ns.adobe.com/xap/1.0/",
        "exif": "http://ns.adobe.com/exif/1.0/",
        "photoshop": "http://ns.adobe.com/photoshop/1.0/",
        "lr": "http://ns.adobe.com/lightroom/1.0/",
        "Iptc4xmpCore": "http://iptc.org/std/Iptc4xmpCore/1.0/xmlns/",
        "Iptc4xmpExt": "http://iptc.org/std/Iptc4xmpExt/2008-02-29/",
        "mwg-rs": "http://www.metadataworkinggroup.com/schemas/regions/",
    }.items()
)


def xmp(attributes="", elements="", head=""):
    rdf = f'<rdf:RDF {SPACES}><rdf:Description rdf:about="" {attributes}>{elements}</rdf:Description></rdf:RDF>'
    packet = f'<x:xmpmeta xmlns:x="adobe:ns:meta/">{rdf}</x:xmpmeta>'
    return f'{head}<?xpacket begin="\ufeff" id="W5M0"?>{packet}<?xpacket end="w"?>   '.encode()


def said(fields):
    return {name: value for name, value in fields.items() if value is not None}


def takeout(**fields):
    _title, found = read_takeout(json.dumps({"photoTakenTime": {"timestamp": "0"}, **fields}).encode())
    return said(found)


def test_takeout_says_what_when_where_and_who():
    assert takeout(
        description=" The sea \n",
        photoTakenTime={"timestamp": "1588336200"},
        geoData={"latitude": 48.1372, "longitude": 11.5756, "altitude": 519.0},
        people=[{"name": "Ada"}, {"name": "Bo"}, {}, "x"],
    ) == {
        "description": "The sea",
        "taken": "2020-05-01T12:30:00Z",
        "latitude": 48.1372,
        "longitude": 11.5756,
        "altitude": 519.0,
        "people": "Ada, Bo",
    }


def test_nothing_is_said_by_empty_fields_and_a_place_of_0_0():
    nowhere = {"latitude": 0.0, "longitude": 0.0, "altitude": 0.0}
    assert takeout(description="", geoData=nowhere, people=[]) == {}
    there = {"latitude": -33.9, "longitude": 18.4}
    assert takeout(geoData=nowhere, geoDataExif=there) == {"latitude": -33.9, "longitude": 18.4}


@pytest.mark.parametrize("timestamp", ["-86400", -86400])
def test_a_picture_may_be_older_than_1970(timestamp):
    assert takeout(photoTakenTime={"timestamp": timestamp}) == {"taken": "1969-12-31T00:00:00Z"}


@pytest.mark.parametrize(
    "fields",
    [
        {"photoTakenTime": {"timestamp": "soon"}},
        {"photoTakenTime": {"timestamp": "9" * 30}},
        {"photoTakenTime": None},
        {"photoTakenTime": {}},
        {"geoData": {"latitude": 1e999, "longitude": 2}},
        {"geoData": {"latitude": 91, "longitude": 2}},
        {"geoData": [1, 2]},
        {"geoData": {"latitude": True, "longitude": False}},
        {"people": "Ada"},
        {"description": 3},
    ],
)
def test_takeout_of_odd_values_says_nothing_of_them(fields):
    assert takeout(**fields) == {}


def test_half_a_character_and_a_nul_are_repaired():
    assert takeout(description="a\ud83d b\0c") == {"description": "a? bc"}


def test_json_of_another_kind_says_nothing():
    for data in (b"{}", b"[]", b"7", b'{"title": "x", "images": []}'):
        assert read_takeout(data) is None


def test_xmp_says_title_description_keywords_rating_time_and_place():
    data = xmp(
        'xmp:Rating="4" exif:GPSLatitude="48,8.5N" exif:GPSLongitude="11,34,30W" exif:GPSAltitude="5191/10" '
        'photoshop:City="Munich" photoshop:Country="Germany" exif:DateTimeOriginal="2020-05-01T12:30:00+02:00"',
        "<dc:title><rdf:Alt><rdf:li xml:lang='de'>Meer</rdf:li><rdf:li xml:lang='x-default'>Sea</rdf:li></rdf:Alt>"
        "</dc:title>"
        "<dc:description><rdf:Alt><rdf:li xml:lang='x-default'>The &lt;sea&gt; 바다</rdf:li></rdf:Alt></dc:description>"
        "<dc:subject><rdf:Bag><rdf:li>beach</rdf:li><rdf:li>sunset</rdf:li></rdf:Bag></dc:subject>"
        "<lr:hierarchicalSubject><rdf:Bag><rdf:li>Nature|beach</rdf:li><rdf:li>Places|Bavaria</rdf:li></rdf:Bag>"
        "</lr:hierarchicalSubject>"
        "<Iptc4xmpExt:PersonInImage><rdf:Bag><rdf:li>Ada</rdf:li></rdf:Bag></Iptc4xmpExt:PersonInImage>"
        "<Iptc4xmpCore:Location>Odeonsplatz</Iptc4xmpCore:Location>",
    )
    assert said(read_xmp(data)) == {
        "title": "Sea",
        "description": "The <sea> 바다",
        "keywords": "beach, sunset, Bavaria",
        "people": "Ada",
        "rating": 4,
        "taken": "2020-05-01T10:30:00Z",
        "place": "Odeonsplatz, Munich, Germany",
        "city": "Munich",
        "country": "Germany",
        "latitude": 48.1416667,
        "longitude": -11.575,
        "altitude": 519.1,
    }


def test_xmp_as_elements_says_the_same_as_attributes():
    elements = (
        "<xmp:Rating>3.5</xmp:Rating><photoshop:DateCreated>2020-05</photoshop:DateCreated><dc:title>Sea</dc:title>"
    )
    assert said(read_xmp(xmp("", elements))) == {"rating": 3.5, "taken": "2020-05", "title": "Sea"}


def test_names_of_faces_are_found_in_their_regions():
    region = "<rdf:li><rdf:Description mwg-rs:Name='Bo' mwg-rs:Type='Face'/></rdf:li>"
    other = "<rdf:li rdf:parseType='Resource'><mwg-rs:Name>Ada</mwg-rs:Name></rdf:li>"
    regions = f"<mwg-rs:RegionList><rdf:Bag>{region}{other}</rdf:Bag></mwg-rs:RegionList>"
    data = xmp("", f"<mwg-rs:Regions rdf:parseType='Resource'>{regions}</mwg-rs:Regions>")
    assert said(read_xmp(data)) == {"people": "Bo, Ada"}


@pytest.mark.parametrize(
    ("text", "taken"),
    [
        ("2020-05-01", "2020-05-01"),
        ("2020-05-01T12:30", "2020-05-01T12:30:00Z"),
        ("2020:05:01 12:30:00", "2020-05-01T12:30:00Z"),
        ("2020-05-01T12:30:00.25Z", "2020-05-01T12:30:00.250000Z"),
        ("2020", "2020"),
        ("2020-13-01", None),
        ("0001-01-01T00:00:00+14:00", "0001-01-01T00:00:00+14:00"),
        ("yesterday", None),
    ],
)
def test_times_are_iso_8601_in_utc(text, taken):
    assert read_xmp(xmp(f'xmp:CreateDate="{text}"'))["taken"] == taken


@pytest.mark.parametrize(
    ("text", "rating"), [("5", 5), ("-1", -1), ("0", None), ("9", None), ("nan", None), ("x", None)]
)
def test_a_rating_is_one_to_five_or_rejected(text, rating):
    assert read_xmp(xmp(f'xmp:Rating="{text}"'))["rating"] == rating


@pytest.mark.parametrize("place", ["0,0N", "91,0N", "x", "48,8.5Q", "1e999"])
def test_a_place_that_is_none_is_left_out(place):
    assert read_xmp(xmp(f'exif:GPSLatitude="{place}" exif:GPSLongitude="0,0E"'))["latitude"] is None


BOMB = '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">]>'
FILE = '<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]>'
BROKEN = {
    "an entity bomb": (xmp("", "<dc:title>&b;</dc:title>", BOMB), "document type"),
    "an entity of a file": (xmp("", "<dc:title>&a;</dc:title>", FILE), "document type"),
    "no end": (xmp()[:-60], "no XML"),
    "no xml": (b"\xff\xd8\xff", "no XML"),
    "an unknown encoding": (b'<?xml version="1.0" encoding="klingon"?><x/>', "no XML"),
    "too deep": (b"<a>" * 100_000, "nested too deep"),
    "empty": (b"", "no XML"),
}


@pytest.mark.parametrize(("data", "reason"), BROKEN.values(), ids=BROKEN)
def test_broken_xmp_is_left_out_with_a_note(data, reason):
    described = Sidecars(["a.jpg", "a.xmp"], lambda _: data).describing("a.jpg")()
    assert described.metadata == {}
    assert str(described.note).startswith("The sidecar a.xmp was left out: ") and reason in str(described.note)


@pytest.mark.parametrize("data", [b"{", b"[" * 100_000, b"\xff\xfe\x00", b""])
def test_broken_json_is_left_out_with_a_note(data):
    described = Sidecars(["a.jpg", "a.jpg.json"], lambda _: data).describing("a.jpg")()
    assert described.metadata == {} and "a.jpg.json was left out" in str(described.note)


def test_a_number_of_thousands_of_digits_in_a_sidecar_costs_itself_alone():
    text = '{"description": "Sea", "photoTakenTime": {"timestamp": 9}, "geoData": {"latitude": 9, "longitude": 1}}'
    data = text.replace("9", "9" * 5_000).encode()
    described = Sidecars(["a.jpg", "a.jpg.json"], lambda _: data).describing("a.jpg")()
    assert said(described.metadata) == {"description": "Sea"}
    assert "are not of their kind and were left out: photoTakenTime" in str(described.note)


def test_a_huge_sidecar_is_not_read():
    with pytest.raises(Exception, match="more than the 16 MB"):
        check_sidecar(MAX_BYTES + 1)


def test_xmp_counts_before_takeout_and_fills_what_that_leaves_open():
    files = {
        "a.jpg": b"",
        "a.xmp": xmp('xmp:Rating="5"', "<dc:title>Sea</dc:title>"),
        "a.jpg.xmp": xmp('xmp:Rating="2"'),
        "a.jpg.json": json.dumps({"photoTakenTime": {"timestamp": "60"}, "description": "from Takeout"}).encode(),
    }
    described = Sidecars(files, files.__getitem__).describing("a.jpg")()
    assert said(described.metadata) == {
        "rating": 2,
        "title": "Sea",
        "taken": "1970-01-01T00:01:00Z",
        "description": "from Takeout",
    }


def noted(name, data):
    described = Sidecars(["a.jpg", name], lambda _: data).describing("a.jpg")()
    return described.metadata, str(described.note or "")


def test_half_a_character_in_takeout_is_told():
    data = {"geoData": {}, "description": "a\ud83d", "people": [{"name": "A\0da"}], "title": "fine"}
    metadata, told = noted("a.jpg.json", json.dumps(data).encode())
    assert said(metadata) == {"description": "a?", "people": "Ada"}
    assert told.startswith("Texts in the sidecar a.jpg.json hold half of a character") and "description, people" in told
    assert "title" in noted("metadata.json", rb'{"title": "Trip \ud83d"}')[1]


def test_values_of_a_wrong_kind_are_named_and_the_others_kept():
    fields = {"title": "a.jpg", "photoTakenTime": {"timestamp": "1588336200"}, "description": "Sea"}
    wrong = {
        "description": 5,
        "photoTakenTime": "yesterday",
        "geoData": {"latitude": "north", "longitude": 3},
        "geoDataExif": [1, 2],
        "people": [{"name": 7}],
    }
    for name, value in wrong.items():
        found, note = noted("a.jpg.json", json.dumps(fields | {name: value}).encode())
        assert note.startswith(f"Values in the sidecar a.jpg.json are not of their kind and were left out: {name}.")
        assert found.get("description" if name != "description" else "taken")
    for silent in ({"people": []}, {"geoData": {"latitude": 0, "longitude": 0}}, {"photoTakenTime": {"timestamp": 0}}):
        assert noted("a.jpg.json", json.dumps(fields | silent).encode())[1] == ""


def test_properties_of_a_wrong_kind_are_named_and_the_others_kept():
    for name, text in (("xmp:Rating", "good"), ("xmp:CreateDate", "yesterday"), ("exif:GPSAltitude", "high")):
        found, note = noted("a.xmp", xmp(f'{name}="{text}" photoshop:City="Oslo"'))
        assert found["city"] == "Oslo" and f"left out: {name.partition(':')[2]}." in note
    assert noted("a.xmp", xmp('xmp:Rating="0" exif:GPSLatitude="0,0N" exif:GPSLongitude="0,0E"'))[1] == ""


def test_what_is_no_json_and_no_xml_is_told_in_our_own_words():
    assert "a.jpg.json was left out: it is no JSON, or cut short; export it again." in noted("a.jpg.json", b"{")[1]
    assert "a.xmp was left out: it is no XML, or cut short" in noted("a.xmp", b"<a")[1]
