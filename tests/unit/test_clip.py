import json
import shutil
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import numpy as np
import pytest
import torch
from PIL import Image
from transformers import CLIPImageProcessorPil, CLIPModel, CLIPTextConfig, CLIPTextModel, Dinov2Config, Dinov2Model

from encoders.clip import ClipEncoder
from encoders.devices import choose_dtype
from encoders.loading import load_encoder
from library.errors import ModelUnavailable, UnknownModel
from testing.tiny_clip import COMMIT, CONTEXT, TINY_CLIP, put_into_hub_cache, save_tiny_clip


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return save_tiny_clip(tmp_path_factory.mktemp("models") / "tiny")


@pytest.fixture(scope="module")
def encoder(folder) -> ClipEncoder:
    return load_encoder(str(folder), dtype="float32")


def noise(count: int, size: tuple[int, int] = (50, 40)) -> list[Image.Image]:
    random = np.random.default_rng(0)
    return [Image.fromarray(random.integers(0, 256, (*size[::-1], 3), dtype=np.uint8)) for _ in range(count)]


def test_pictures_and_texts_become_float32_unit_vectors_of_one_length(encoder):
    for vectors in (encoder.encode_images(noise(3)), encoder.encode_texts(["a red circle", "blue", ""])):
        assert vectors.shape == (3, encoder.info.dim) and vectors.dtype == np.float32
        assert np.linalg.norm(vectors, axis=1) == pytest.approx(1, abs=1e-5)


def test_vectors_are_those_of_plain_transformers(encoder, folder):
    [image] = noise(1, (300, 200))
    pixels = CLIPImageProcessorPil.from_pretrained(folder)(images=image, return_tensors="pt")
    with torch.inference_mode():
        plain = CLIPModel.from_pretrained(folder).get_image_features(**pixels).pooler_output[0].numpy()
    assert encoder.encode_images([image])[0] @ plain / np.linalg.norm(plain) > 0.9999


def test_batches_of_any_size_give_the_same_vectors(encoder):
    images = noise(37)
    together = encoder.encode_images(images)
    alone = np.concatenate([encoder.encode_images([image]) for image in images])
    assert together == pytest.approx(alone, abs=1e-4)
    assert encoder.encode_images([]).shape == (0, encoder.info.dim)


def test_padding_does_not_change_a_text(encoder):
    alone = encoder.encode_texts(["red"])[0]
    beside_a_longer_one = encoder.encode_texts(["red", "a photo of a blue circle"])[0]
    assert alone == pytest.approx(beside_a_longer_one, abs=1e-5)


def test_the_end_of_a_long_text_is_left_out_and_that_can_be_asked(encoder):
    start = "red " * (CONTEXT - 2)
    assert not encoder.cuts(start) and encoder.cuts(start + "blue")
    assert encoder.encode_texts([start])[0] == pytest.approx(
        encoder.encode_texts([start + "blue " * 5000])[0], abs=1e-5
    )


