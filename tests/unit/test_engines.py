"""Computes towers by ONNX Runtime: converted from what transformers loaded, and alike to it."""

import errno
import hashlib
import logging
import re
import shutil
import threading
from dataclasses import replace
from pathlib import Path
from random import Random

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from encoders.engines.calibration import Agreement, agreement, calibrate, chosen_after
from encoders.engines.eight_bits import PAIRS, SEVEN_BITS, WHOLE, EightBits, product_by_onnx
from encoders.engines.kept import KeptTowers
from encoders.engines.layers import Int8Layer
from encoders.engines.probe import NO_TIME, Clock, Measured, Refused, probe, quickest
from encoders.engines.quicken import quicken
from encoders.engines.towers import EXACT, NotPossible, Tower, Way, image_tower, text_tower
from encoders.engines.ways import ways_of
from encoders.loading import load_encoder
from library.samples.pictures import draw
from testing.families import FAMILIES, save
from testing.tiny_clip import save_tiny_clip

EIGHT_BITS, FLOAT, HALVES = Way("onnx", "int8", 1), Way("onnx", "float32", 1), Way("torch", "bfloat16", 1)
TEXTS = ["a red circle", "photo", "a photo of a blue circle " * 20]


@pytest.fixture(scope="module")
def bits():
    return EightBits()


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return save_tiny_clip(tmp_path_factory.mktemp("models") / "tiny")


@pytest.fixture(scope="module")
def converted(folder, tmp_path_factory):
    """Returns a home in which the towers of the model are kept already."""
    home = tmp_path_factory.mktemp("home")
    quicken(load_encoder(str(folder)), "onnx", home=home).wait()
    return home


@pytest.fixture
def home(converted, tmp_path):
    return shutil.copytree(converted, tmp_path / "home")


@pytest.fixture(scope="module")
def small(bits, tmp_path_factory):
    """Returns the image tower of the bundled CLIP, what its pictures allow, and their vectors in every way."""
    encoder = load_encoder("small")
    tower = image_tower(encoder, KeptTowers(tmp_path_factory.mktemp("home"), encoder.info.fingerprint), bits)
    pixels = encoder.pixels([drawn(seed) for seed in range(16)])
    batches = [{"pixel_values": each} for each in pixels["pixel_values"].split(8)]
    found = calibrate(tower, EIGHT_BITS, batches)
    ways = {way: tower.by(way)(pixels) for way in (EXACT, HALVES, FLOAT, EIGHT_BITS, Way("onnx", "static", 1))}
    for product in (saturating, saturating_apart):  # weights as other processors have them
        other = image_tower(encoder, KeptTowers(tmp_path_factory.mktemp("other"), "0"), EightBits(product))
        ways[product] = other.by(EIGHT_BITS)(pixels)
    return tower, found, ways


def drawn(seed: int) -> Image.Image:
    return draw(Random(seed)).image.convert("RGB")


def cosines(one, other):
    return np.sum(one * other, axis=1)


def saturating(tokens, weights, first=slice(0, None, 2), second=slice(1, None, 2)):
    """Returns the product as a processor computes it that adds pairs of products in 16 bits."""
    products = tokens.astype(np.int64)[:, :, None] * weights
    pairs = np.clip(products[:, first] + products[:, second], -32768, 32767)
    return pairs.sum(axis=1).astype(np.float32)


