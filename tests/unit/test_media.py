"""Requests the routes of thumbnails, previews and originals."""

from io import BytesIO
from urllib.parse import unquote

import pytest
from PIL import Image
from starlette.applications import Starlette
from starlette.testclient import TestClient

from db.images.object import ObjectStore
from library.errors import StoreUnavailable
from library.image_library import ImageLibrary
from library.images import content_id
from library.ingest.items import Item
from library.messages import table
from testing.fakes import ColourEncoder, MemoryStore, ready
from testing.pictures import item
from ui.media import PREFIX, media_routes

HOSTILE = 'a"; filename=x.exe\r\nSet-Cookie: a=1; é \u202e<img>.png'


@pytest.fixture
def client(library):
    return TestClient(Starlette(routes=media_routes(library)))


@pytest.fixture
def red(library, picture):
    data = picture("red", size=(2000, 1000))
    list(library.add([item(HOSTILE, data)]))
    return content_id(data)


@pytest.mark.parametrize(("size", "format", "side"), [("thumb", "JPEG", 384), ("preview", "JPEG", 1600)])
def test_small_versions_may_be_kept_for_ever(client, red, size, format, side):
    response = client.get(f"{PREFIX}/{size}/{red}")
    assert "immutable" in response.headers["cache-control"]
    assert response.headers["x-content-type-options"] == "nosniff"
    image = Image.open(BytesIO(response.content))
    assert (image.format, max(image.size)) == (format, side)


def test_the_original_comes_back_byte_by_byte(client, library, red):
    response = client.get(f"{PREFIX}/original/{red}")
    assert response.content == library.original(red)
    assert "sandbox" in response.headers["content-security-policy"]


def test_a_hostile_name_stays_a_name(client, library, red):
    response = client.get(f"{PREFIX}/original/{red}")
    assert "set-cookie" not in response.headers
    disposition = response.headers["content-disposition"]
    plain, _, encoded = disposition.partition("; filename*=UTF-8''")
    assert plain == f'attachment; filename="{red[:16]}.png"'
    assert unquote(encoded) == library.record(red).name


def test_pictures_in_a_bucket_are_served_by_the_app_itself(bucket, database, picture):
    library = ImageLibrary(ObjectStore(bucket), ready(ColourEncoder()), database)
    data = picture("red")
    list(library.add([item("red.png", data)]))
    client = TestClient(Starlette(routes=media_routes(library)), follow_redirects=False)
    answers = {size: client.get(f"{PREFIX}/{size}/{content_id(data)}") for size in ("thumb", "preview", "original")}
    assert [answer.status_code for answer in answers.values()] == [200, 200, 200]
    assert answers["original"].content == data


@pytest.mark.parametrize("size", ["thumb", "preview", "original"])
@pytest.mark.parametrize("id", ["x", "A" * 64, "0" * 64, "..%2f..%2fetc%2fpasswd", "%00", "0" * 64 + ".png"])
def test_an_id_that_names_nothing_is_not_found(client, red, size, id):
    assert client.get(f"{PREFIX}/{size}/{id}").status_code == 404


def test_there_are_three_sizes(client, red):
    assert client.get(f"{PREFIX}/huge/{red}").status_code == 404


def test_a_deleted_picture_is_gone_though_its_preview_was_made(client, library, red):
    assert client.get(f"{PREFIX}/preview/{red}").status_code == 200
    library.delete([red])
    for size in ("thumb", "preview", "original"):
        assert client.get(f"{PREFIX}/{size}/{red}").status_code == 404


def test_a_preview_is_made_once(client, library, red, monkeypatch):
    first = client.get(f"{PREFIX}/preview/{red}").content
    monkeypatch.setattr(library.pictures, "preview", lambda id: pytest.fail("made again"))
    assert client.get(f"{PREFIX}/preview/{red}").content == first


def test_a_store_that_is_away_is_said_in_plain_words(client, red, monkeypatch):
    def away(self, id):
        raise StoreUnavailable("The pictures cannot be read. Check DATA_DIR.")

    monkeypatch.setattr(MemoryStore, "original", away)
    monkeypatch.setattr(MemoryStore, "thumbnail", away)
    for size in ("thumb", "preview", "original"):
        response = client.get(f"{PREFIX}/{size}/{red}")
        assert (response.status_code, response.text) == (503, "The pictures cannot be read. Check DATA_DIR.")
        assert response.headers["cache-control"] == "no-store"


class Elsewhere:
    """Holds the originals that were left at their source."""

    def __init__(self):
        self.data = b""

    def read(self, place):
        if not self.data:
            raise FileNotFoundError(place)
        return self.data


@pytest.mark.parametrize(
    ("now", "sentence"),
    [
        (b"", "The original can no longer be read at its source, holiday/red.png."),
        (b"another", "The original at its source, holiday/red.png, has changed since it was added."),
    ],
)
def test_an_original_that_is_not_where_it_was_is_said_to_be_gone(store, database, picture, now, sentence):
    place = Elsewhere()
    library = ImageLibrary(store, ready(ColourEncoder()), database, place.read)
    found = Item("/far/red.png", "red.png", lambda: picture("red"), "holiday/red.png", original_at="/far/red.png")
    [receipt] = library.add([found], in_place=True)
    place.data = now
    client = TestClient(Starlette(routes=media_routes(library)))
    for size in ("preview", "original"):
        response = client.get(f"{PREFIX}/{size}/{receipt.content_id}")
        assert response.status_code == 410 and response.text.startswith(sentence)
    assert client.get(f"{PREFIX}/thumb/{receipt.content_id}").status_code == 200


def test_a_refusal_is_said_in_the_language_of_the_page(client):
    unknown = f"{PREFIX}/preview/{'0' * 64}"
    assert client.get(unknown).text == "This picture is no longer in the library."
    assert client.get(unknown, params={"lang": "ko"}).text == table("ko")["gone"]
