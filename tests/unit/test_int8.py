from functools import partial

import numpy as np
import pytest
import torch
from torch import nn

from encoders.clip import BATCH, image_vectors
from encoders.int8 import WORTH_IT, Int8Linear, int8_tower
from encoders.loading import load_encoder
from testing.families import FAMILIES, save, siglip2
from testing.tiny_clip import save_tiny_clip
from tests.unit.test_clip import noise

pytestmark = pytest.mark.skipif(
    not torch.cpu._is_vnni_supported(), reason="this processor has no instructions for 8-bit products"
)
MANY = noise(BATCH)


@pytest.fixture(scope="module")
def wide(tmp_path_factory):
    return str(save_tiny_clip(tmp_path_factory.mktemp("models") / "wide", width=WORTH_IT))


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("bias", [True, False])
def test_a_layer_answers_nearly_as_the_one_whose_place_it_takes(dtype, bias):
    torch.manual_seed(0)
    layer = nn.Linear(512, 64, bias=bias).to(dtype)
    tokens = torch.randn(2, 5, 512).to(dtype)
    with torch.inference_mode():
        expected, found = layer(tokens), Int8Linear(layer)(tokens)
    assert found.shape == expected.shape and found.dtype == dtype
    assert nn.functional.cosine_similarity(found.float(), expected.float(), dim=-1).min() > 0.999


def test_a_token_full_of_zeros_and_one_of_huge_numbers_do_no_harm_to_their_neighbours():
    torch.manual_seed(0)
    layer = nn.Linear(512, 64)
    token = torch.randn(1, 512)
    with torch.inference_mode():
        alone = Int8Linear(layer)(token)
        beside = Int8Linear(layer)(torch.cat([torch.zeros(1, 512), 1e6 * token, token]))
    assert torch.equal(beside[2:], alone)
    assert torch.equal(beside[:1], layer.bias[None])


def test_the_weights_that_stay_are_shared(wide):
    model = load_encoder(wide).model
    quick = int8_tower(model)
    patches = [each.vision_model.embeddings.patch_embedding.weight for each in (model, quick)]
    assert patches[0] is patches[1]
    assert quick.text_model.encoder.layers[0].mlp.fc1.weight is model.text_model.encoder.layers[0].mlp.fc1.weight


def test_a_tower_that_asks_for_the_type_of_its_weights_computes_in_8_bits_too(tmp_path):
    family = next(each for each in FAMILIES if each.model is siglip2)
    folder = str(save(family._replace(model=partial(siglip2, WORTH_IT)), tmp_path / "siglip2"))
    encoder = load_encoder(folder)
    found = image_vectors(encoder.pixels(MANY), int8_tower(encoder.model))
    assert np.linalg.norm(found, axis=1) == pytest.approx(1, abs=1e-5)


def test_a_narrow_tower_gains_nothing(tmp_path):
    assert int8_tower(load_encoder(str(save_tiny_clip(tmp_path / "narrow"))).model) is None