def saturating_apart(tokens, weights):
    """Returns such a product of pairs that are no neighbours."""
    return saturating(tokens, weights, slice(0, len(weights) // 2), slice(len(weights) // 2, None))


def exact_product(tokens, weights):
    return (tokens.astype(np.int64) @ weights).astype(np.float32)


def missing(tokens, weights):
    raise ImportError("onnxruntime")


@pytest.mark.parametrize(
    "product, limit",
    [(exact_product, WHOLE), (saturating, PAIRS), (saturating_apart, SEVEN_BITS), (missing, SEVEN_BITS)],
)
def test_it_is_measured_how_large_weights_may_be_for_exact_products(product, limit):
    assert EightBits(product).limit == limit


@pytest.mark.parametrize("product", [product_by_onnx, saturating])
@pytest.mark.parametrize("width", [32, 33, 48, 768])
def test_products_within_the_limit_are_exact(product, width):
    """Multiplies converted weights by the largest tokens, here and as a processor that adds pairs in 16 bits."""
    layer = nn.Linear(width, 24)
    with torch.no_grad():
        layer.weight[:8], layer.weight[8:16] = 1, -1
    whole = Int8Layer(layer, limit=EightBits(product).limit)._whole.numpy()
    whole = np.pad(whole, ((0, width % 2), (0, 0)))
    for rows in (1, 2, 5, 64):
        tokens = np.full((rows, len(whole)), 255, np.uint8)
        assert np.array_equal(product(tokens, whole), exact_product(tokens, whole))


def test_processors_with_and_without_8_bit_instructions_share_a_folder(folder, tmp_path):
    encoder = load_encoder(str(folder))
    kept = KeptTowers(tmp_path, encoder.info.fingerprint)
    for product in (exact_product, saturating):
        tower = image_tower(encoder, kept, EightBits(product))
        tower.by(EIGHT_BITS)
        calibrate(tower, EIGHT_BITS, [tower.examples] * 2)
    names = {re.sub("[0-9a-f]{12}", "RANGES", path.stem) for path in tmp_path.rglob("*.onnx")}
    assert names == {f"images-{name}-1" for name in ("int8", "int8-pairs", "static-RANGES", "static-RANGES-pairs")}


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)
def test_both_towers_of_every_family_are_converted(family, bits, tmp_path):
    assert_both_towers_are_converted(family, bits, tmp_path)


def test_both_towers_are_converted_for_a_processor_without_instructions_for_8_bits(tmp_path):
    assert_both_towers_are_converted(FAMILIES[0], EightBits(saturating), tmp_path)


def assert_both_towers_are_converted(family, bits, folder):
    encoder = load_encoder(str(save(family, folder / "tiny")))
    kept = KeptTowers(folder, encoder.info.fingerprint)
    for tower, inputs in (
        (
            image_tower(encoder, kept, bits),
            encoder.pixels([Image.effect_noise(size, 90).convert("RGB") for size in SIZES]),
        ),
        (text_tower(encoder.texts, kept, bits), encoder.texts.tokens(TEXTS)),
    ):
        exact, found = tower.by(EXACT)(inputs), tower.by(EIGHT_BITS)(inputs)
        assert cosines(found, exact).min() > 0.998
        assert found.dtype == np.float32 and np.linalg.norm(found, axis=1) == pytest.approx(1, abs=1e-5)


SIZES = ((50, 40), (40, 50), (70, 20))


def test_in_float32_vectors_are_those_of_torch(small):
    _, _, vectors = small
    assert vectors[FLOAT] == pytest.approx(vectors[EXACT], abs=1e-4)


def test_vectors_of_all_engines_and_precisions_lie_side_by_side_in_one_collection(small):
    _, _, vectors = small
    for asked in vectors.values():
        for stored in vectors.values():
            assert np.mean(np.argmax(asked @ stored.T, axis=1) == np.arange(len(asked))) >= 0.99
            assert agreement(asked, stored).overlap >= 0.95
            assert cosines(asked, stored).min() >= 0.99


def test_no_picture_depends_on_its_neighbours_in_a_batch(small):
    tower, _, _ = small
    pixels = tower.examples["pixel_values"]
    beside = pixels.clone()
    beside[1:] *= 50
    one, other = (tower.by(EIGHT_BITS)({"pixel_values": each})[0] for each in (pixels, beside))
    assert np.array_equal(one, other)


def test_what_was_measured_on_own_pictures_decides_on_8_bits_throughout(small):
    _, found, _ = small
    assert found["static"]["accepted"] and found["static"]["mean"] >= 0.998 and found["pictures"] == 16
    quicker, slower = {**found, "times_as_fast": 1.1}, {**found, "times_as_fast": 0.9}
    assert chosen_after(EIGHT_BITS, quicker) == replace(EIGHT_BITS, precision="static")
    assert chosen_after(EIGHT_BITS, slower) == EIGHT_BITS
    refused = {**quicker, "static": {"accepted": False}}
    assert chosen_after(EIGHT_BITS, refused) == EIGHT_BITS
    assert chosen_after(EIGHT_BITS, {**refused, "int8": {"accepted": False}}) == replace(EXACT, threads=1)
    assert chosen_after(EXACT, quicker) == EXACT


@pytest.mark.parametrize("product, is_taken", [(exact_product, True), (saturating, False)])
def test_what_own_pictures_allowed_on_another_kind_of_processor_is_not_taken(product, is_taken, folder, home):
    encoder = load_encoder(str(folder))
    alike = {"mean": 1, "least": 1, "overlap": 1, "accepted": True}
    note = {"int8": alike, "static": {**alike, "accepted": False}, "file": "", "times_as_fast": 1, "pictures": 256}
    name = f"pictures-{hashlib.sha256(b'library').hexdigest()[:12]}"
    KeptTowers(home, encoder.info.fingerprint).keep_note(name, note)
    quicken(encoder, "onnx", library="library", home=home, bits=EightBits(product)).wait()
    assert ("own pictures" in encoder.info.engine) == is_taken


@pytest.mark.parametrize("figures", [(0.9979, 1, 1), (1, 0.98, 1), (1, 1, 0.94)])
def test_vectors_that_are_less_alike_are_refused(figures):
    assert Agreement(0.998, 0.99, 0.95).is_close and not Agreement(*figures).is_close


def test_ranges_that_nobody_has_measured_are_not_made_up(folder, bits, tmp_path):
    tower = image_tower(load_encoder(str(folder)), KeptTowers(tmp_path, "0"), bits)
    with pytest.raises(NotPossible, match="ranges have to be measured"):
        tower.by(Way("onnx", "static"))


def test_the_engine_that_is_set_computes_both_towers_and_status_tells(folder, home):
    plain, encoder = (load_encoder(str(folder)) for _ in range(2))
    quicken(encoder, "onnx", home=home).wait()
    told = encoder.info.engine
    assert list(told) == ["text", "picture", "many pictures"]
    for line in told.values():
        assert re.match(r"onnx (int8|float32), .* when measured, cosine (1|0\.99[89])", line)
    assert encoder.info == plain.info
    for images in (PICTURES[:1], PICTURES):
        found, exact = encoder.encode_images(images), plain.encode_images(images)
        assert cosines(found, exact).min() > 0.998 and not np.array_equal(found, exact)
    assert cosines(encoder.encode_texts(TEXTS), plain.encode_texts(TEXTS)).min() > 0.998


PICTURES = [Image.effect_noise((40, 30), 90).convert("RGB") for _ in range(20)]


def test_a_second_start_converts_and_measures_nothing(folder, home):
    before = {path: path.stat().st_mtime_ns for path in home.rglob("*.onnx")}
    encoder = load_encoder(str(folder))
    quickening = quicken(encoder, "onnx", home=home)
    assert encoder.info.engine["picture"].startswith("onnx")
    quickening.wait()
    assert before and before == {path: path.stat().st_mtime_ns for path in home.rglob("*.onnx")}
    assert quickening.probed == {}


def test_a_converted_tower_that_is_cut_short_is_made_anew(folder, home, caplog):
    whole = {file: file.read_bytes() for file in home.rglob("images-*.onnx")}
    for file, content in whole.items():
        file.write_bytes(content[: len(content) // 2])
    quicken(load_encoder(str(folder)), "onnx", home=home).wait()
    assert [record.message for record in caplog.records if "is damaged and is made anew" in record.message]
    assert [file for file, content in whole.items() if len(file.read_bytes()) == len(content)]


def test_a_converted_tower_that_is_not_chosen_is_not_kept(folder, tmp_path, monkeypatch):
    monkeypatch.setattr("encoders.engines.ways.has_int8", lambda: False)
    encoder = load_encoder(str(folder))
    quicken(encoder, "onnx", home=tmp_path).wait()
    told = encoder.info.engine.items()
    chosen = {("texts" if use == "text" else "images", line.split()[1].strip(",")) for use, line in told}
    assert {tuple(path.stem.split("-")[:2]) for path in tmp_path.rglob("*.onnx")} == chosen


def test_a_choice_that_cannot_be_read_is_made_anew(folder, home):
    [note] = home.rglob("choice-*.json")
    encoder = load_encoder(str(folder))
    for content in ("{", '{"picture": 1}'):
        note.write_text(content)
        quicken(encoder, "onnx", home=home).wait()
        assert encoder.info.engine["picture"].startswith("onnx")


def test_where_nothing_can_be_kept_torch_answers_and_one_line_says_why(folder, tmp_path, caplog):
    (tmp_path / "file").write_text("")
    encoder = load_encoder(str(folder))
    quicken(encoder, "onnx", home=tmp_path / "file").wait()
    lines = [record.message for record in caplog.records if record.levelno >= logging.WARNING]
    assert lines and all(line.startswith("torch computes the ") for line in lines)
    assert encoder.encode_images(PICTURES[:2]).shape == (2, encoder.info.dim)


def test_a_disk_that_was_full_at_the_first_start_decides_nothing_for_the_next(folder, tmp_path, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("encoders.engines.towers.convert", full)
        first = load_encoder(str(folder))
        quicken(first, "onnx", home=tmp_path).wait()
    assert first.info.engine["picture"].startswith("torch")
    later = load_encoder(str(folder))
    quicken(later, "onnx", home=tmp_path).wait()
    assert later.info.engine["picture"].startswith("onnx")


@pytest.mark.parametrize("many", [True, False])
def test_without_8_bit_instructions_float32_by_onnx_runtime_is_measured_too(many, monkeypatch):
    monkeypatch.setattr("encoders.engines.ways.has_int8", lambda: False)
    for engine in ("auto", "onnx"):
        found = [way.precision for way in ways_of(engine, "auto", many) if way.engine == "onnx"]
        assert found[0] == "int8" and found[-1] == "float32"
    assert not [way for way in ways_of("auto", "auto", many) if (way.engine, way.precision) == ("torch", "int8")]


@pytest.mark.parametrize("many", [True, False])
def test_with_8_bit_instructions_onnx_runtime_computes_in_8_bits_alone(many, monkeypatch):
    monkeypatch.setattr("encoders.engines.ways.has_int8", lambda: True)
    for engine in ("auto", "onnx"):
        assert {way.precision for way in ways_of(engine, "auto", many) if way.engine == "onnx"} == {"int8"}


def test_a_precision_that_is_set_is_kept_by_the_other_engine(folder, tmp_path, caplog):
    assert {way.precision for way in ways_of("onnx", "float32", True)} == {"float32"}
    encoder = load_encoder(str(folder), dtype="bfloat16")
    assert quicken(encoder, "onnx", "bfloat16", home=tmp_path) is None
    assert "torch computes the model: ONNX Runtime has no bfloat16" in caplog.text


@pytest.mark.parametrize(
    "engine, dtype", [("auto", "auto"), ("torch", "auto"), ("torch", "float32"), ("auto", "float32")]
)
def test_a_model_too_small_to_gain_and_a_precision_that_is_set_are_not_measured(folder, tmp_path, engine, dtype):
    assert quicken(load_encoder(str(folder)), engine, dtype, home=tmp_path) is None


def test_two_that_convert_at_once_convert_once(tmp_path):
    made, kept = [], [KeptTowers(tmp_path, "0"), KeptTowers(tmp_path, "0")]

    def make(file: Path) -> None:
        made.append(file)
        file.write_bytes(b"tower")

    threads = [threading.Thread(target=each.tower, args=("images", make)) for each in kept]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(made) == 1 and kept[0].tower("images", make).read_bytes() == b"tower"


def test_a_conversion_that_fails_leaves_nothing_behind(tmp_path):
    def make(file: Path) -> None:
        file.write_bytes(b"half")
        raise OSError("full")

    kept = KeptTowers(tmp_path, "0")
    with pytest.raises(OSError, match="full"):
        kept.tower("images", make)
    assert [path.suffix for path in kept.folder.iterdir()] == [".lock"]


def measured(engine: str, one: float, each: float) -> Measured:
    return Measured(Way(engine, "float32" if engine == "torch" else "int8"), one, each, 1.0)


def test_nothing_slower_than_float32_by_torch_is_chosen_unless_it_is_set():
    exact, other = measured("torch", 1.0, 1.0), measured("onnx", 0.5, 1.2)
    refused = Refused(Way("torch", "bfloat16"), "cosine 0.9 to float32")
    assert quickest([exact, other, refused], False) == other
    assert quickest([exact, other, refused], True) == exact
    assert quickest([exact, other], True, "onnx") == other
    assert quickest([exact, measured("onnx", 0.97, 1)], False) == exact  # next to nothing


def test_where_no_time_is_left_torch_stays(folder, bits, tmp_path):
    tower: Tower = image_tower(load_encoder(str(folder)), KeptTowers(tmp_path, "0"), bits)
    exact, *others = probe(tower, [EIGHT_BITS], Clock(0))
    assert exact.way == EXACT and others == [Refused(EIGHT_BITS, NO_TIME)]
