"""Checks the parts of a query: weights, crops, and the formula that makes one vector of them."""

from io import BytesIO

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from commands.queries import parts_given
from db.sources.files import read_query_picture
from library.errors import InvalidContentId, InvalidQuery
from library.search.parts import (
    MAX_PARTS,
    Crop,
    LibraryPart,
    PicturePart,
    TextPart,
    clean_text,
    combine,
    encode,
    parse_library_part,
    parse_weighted,
    picture_to_encode,
)
from library.search.query import Query
from testing.fakes import ColourEncoder

ID = "0" * 64
DIM = 4
X, Y = np.float32([1, 0, 0, 0]), np.float32([0, 1, 0, 0])

directions = st.lists(st.floats(-1, 1), min_size=DIM, max_size=DIM).filter(lambda each: np.linalg.norm(each) > 0.1)
weights = st.floats(-100, 100).filter(lambda weight: abs(weight) > 0.01)
weighted = st.lists(st.tuples(directions, weights), min_size=1, max_size=MAX_PARTS)


def combined(parts):
    """Returns None where they cancel each other out, or nearly so: then rounding decides on the direction."""
    vectors = [np.array(direction) / np.linalg.norm(direction) for direction, _ in parts]
    given_weights = [weight for _, weight in parts]
    if np.linalg.norm(np.dot(given_weights, vectors)) < 1e-3 * np.abs(given_weights).sum():
        return None
    return combine(vectors, given_weights)


# The formula


@given(weighted)
def test_a_combination_has_unit_length(parts):
    vector = combined(parts)
    assert vector is None or np.linalg.norm(vector) == pytest.approx(1, abs=1e-5)


@given(weighted, st.randoms())
def test_the_order_of_the_parts_does_not_matter(parts, random):
    shuffled = random.sample(parts, len(parts))
    one, other = combined(parts), combined(shuffled)
    assert one is None or other is None or one == pytest.approx(other, abs=1e-4)


@given(weighted, st.floats(0.001, 1000))
def test_the_scale_of_all_weights_does_not_matter(parts, factor):
    one, other = combined(parts), combined([(direction, factor * weight) for direction, weight in parts])
    assert one is None or other is None or one == pytest.approx(other, abs=1e-4)


@given(weighted)
def test_a_picture_scores_the_weighted_sum_of_its_scores_for_the_parts(parts):
    vector = combined(parts)
    if vector is None:
        return
    vectors = [np.array(direction) / np.linalg.norm(direction) for direction, _ in parts]
    total = sum(weight * each for each, (_, weight) in zip(vectors, parts, strict=True))
    picture = np.full(DIM, 0.5)
    scores = sum(weight * each @ picture for each, (_, weight) in zip(vectors, parts, strict=True))
    assert vector @ picture == pytest.approx(scores / np.linalg.norm(total), abs=1e-4)


@pytest.mark.parametrize("weights", [(1, -1), (0.001, -0.001), (100, -100)])
def test_parts_that_cancel_each_other_out_say_so(weights):
    with pytest.raises(InvalidQuery, match="cancel each other out"):
        combine([X, X], weights)


def test_a_negative_part_leads_away_from_what_it_names():
    towards = combine([X, Y], [1, -0.5])
    assert towards @ X > 0.8 and towards @ Y < -0.4


def test_each_tower_is_asked_once_and_the_order_is_kept():
    asked = []

    class Counting(ColourEncoder):
        def encode_texts(self, texts):
            asked.append(len(texts))
            return super().encode_texts(texts)

        def encode_images(self, images):
            asked.append(len(images))
            return super().encode_images(images)

    red, blue = Image.new("RGB", (9, 9), "red"), Image.new("RGB", (9, 9), "blue")
    vectors = encode(Counting(), [red, "blue", None, "green", blue])
    assert asked == [2, 2]
    assert [None if vector is None else int(np.argmax(vector)) for vector in vectors] == [0, 2, None, 1, 2]


# Weights behind a caret


@pytest.mark.parametrize(
    ("text", "value", "weight"),
    [
        ("beach", "beach", 1),
        ("people^-0.5", "people", -0.5),
        ("a^1e-1", "a", 0.1),
        (r"x\^2", "x^2", 1),
        (r"x\^2^0.5", "x^2", 0.5),
        (r"a\\^2", "a\\", 2),
        (r"C:\photos\a.jpg^2", r"C:\photos\a.jpg", 2),
        ("two\nlines^2", "two\nlines", 2),
        ("^2", "", 2),
        ("ends in \\", "ends in \\", 1),
    ],
)
def test_a_caret_gives_the_weight(text, value, weight):
    assert parse_weighted(text) == (value, weight)


@given(st.text(), weights)
def test_any_text_can_be_given_a_weight(text, weight):
    escaped = text.replace("\\", r"\\").replace("^", r"\^")
    assert parse_weighted(f"{escaped}^{weight}") == (text, weight)


@pytest.mark.parametrize("text", ["x^", "x^2 y", "x^2^3", "x^much"])
def test_a_caret_without_a_number_is_explained(text):
    with pytest.raises(InvalidQuery, match="no number after"):
        parse_weighted(text)


@pytest.mark.parametrize("weight", ["nan", "inf", "-inf", "0", "1e999", "101"])
def test_a_weight_that_is_none_is_explained(weight):
    with pytest.raises(InvalidQuery, match="is not possible"):
        parse_weighted(f"x^{weight}")


