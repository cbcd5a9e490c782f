"""Tells where in a picture something is found: the numbers, what is kept of them, and who is refused."""

from io import BytesIO
from random import Random

import numpy as np
import pytest
from PIL import Image

from benchmarks.heat import CENTRE, drawing, share_of, ways
from encoders.loading import load_encoder
from encoders.model_folders import SMALL
from library.errors import InvalidQuery, UnknownPicture
from library.image_library import ImageLibrary
from library.images import content_id
from library.running.latest import Latest
from library.search.heat import WHOLE, heat_values, seen_box, within
from library.search.parts import Crop, LibraryPart, PicturePart, TextPart
from library.search.query import Query
from testing.fakes import ColourEncoder, MemoryDatabase, MemoryStore, ready
from testing.pictures import item

CUT = {"do_center_crop": True, "crop_size": {"height": 224, "width": 224}, "size": {"shortest_edge": 224}}
LEFT, RIGHT = Crop(0, 0, 0.5, 1), Crop(0.5, 0, 0.5, 1)


def halves(left: str, right: str) -> bytes:
    image = Image.new("RGB", (320, 320), left)
    image.paste(right, (160, 0, 320, 320))
    buffer = BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()


class Counting(ColourEncoder):
    """Counts what is encoded."""

    def __init__(self) -> None:
        self.patches = self.texts = 0

    def encode_patches(self, image):
        self.patches += 1
        return super().encode_patches(image)

    def encode_texts(self, texts):
        self.texts += len(texts)
        return super().encode_texts(texts)


class Pooled(ColourEncoder):
    """Has a tower without patches."""

    def encode_patches(self, image):
        return None


@pytest.fixture
def both(library):
    data = halves("red", "blue")
    list(library.add([item("both.png", data)]))
    return content_id(data)


def shares(heat):
    """Returns how much of a map lies in the left half and in the right one."""
    columns = heat.values.sum(axis=0)
    half = len(columns) // 2
    return columns[:half].sum(), columns[half:].sum()


def test_on_drawings_of_two_shapes_the_map_falls_on_the_one_that_is_named():
    by_values = ways(load_encoder(SMALL, "cpu", "float32"))["values"]
    random = Random(1)
    drawn = [drawing(random) for _ in range(24)]
    maps = [by_values(each.image, each.text) for each in drawn]
    on = sum(share_of(values, each.box) for values, each in zip(maps, drawn, strict=True))
    assert on >= 2 * sum(share_of(values, CENTRE) for values in maps)


def test_what_all_patches_share_is_no_heat():
    alike = np.ones((4, 4, 3), np.float32)
    assert not heat_values(alike, np.ones(3, np.float32)).any()
    alike[1, 2] = 2
    values = heat_values(alike, np.ones(3, np.float32))
    assert values[1, 2] == 1 and values.sum() == 1


def test_what_fills_most_of_a_picture_is_found_there_too():
    patches = np.zeros((4, 4, 2), np.float32)
    patches[..., 0] = 1
    patches[0] = [0, 1]
    assert heat_values(patches, np.array([1, 0], np.float32)).sum(axis=1).tolist() == [0, 4, 4, 4]


def test_a_tower_that_cuts_the_longer_sides_ends_off_says_what_it_sees():
    assert seen_box(CUT, 400, 200) == Crop(0.25, 0, 0.5, 1)
    assert seen_box(CUT, 200, 800) == Crop(0, 0.375, 1, 0.25)
    assert seen_box(CUT | {"do_center_crop": False}, 400, 200) == WHOLE == seen_box({}, 400, 200)
    assert within(Crop(0.5, 0, 0.5, 1), Crop(0.25, 0, 0.5, 1)) == Crop(0.625, 0, 0.25, 1)


@pytest.mark.parametrize("weight", [1, -0.5])
def test_each_part_of_a_query_has_a_map_of_its_own_also_one_taken_away(library, both, weight):
    maps = library.heat_maps.of(both, Query((TextPart("red"), TextPart("blue", weight))))
    assert [each.part.text for each in maps] == ["red", "blue"]
    (left, right), (other_left, other_right) = (shares(each.found) for each in maps)
    assert left > right == 0 and other_right > other_left == 0
    assert maps[0].own is None


def test_a_picture_shows_the_matching_regions_of_both(library, both):
    data = halves("green", "blue")
    [heat] = library.heat_maps.of(both, Query((PicturePart(data, crop=RIGHT),)))
    assert shares(heat.found)[0] == 0 < shares(heat.found)[1]
    assert heat.own.box == RIGHT
    other = halves("blue", "red")
    list(library.add([item("other.png", other)]))
    [heat] = library.heat_maps.of(both, Query((LibraryPart(content_id(other), crop=LEFT),)))
    assert shares(heat.found)[0] == 0 < shares(heat.found)[1]
    assert heat.own.box == LEFT


def test_a_map_is_made_once_whatever_the_weight(picture):
    encoder = Counting()
    library = ImageLibrary(MemoryStore(), ready(encoder), MemoryDatabase())
    list(library.add([item("red.png", picture("red"))]))
    for weight in (1, 0.5):
        library.heat_maps.of(content_id(picture("red")), Query((TextPart("red", weight),)))
    assert (encoder.patches, encoder.texts) == (1, 1)
    library.heat_maps.of(content_id(picture("red")), Query.of("blue"))
    assert (encoder.patches, encoder.texts) == (1, 2)


def test_a_deleted_picture_has_no_map_though_it_was_made(library, both):
    library.heat_maps.of(both, Query.of("red"))
    library.delete([both])
    with pytest.raises(UnknownPicture):
        library.heat_maps.of(both, Query.of("red"))


def test_a_model_without_patches_says_so(picture):
    library = ImageLibrary(MemoryStore(), ready(Pooled()), MemoryDatabase())
    list(library.add([item("red.png", picture("red"))]))
    with pytest.raises(InvalidQuery, match="colour does not show where"):
        library.heat_maps.of(content_id(picture("red")), Query.of("red"))


def test_without_a_query_there_is_nothing_to_map(library, both):
    with pytest.raises(InvalidQuery, match="Describe a picture"):
        library.heat_maps.of(both, Query())


def test_what_was_asked_for_last_is_kept_within_its_room():
    made = []
    latest = Latest(5, len)

    def ask(text):
        return latest.get(text, lambda: made.append(text) or text)

    assert [ask(each) for each in ("aa", "bb", "aa", "cc", "aa", "bb")] == ["aa", "bb", "aa", "cc", "aa", "bb"]
    assert made == ["aa", "bb", "cc", "bb"]
    assert ask("too long for it") == "too long for it" == ask("too long for it")
    assert made.count("too long for it") == 2
