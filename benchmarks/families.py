"""Measures speed and vectors of every family of models at full size with random weights, beside plain transformers.

python -m benchmarks.families
"""

import statistics
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
import typer
from PIL import Image
from transformers import (
    AltCLIPConfig,
    AltCLIPModel,
    AutoImageProcessor,
    AutoModel,
    ChineseCLIPConfig,
    ChineseCLIPImageProcessorPil,
    ChineseCLIPModel,
    CLIPConfig,
    CLIPImageProcessorPil,
    CLIPModel,
    MetaClip2Config,
    MetaClip2Model,
    Siglip2Config,
    Siglip2ImageProcessorPil,
    Siglip2Model,
    SiglipConfig,
    SiglipImageProcessorPil,
    SiglipModel,
)

from benchmarks.fixtures import LARGE, generated, quick_encoder, temporary_folder
from benchmarks.results import CACHE, RESULTS, Cache, Photos, Quick, Results, Row, Table, per_second, publish, seconds
from encoders.loading import load_encoder
from library.images import decode
from testing.tiny_clip import WORDS, word_tokenizer

TEXT = "a photo of a red circle"
TEXTS = 9
IMAGES = 16
COMPARED = 4
TOKENS = {f"{name}_token_id": WORDS.index(f"<{name}>") for name in ("bos", "eos", "pad")}
LARGE_VISION = {"hidden_size": 1024, "intermediate_size": 4096, "num_hidden_layers": 24, "num_attention_heads": 16}
LARGE_TEXT = {"hidden_size": 768, "intermediate_size": 3072, "num_attention_heads": 12}
SQUARE = {"height": 224, "width": 224}


class Family(NamedTuple):
    model: Callable[[], Any]
    processor: Callable[[], Any]
    context: int = 77


def clip(vision: dict[str, int], text: dict[str, int], dim: int) -> Any:
    return CLIPModel(CLIPConfig(text_config={**TOKENS, **text}, vision_config=vision, projection_dim=dim))


def altclip() -> Any:
    text = {**TOKENS, "project_dim": 768}
    vision = {**LARGE_VISION, "patch_size": 14}
    return AltCLIPModel(AltCLIPConfig(text_config=text, vision_config=vision, projection_dim=768))


FAMILIES = {
    "CLIP ViT-B/16": Family(lambda: clip({"patch_size": 16}, {}, 512), CLIPImageProcessorPil),
    "CLIP ViT-L/14": Family(lambda: clip({**LARGE_VISION, "patch_size": 14}, LARGE_TEXT, 768), CLIPImageProcessorPil),
    "SigLIP base, 224 px": Family(
        lambda: SiglipModel(SiglipConfig(text_config=TOKENS)), lambda: SiglipImageProcessorPil(size=SQUARE), 64
    ),
    "SigLIP 2 base, 256 patches": Family(
        lambda: Siglip2Model(Siglip2Config(text_config={**TOKENS, "vocab_size": 256_000})), Siglip2ImageProcessorPil, 64
    ),
    "Chinese-CLIP ViT-B/16": Family(
        lambda: ChineseCLIPModel(
            ChineseCLIPConfig(text_config={"vocab_size": 21_128}, vision_config={"patch_size": 16})
        ),
        lambda: ChineseCLIPImageProcessorPil(size=SQUARE, do_center_crop=False, crop_size=SQUARE),
    ),
    "AltCLIP ViT-L/14": Family(altclip, CLIPImageProcessorPil),
    "MetaCLIP 2 ViT-B/32": Family(
        lambda: MetaClip2Model(MetaClip2Config(text_config=TOKENS)), CLIPImageProcessorPil
    ),
}  # fmt: skip


def main(photos: Photos, quick: Quick = False, results: Results = RESULTS, cache: Cache = CACHE) -> None:
    large = [path.read_bytes() for path in generated(LARGE, IMAGES, photos, cache)]
    rows, notes = [], [NOTE]
    for name, family in FAMILIES.items():
        with temporary_folder() as folder:
            found, said = rows_of(name, save(family, folder), large)
        rows.extend(found)
        notes.append(said)
        if quick:
            break
    publish(Table("Families", rows, notes), results, quick)


NOTE = (
    "Random weights of the real classes and sizes, saved and loaded through `from_pretrained`; 12-megapixel JPEGs. "
    "Plain transformers: full decoding, the family's own processor, float32."
)


def save(family: Family, folder: Path) -> Path:
    torch.manual_seed(0)
    family.model().save_pretrained(folder)
    family.processor().save_pretrained(folder)
    word_tokenizer(family.context).save_pretrained(folder)
    return folder


def rows_of(name: str, folder: Path, data: list[bytes]) -> tuple[list[Row], str]:
    full = [Image.open(BytesIO(each)).convert("RGB") for each in data[:COMPARED]]
    expected = plain(folder, full)
    exact = load_encoder(str(folder), dtype="float32")
    same = cosine(exact.encode_images(full), expected)
    del exact
    encoder = quick_encoder(str(folder))
    images = [decode(each, encoder.info.working_side).image for each in data]
    near = cosine(encoder.encode_images(images)[:COMPARED], expected)
    rate = statistics.median(len(images) / seconds(lambda: encoder.encode_images(images)) for _ in range(3))
    text = 1000 * statistics.median(seconds(lambda: encoder.encode_texts([TEXT])) for _ in range(TEXTS))
    label = f"{name}, {type(encoder.model).__name__}, {encoder.info.dim}-d"
    beside = "plain transformers, least cosine"
    rows = [
        Row(f"{label}: float32", "", beside, f"{same:.5f}", same, at_least=0.9999),
        Row(f"{label}: as it runs, reduced decoding", per_second(rate), beside, f"{near:.5f}", near, at_least=0.998),
    ]
    return rows, f"{name}: {per_second(rate)}, {text:.1f} ms a text."


def plain(folder: Path, images: list[Image.Image]) -> np.ndarray:
    model, processor = (
        AutoModel.from_pretrained(folder).eval(),
        AutoImageProcessor.from_pretrained(folder, backend="pil"),
    )
    with torch.inference_mode():
        features = model.get_image_features(**processor(images=images, return_tensors="pt")).pooler_output
    return torch.nn.functional.normalize(features, dim=-1).numpy()


def cosine(one: np.ndarray, other: np.ndarray) -> float:
    return float(np.sum(one * other, axis=1).min())


if __name__ == "__main__":
    typer.run(main)
