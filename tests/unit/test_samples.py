import io
from random import Random

import pytest
from PIL import Image

from library.samples.pictures import DRAWINGS, draw, sample_pictures


@pytest.fixture(scope="module")
def pictures() -> list[tuple[str, bytes]]:
    return list(sample_pictures(24))


def test_samples_are_the_same_on_every_call(pictures):
    assert list(sample_pictures(24)) == pictures


def test_samples_have_different_names_and_different_bytes(pictures):
    assert len({name for name, _ in pictures}) == len({data for _, data in pictures}) == 24


def test_samples_are_square_png_pictures(pictures):
    for _, data in pictures:
        image = Image.open(io.BytesIO(data))
        image.load()
        assert (image.format, image.size) == ("PNG", (512, 512))


def test_a_sample_is_named_by_what_it_shows(pictures):
    names = [name for name, _ in pictures]
    assert names[0].endswith("house under a blue sky.png")
    assert all(name.isascii() and "/" not in name for name in names)


def test_no_samples_are_none():
    assert list(sample_pictures(0)) == []


def test_the_same_seed_draws_the_same_picture():
    one, other = draw(Random(3), 96), draw(Random(3), 96)
    assert one.captions == other.captions
    assert one.image.tobytes() == other.image.tobytes()


@pytest.mark.parametrize("kind", sorted(set(DRAWINGS), key=lambda kind: kind.__name__))
def test_every_kind_can_be_drawn_and_has_captions(kind):
    sample = draw(Random(1), 64, kind)
    assert sample.image.size == (64, 64)
    assert len(sample.image.getcolors(64 * 64)) > 1
    assert all(sample.captions)
