"""Makes a CLIP of random weights in the real format: enough for shapes, norms and loading, too little for meaning."""

from collections.abc import Sequence
from pathlib import Path

import torch
from safetensors.torch import load_file
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Whitespace
from tokenizers.processors import TemplateProcessing
from transformers import CLIPConfig, CLIPImageProcessorPil, CLIPModel, PreTrainedTokenizerFast

WORDS = ["<pad>", "<unk>", "<bos>", "a", "red", "green", "blue", "circle", "photo", "of", "<eos>"]
CONTEXT = 12
TINY_CLIP = "someone/tiny-clip"
COMMIT = "3d74acf9a28c67741b2f4f2ea7635f0aaf6f0268"


def save_tiny_clip(folder: Path, seed: int = 0, dim: int = 16, width: int = 32) -> Path:
    """Saves a tiny CLIP; `width` is how many numbers a token has."""
    sizes = {"hidden_size": width, "intermediate_size": 2 * width, "num_hidden_layers": 2, "num_attention_heads": 2}
    return _save(folder, seed, dim, 32, {"max_position_embeddings": CONTEXT, **sizes}, {"patch_size": 8, **sizes})


def put_into_hub_cache(hf_home: Path) -> None:
    """Puts TINY_CLIP where the hub's own client leaves a model that it has downloaded."""
    cached = hf_home / "hub" / f"models--{TINY_CLIP.replace('/', '--')}"
    save_tiny_clip(cached / "snapshots" / COMMIT)
    (cached / "refs").mkdir()
    (cached / "refs" / "main").write_text(COMMIT)


def put_preloaded(cached: Path, files: Sequence[str]) -> None:
    """Puts a model into the cache of the hub's client, of which these files alone were fetched."""
    snapshot = cached / "snapshots" / COMMIT
    save_tiny_clip(snapshot)
    torch.save(load_file(snapshot / "model.safetensors"), snapshot / "pytorch_model.bin")
    for path in snapshot.iterdir():
        if path.name not in files:
            path.unlink()
    (cached / "refs").mkdir()
    (cached / "refs" / "main").write_text(COMMIT)


def save_random_base_clip(folder: Path) -> Path:
    """Saves a CLIP of the sizes of openai/clip-vit-base-patch32, to measure speed."""
    return _save(folder, 0, 512, 224, {}, {"patch_size": 32})


def _save(folder: Path, seed: int, dim: int, side: int, text: dict[str, int], vision: dict[str, int]) -> Path:
    torch.manual_seed(seed)
    tokens = {f"{name}_token_id": WORDS.index(f"<{name}>") for name in ("bos", "eos", "pad")}
    config = CLIPConfig(
        text_config={"vocab_size": len(WORDS), **tokens, **text},
        vision_config={"image_size": side, **vision},
        projection_dim=dim,
    )
    CLIPModel(config).save_pretrained(folder)
    size = {"shortest_edge": side}
    CLIPImageProcessorPil(size=size, crop_size={"height": side, "width": side}).save_pretrained(folder)
    word_tokenizer().save_pretrained(folder)
    return folder


def word_tokenizer(context: int = CONTEXT) -> PreTrainedTokenizerFast:
    tokenizer = Tokenizer(WordLevel({word: index for index, word in enumerate(WORDS)}, unk_token="<unk>"))
    tokenizer.pre_tokenizer = Whitespace()
    ends = [(word, WORDS.index(word)) for word in ("<bos>", "<eos>")]
    tokenizer.post_processor = TemplateProcessing(single="<bos> $A <eos>", special_tokens=ends)
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        unk_token="<unk>",
        bos_token="<bos>",
        eos_token="<eos>",
        pad_token="<pad>",
        model_max_length=context,
    )
