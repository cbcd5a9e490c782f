"""Near-duplicates: what is found, in which groups, and how decisions last."""

import itertools
import json
from io import BytesIO

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from db.decisions import DecisionFile
from db.image_store import LocalImageStore
from db.milvus import Milvus
from encoders.clip import load_encoder
from library.decisions import PassingDecisions
from library.duplicates import DEEPER, NEAREST, THRESHOLD, Pair, alike, find_groups, grouped
from library.errors import IndexUnavailable, InvalidQuery, StoreUnavailable, UnknownPicture
from library.image_library import ImageLibrary
from library.images import content_id, thumbnail
from library.images import decode as decoded
from library.samples import sample_pictures
from tests.conftest import item, record
from tests.fakes import ColourEncoder, MemoryCollection, MemoryDatabase, MemoryStore, ready

NAMES = ("a pink flower on a meadow.png", "sunset over the sea.png", "night sky with a full moon.png")
KINDS = ("png", "webp", "half", "crop", "coarse", "turned")
EXIF_ORIENTATION, TURNED_BACK_BY_READERS = 274, 6


def saved(image, format="JPEG", **options):
    buffer = BytesIO()
    image.save(buffer, format, **options)
    return buffer.getvalue()


def variants(data):
    image = Image.open(BytesIO(data)).convert("RGB")
    width, height = image.size
    exif = Image.Exif()
    exif[EXIF_ORIENTATION] = TURNED_BACK_BY_READERS
    edges = [int(each) for each in (0.025 * width, 0.025 * height, 0.975 * width, 0.975 * height)]
    return {
        "png": saved(image, "PNG", compress_level=1),
        "webp": saved(image, "WEBP", quality=80),
        "half": saved(image.resize((width // 2, height // 2)), quality=90),
        "crop": saved(image.crop(edges), quality=90),
        "coarse": saved(image, quality=30),
        "turned": saved(image.transpose(Image.Transpose.ROTATE_90), quality=90, exif=exif),
    }


@pytest.fixture(scope="module")
def small():
    return load_encoder("small")


@pytest.fixture(scope="module")
def samples():
    return dict(sample_pictures())


@pytest.fixture
def album(small, tmp_path):
    """On Milvus Lite, with the small CLIP and decisions that last."""
    milvus = Milvus(tmp_path / "milvus.db")
    decisions = DecisionFile(tmp_path / "near-duplicates.jsonl")
    library = ImageLibrary(LocalImageStore(tmp_path / "images"), ready(small), milvus, decisions=decisions)
    yield library
    library.close()


def names(groups):
    return [{record.name for record in group.records} for group in groups]


def id_of(library, name):
    return next(each.content_id for each in library.browse(0, 1000) if each.name == name)


def filled(library, samples):
    originals = [item(name, data) for name, data in samples.items()]
    copies = [item(f"{kind} {name}", data) for name in NAMES for kind, data in variants(samples[name]).items()]
    list(library.add([*originals, *copies]))


def test_copies_in_other_formats_sizes_and_qualities_are_found_and_nothing_else(album, samples):
    filled(album, samples)
    found = names(album.near_duplicates(THRESHOLD))
    for name in NAMES:
        assert {name, *(f"{kind} {name}" for kind in KINDS)} in found
