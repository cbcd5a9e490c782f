"""Loads the text tower by which the bundled small CLIP reads English, Korean and Traditional Chinese."""

from pathlib import Path
from typing import Any

import torch
from transformers import AutoTokenizer, CLIPTextModelWithProjection

from encoders.fingerprints import folder_fingerprint
from encoders.texts import TransformersTexts

FOLDER = Path(__file__).parent


def small_texts(device: str = "cpu", dtype: torch.dtype = torch.float32) -> TransformersTexts:
    """Loads the tower onto a device."""
    tower: Any = CLIPTextModelWithProjection.from_pretrained(FOLDER, dtype=dtype)
    tower.to(device).eval()

    def features(model: Any, **tokens: torch.Tensor) -> torch.Tensor:
        found: torch.Tensor = model(**tokens).text_embeds
        return found

    tokenizer = AutoTokenizer.from_pretrained(FOLDER)
    config = tower.config
    kept = f"texts-{folder_fingerprint(FOLDER)[:12]}"  # the model's own fingerprint says nothing of this tower
    family = config.model_type
    return TransformersTexts("small", tower, features, tokenizer, config, family, multilingual=True, kept_name=kept)
