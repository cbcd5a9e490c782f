"""Makes checkpoints of random weights in the real class of each family: enough for shapes, norms and loading."""

from collections.abc import Callable
from pathlib import Path
from string import ascii_lowercase
from typing import Any, NamedTuple

import torch
from transformers import (
    AltCLIPConfig,
    AltCLIPModel,
    BertTokenizer,
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
    Siglip2Tokenizer,
    SiglipConfig,
    SiglipImageProcessorPil,
    SiglipModel,
)

from testing.tiny_clip import WORDS, word_tokenizer

SIDE, PATCH = 32, 8
SIZES = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 2}
VISION = {**SIZES, "image_size": SIDE, "patch_size": PATCH}
TOKENS = {f"{name}_token_id": WORDS.index(f"<{name}>") for name in ("bos", "eos", "pad")}
TEXT = {**SIZES, **TOKENS, "vocab_size": len(WORDS)}
SQUARE = {"height": SIDE, "width": SIDE}
DIM = 16


class Family(NamedTuple):
    name: str
    model: Callable[[], Any]
    processor: Callable[[], Any]
    tokenizer: Callable[[Path], Any]
    context: int


def _clip_processor() -> Any:
    return CLIPImageProcessorPil(size={"shortest_edge": SIDE}, crop_size=SQUARE)


def _words(context: int) -> Callable[[Path], Any]:
    return lambda _: word_tokenizer(context)


def _bert(folder: Path) -> Any:
    file = folder / "vocab.txt"
    folder.mkdir(parents=True, exist_ok=True)
    file.write_text(
        "\n".join(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "a", "red", "circle", "photo", "红", "圆"])
    )
    return BertTokenizer(vocab=str(file), model_max_length=24)


def _letters(_: Path) -> Any:
    special = ("<pad>", "<eos>", "<bos>", "<unk>", "<mask>")
    return Siglip2Tokenizer(vocab={each: number for number, each in enumerate((*special, "▁", *ascii_lowercase))})


def _clip(patch: int, side: int) -> Callable[[], Any]:
    vision = {**SIZES, "image_size": side, "patch_size": patch}
    text = {**TEXT, "max_position_embeddings": 12}
    return lambda: CLIPModel(CLIPConfig(text_config=text, vision_config=vision, projection_dim=DIM))


def _siglip() -> Any:
    return SiglipModel(SiglipConfig(text_config={**TEXT, "max_position_embeddings": 16}, vision_config=VISION))


def siglip2(width: int = SIZES["hidden_size"]) -> Any:
    vision = {**SIZES, "hidden_size": width, "patch_size": PATCH, "num_patches": (SIDE // PATCH) ** 2}
    text = {**TEXT, "vocab_size": 32, "max_position_embeddings": 16}
    return Siglip2Model(Siglip2Config(text_config=text, vision_config=vision))


def _chinese_clip() -> Any:
    text = {**SIZES, "vocab_size": 11, "max_position_embeddings": 24}
    return ChineseCLIPModel(ChineseCLIPConfig(text_config=text, vision_config=VISION, projection_dim=DIM))


def _altclip() -> Any:
    text = {**TEXT, "max_position_embeddings": 12 + TOKENS["pad_token_id"] + 1, "project_dim": DIM}
    return AltCLIPModel(AltCLIPConfig(text_config=text, vision_config=VISION, projection_dim=DIM))


def _metaclip2() -> Any:
    text = {**TEXT, "max_position_embeddings": 12, "projection_dim": DIM}
    vision = {**VISION, "projection_dim": DIM}
    return MetaClip2Model(MetaClip2Config(text_config=text, vision_config=vision, projection_dim=DIM))


FAMILIES = [
    Family("CLIP ViT-B/16", _clip(16, 32), _clip_processor, _words(12), 12),
    Family("CLIP ViT-L/14", _clip(14, 28), lambda: CLIPImageProcessorPil(
        size={"shortest_edge": 28}, crop_size={"height": 28, "width": 28}), _words(12), 12),
    Family("SigLIP", _siglip, lambda: SiglipImageProcessorPil(size=SQUARE), _words(16), 16),
    Family("SigLIP 2", siglip2, lambda: Siglip2ImageProcessorPil(
        patch_size=PATCH, max_num_patches=(SIDE // PATCH) ** 2), _letters, 16),
    Family("Chinese-CLIP", _chinese_clip, lambda: ChineseCLIPImageProcessorPil(
        size=SQUARE, do_center_crop=False, crop_size=SQUARE), _bert, 24),
    Family("AltCLIP", _altclip, _clip_processor, _words(512), 12),
    Family("MetaCLIP 2", _metaclip2, _clip_processor, _words(12), 12),
]  # fmt: skip


def save(family: Family, folder: Path) -> Path:
    torch.manual_seed(0)
    model = family.model().eval()
    for name, value in model.named_parameters():  # so that tiny networks tell pictures and words apart
        if value.dim() > 1 and "norm" not in name:
            torch.nn.init.normal_(value, std=0.2)
    model.save_pretrained(folder)
    family.processor().save_pretrained(folder)
    family.tokenizer(folder).save_pretrained(folder)
    return folder