@pytest.mark.parametrize("weight", [0, float("nan"), float("inf"), 1000])
@pytest.mark.parametrize("part", [TextPart, PicturePart, LibraryPart])
def test_no_part_has_an_impossible_weight(part, weight):
    with pytest.raises(InvalidQuery, match="is not possible"):
        part("x", weight)


def test_a_picture_of_the_library_may_have_a_crop_and_a_weight():
    assert parse_library_part(ID) == LibraryPart(ID)
    assert parse_library_part(f"{ID}#0,0.5,1,0.5^-0.3") == LibraryPart(ID, -0.3, Crop(0, 0.5, 1, 0.5))
    with pytest.raises(InvalidContentId):
        parse_library_part("x")


# Crops


@pytest.mark.parametrize("sides", [(-0.1, 0, 1, 1), (0, 0, 0, 1), (0.5, 0, 0.6, 1), (0, 0, float("nan"), 1)])
def test_a_crop_lies_within_the_picture(sides):
    with pytest.raises(InvalidQuery, match=r"crop|fractions"):
        Crop(*sides)


@pytest.mark.parametrize("text", ["", "1,2", "a,b,c,d", "0,0,1"])
def test_a_crop_that_is_none_is_explained(text):
    with pytest.raises(InvalidQuery, match="is no crop"):
        Crop.parse(text)


fractions = st.floats(0, 1)


@given(fractions, fractions, fractions, fractions, st.integers(1, 99), st.integers(1, 99))
def test_a_crop_is_a_part_of_the_picture_of_at_least_one_pixel(left, top, width, height, wide, high):
    width, height = width * (1 - left), height * (1 - top)
    if not (width > 0 and height > 0):
        return
    cut = Crop(left, top, width, height).of(Image.new("RGB", (wide, high)))
    assert 1 <= cut.width <= wide and 1 <= cut.height <= high


def test_a_crop_is_cut_from_the_upright_picture():
    image = Image.new("RGB", (40, 20), "red")
    image.paste("blue", (0, 0, 20, 20))
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned clockwise: the left half is the upper one
    buffer = BytesIO()
    image.save(buffer, "PNG", exif=exif)
    upper = picture_to_encode(buffer.getvalue(), Crop(0, 0, 1, 0.5))
    assert upper.size == (20, 20)
    assert set(upper.get_flattened_data() if hasattr(upper, "get_flattened_data") else upper.getdata()) == {(0, 0, 255)}


def test_a_small_crop_of_a_large_picture_keeps_its_pixels():
    buffer = BytesIO()
    Image.new("RGB", (4000, 3000), "red").save(buffer, "JPEG")
    assert min(picture_to_encode(buffer.getvalue(), Crop(0.4, 0.4, 0.1, 0.1)).size) >= 300


def test_a_crop_that_no_tower_can_be_shown_is_refused():
    with pytest.raises(InvalidQuery, match="100 times as long"):
        Crop(0, 0, 1, 0.001).of(Image.new("RGB", (900, 900)))


# Queries


def test_a_query_has_sixteen_parts_at_most():
    Query(tuple(TextPart(str(number)) for number in range(16)))
    with pytest.raises(InvalidQuery, match="has 500 parts: 16 are possible"):
        Query(tuple(TextPart(str(number)) for number in range(500)))


def test_a_query_looks_for_something():
    with pytest.raises(InvalidQuery, match="only says what to leave out"):
        Query((TextPart("people", -1), LibraryPart(ID, -0.5)))


@pytest.mark.parametrize("text", ["", " \n", "\0"])
def test_a_text_without_words_is_none(text):
    assert Query.of(text).parts == ()
    with pytest.raises(InvalidQuery, match="is empty"):
        TextPart(text)


# What the search command is given


def test_files_may_have_carets_and_number_signs_in_their_names(tmp_path):
    for name in ("a.jpg", "b^2.jpg", "c#1.jpg"):
        (tmp_path / name).write_bytes(name.encode())
    given_images = ["a.jpg#0,0,0.5,1^-0.7", r"b\^2.jpg", "c#1.jpg^2"]
    requests = parts_given("x^2", ["y^0.5"], [f"{tmp_path}/{image}" for image in given_images], [f"{ID}^2"])
    assert tuple(each.read(read_query_picture) for each in requests) == (
        TextPart("x^2"),
        TextPart("y", 0.5),
        PicturePart(b"a.jpg", -0.7, Crop(0, 0, 0.5, 1)),
        PicturePart(b"b^2.jpg"),
        PicturePart(b"c#1.jpg", 2),
        LibraryPart(ID, 2),
    )


def test_a_file_that_is_not_there_is_named():
    with pytest.raises(InvalidQuery, match=r"nowhere\.jpg cannot be read"):
        parts_given(images=["nowhere.jpg^2"])[0].read(read_query_picture)


@given(st.text())
def test_cleaned_text_is_one_line_without_controls(text):
    cleaned = clean_text(text)
    assert cleaned == " ".join(cleaned.split())
    assert not any(ord(char) < 32 or ord(char) == 127 for char in cleaned)
    assert clean_text(cleaned) == cleaned


def test_emoji_survive_cleaning():
    family = "👨\u200d👩\u200d👧"
    assert clean_text(f" {family}\0\n🏳️‍🌈 ") == f"{family} 🏳️‍🌈"