def test_threads_may_encode_at_once(encoder):
    images = noise(8)
    expected = encoder.encode_images(images)
    results: list[np.ndarray] = []
    threads = [threading.Thread(target=lambda: results.append(encoder.encode_images(images))) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(result == pytest.approx(expected, abs=1e-5) for result in results) and len(results) == 6


def test_bfloat16_gives_nearly_the_same_direction(encoder, folder):
    half = load_encoder(str(folder), dtype="bfloat16")
    images = noise(4)
    cosines = np.sum(half.encode_images(images) * encoder.encode_images(images), axis=1)
    assert cosines.min() > 0.998
    assert half.info.dtype == "bfloat16"


def test_half_precision_is_chosen_on_a_gpu_alone():
    assert choose_dtype("auto", "cpu") == "float32"
    assert choose_dtype("auto", "cuda") == "float16"
    assert choose_dtype("bfloat16", "cpu") == "bfloat16"
    assert choose_dtype("float32", "cuda") == "float32"


def test_other_weights_have_another_fingerprint(encoder, tmp_path):
    other = load_encoder(str(save_tiny_clip(tmp_path / "tiny", seed=1)))
    assert other.info.name == encoder.info.name == "tiny"
    assert other.info.fingerprint != encoder.info.fingerprint


def test_a_copy_of_a_folder_has_the_same_fingerprint(encoder, folder, tmp_path):
    shutil.copytree(folder, tmp_path / "copy")
    assert load_encoder(str(tmp_path / "copy")).info.fingerprint == encoder.info.fingerprint


def test_the_preprocessing_is_told_as_json_gives_it_back(encoder):
    preprocessing = encoder.info.preprocessing
    assert json.loads(json.dumps(preprocessing)) == preprocessing
    assert (preprocessing["size"], preprocessing["crop_size"]) == ({"shortest_edge": 32}, {"height": 32, "width": 32})
    assert len(preprocessing["image_mean"]) == len(preprocessing["image_std"]) == 3


def test_a_folder_that_is_no_model(tmp_path):
    with pytest.raises(UnknownModel, match=r"holds no model, config\.json is missing"):
        load_encoder(str(tmp_path))
    with pytest.raises(UnknownModel, match=r"there is no such folder"):
        load_encoder("./nowhere")


def test_a_model_without_a_text_tower(tmp_path):
    sizes = {"hidden_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2}
    Dinov2Model(Dinov2Config(**sizes)).save_pretrained(tmp_path / "dino")
    CLIPTextModel(CLIPTextConfig(**sizes, intermediate_size=32, vocab_size=20)).save_pretrained(tmp_path / "text")
    for name in ("dino", "text"):
        with pytest.raises(UnknownModel, match="without an image tower and a text tower"):
            load_encoder(str(tmp_path / name))


@pytest.mark.parametrize("damage", ["cut", "gone", "garbage config"])
def test_a_damaged_folder_is_one_sentence(folder, tmp_path, damage):
    broken = tmp_path / "broken"
    shutil.copytree(folder, broken)
    weights = broken / "model.safetensors"
    if damage == "cut":
        weights.write_bytes(weights.read_bytes()[:5000])
    elif damage == "gone":
        weights.unlink()
    else:
        (broken / "config.json").write_text("{")
    with pytest.raises(UnknownModel, match=r"CLIP_MODEL=.*broken cannot be loaded: .*\.$"):
        load_encoder(str(broken))


def test_weights_that_are_incomplete_are_refused(folder, tmp_path):
    incomplete = tmp_path / "incomplete"
    shutil.copytree(folder, incomplete)
    model = CLIPModel.from_pretrained(folder)
    state = {name: value for name, value in model.state_dict().items() if not name.startswith("text_projection")}
    model.save_pretrained(incomplete, state_dict=state)
    with pytest.raises(UnknownModel, match="weights are incomplete, 1 are missing"):
        load_encoder(str(incomplete))


def test_a_model_of_the_hub_is_known_by_its_commit(folder, tmp_path, monkeypatch):
    put_into_hub_cache(tmp_path)
    use_hub(monkeypatch, tmp_path / "hub", "http://127.0.0.1:9")
    info = load_encoder(TINY_CLIP).info
    assert (info.name, info.fingerprint) == (TINY_CLIP, COMMIT)


class Hub(BaseHTTPRequestHandler):
    """Answers as huggingface.co does for a typo and for a gated model."""

    def do_HEAD(self):
        gated = "gated" in self.path
        self.send_response(403 if gated else 404)
        self.send_header("X-Error-Code", "GatedRepo" if gated else "RepoNotFound")
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_GET = do_HEAD

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def hub(monkeypatch, tmp_path):
    server = HTTPServer(("127.0.0.1", 0), Hub)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    use_hub(monkeypatch, tmp_path, f"http://127.0.0.1:{server.server_port}")
    yield
    server.shutdown()
    server.server_close()


def use_hub(monkeypatch, cache, url: str) -> None:
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "ENDPOINT", url)
    monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", url + "/{repo_id}/resolve/{revision}/{filename}")
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(cache))


@pytest.mark.parametrize(
    ("model", "message"),
    [
        ("openai/clip-vit-bass-patch32", "neither a model on huggingface.co nor a folder here"),
        ("someone/gated-clip", "is gated: accept its terms"),
        ("not a model id!", "neither a folder here nor a name that a model can have"),
    ],
)
def test_a_model_that_the_hub_does_not_give(hub, model, message):
    with pytest.raises(UnknownModel, match=message):
        load_encoder(model)


def test_a_hub_out_of_reach_is_not_a_typo(monkeypatch, tmp_path):
    use_hub(monkeypatch, tmp_path, "http://127.0.0.1:9")
    with pytest.raises(ModelUnavailable, match=r"huggingface\.co cannot be reached\. Connect once to download it"):
        load_encoder("openai/clip-vit-base-patch32")
