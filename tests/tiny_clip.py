"""A CLIP of random weights in the real format: enough for shapes, norms and loading, far too little for meaning."""

from pathlib import Path

import torch
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Whitespace
from tokenizers.processors import TemplateProcessing
from transformers import CLIPConfig, CLIPImageProcessorPil, CLIPModel, PreTrainedTokenizerFast

WORDS = ["<pad>", "<unk>", "<bos>", "a", "red", "green", "blue", "circle", "photo", "of", "<eos>"]
CONTEXT = 12


def save_tiny_clip(folder: Path, seed: int = 0, dim: int = 16) -> Path:
    torch.manual_seed(seed)
    config = CLIPConfig(
        text_config={
            "vocab_size": len(WORDS),
            "max_position_embeddings": CONTEXT,
            "eos_token_id": WORDS.index("<eos>"),
            "bos_token_id": WORDS.index("<bos>"),
            "pad_token_id": WORDS.index("<pad>"),
            **_SIZES,
        },
        vision_config={"image_size": 32, "patch_size": 8, **_SIZES},
        projection_dim=dim,
    )
    CLIPModel(config).save_pretrained(folder)
    size = {"shortest_edge": 32}
    CLIPImageProcessorPil(size=size, crop_size={"height": 32, "width": 32}).save_pretrained(folder)
    _tokenizer().save_pretrained(folder)
    return folder


_SIZES = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 2}


def _tokenizer() -> PreTrainedTokenizerFast:
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
        model_max_length=CONTEXT,
    )
