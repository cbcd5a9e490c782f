"""Extends the small CLIP's tokenizer by pieces for further scripts, and leaves English as it was."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers, trainers
from transformers import PreTrainedTokenizerFast

from training.small.model import END, PAD, START, TOKENS

HAN = r"\p{Han}"  # Chinese puts no spaces between words: each character is a word of its own


def extended(folder: Path, texts: Iterable[str], size: int) -> PreTrainedTokenizerFast:
    """Returns the folder's tokenizer with up to `size` more pieces, learned from texts; the end token stays last."""
    old = json.loads((folder / "tokenizer.json").read_text(encoding="utf-8"))
    vocabulary: dict[str, int] = old["model"]["vocab"]
    merges = [tuple(pair) for pair in old["model"]["merges"]]
    for pair in learned(texts, size):
        if "".join(pair) not in vocabulary and all(part in vocabulary for part in pair):
            vocabulary["".join(pair)] = len(vocabulary)
            merges.append(pair)
    last = len(vocabulary)
    old["model"] |= {"vocab": vocabulary, "merges": [list(pair) for pair in merges]}
    _move_end(old, last)
    split = {"type": "Split", "pattern": {"Regex": HAN}, "behavior": "Isolated", "invert": False}
    old["pre_tokenizer"] = {"type": "Sequence", "pretokenizers": [split, old["pre_tokenizer"]]}
    return PreTrainedTokenizerFast(
        tokenizer_object=Tokenizer.from_str(json.dumps(old)),
        bos_token=START,
        eos_token=END,
        pad_token=PAD,
        model_max_length=TOKENS,
    )


def learned(texts: Iterable[str], size: int) -> list[tuple[str, str]]:
    """Learns the merges of byte-level pair encoding, the most frequent first."""
    pieces = Tokenizer(models.BPE())
    pieces.normalizer = normalizers.Sequence([normalizers.NFC(), normalizers.Lowercase()])
    pieces.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Split(Regex(HAN), "isolated"), pre_tokenizers.ByteLevel(add_prefix_space=True)]
    )
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    pieces.train_from_iterator(
        texts, trainers.BpeTrainer(vocab_size=len(alphabet) + size, initial_alphabet=alphabet, show_progress=False)
    )
    return [tuple(pair) for pair in json.loads(pieces.to_str())["model"]["merges"]]


def _move_end(tokenizer: dict[str, Any], last: int) -> None:
    """Moves the end token to the highest number, at which transformers may pool a text."""
    for token in tokenizer["added_tokens"]:
        if token["content"] == END:
            token["id"] = last
    tokenizer["post_processor"]["special_tokens"][END]["ids"] = [last]
