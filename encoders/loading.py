"""Loads a model by its name or folder, checks it, and puts its towers together."""

import json
import logging
from functools import partial
from pathlib import Path
from typing import Any

import torch
from transformers import AutoConfig, AutoImageProcessor, AutoModel, AutoTokenizer
from transformers.utils.logging import disable_progress_bar

from encoders.clip import ClipEncoder
from encoders.devices import DTYPES, choose_device, choose_dtype
from encoders.model_files import failures_explained, fingerprint_of, load_from
from encoders.model_folders import SMALL, find_folder
from encoders.multilingual import load_multilingual
from encoders.small_texts.tower import small_texts
from encoders.texts import TextTower, TransformersTexts
from library.errors import UnknownModel
from library.messages import Message, message
from library.ports import EncoderInfo

logger = logging.getLogger(__name__)

PREPROCESSING = (
    *("do_convert_rgb", "do_resize", "size", "resample", "do_center_crop", "crop_size"),
    *("do_rescale", "rescale_factor", "do_normalize", "image_mean", "image_std", "patch_size", "max_num_patches"),
)


def load_encoder(
    model: str, device: str = "auto", dtype: str = "auto", text_model: str = "", subject: Message | None = None
) -> ClipEncoder:
    """Loads a model from the hub, a local folder, or the bundled `small`.

    A `text_model` reads the texts instead of the model's own text tower; the vectors of pictures, and with them the
    collection, stay those of the model. `subject` is what errors call the model: the setting, where none is given.

    Raises UnknownModel where the setting has to change, ModelUnavailable where waiting or a network helps.
    """
    subject = subject or message("model_setting", setting="CLIP_MODEL", name=model)
    device = choose_device(device)
    precision = choose_dtype(dtype, device)
    place = find_folder(model, subject) or model
    with failures_explained(subject):
        loaded, image_processor, tokenizer = load_from(place, partial(_load_parts, place, precision, subject))
        fingerprint = fingerprint_of(place)
    dim = _dim(loaded.config)
    name = place.name if isinstance(place, Path) else model
    loaded = loaded.to(device).eval()
    texts = _other_texts(text_model, model, dim, device, precision) or _own_texts(name, loaded, tokenizer)
    preprocessing, side = _preprocessing(image_processor), _input_side(image_processor)
    info = EncoderInfo(name, fingerprint, dim, device, precision, preprocessing, side, texts.name, texts.multilingual)
    logger.info("model %s is ready: %d-d, %s, %s, texts by %s", name, dim, device, precision, texts.name)
    return ClipEncoder(loaded, image_processor, texts, info)


def _load_parts(place: Path | str, precision: str, subject: Message, **options: Any) -> tuple[Any, Any, Any]:
    """Loads the model, its image processor and its tokenizer."""
    config = AutoConfig.from_pretrained(place, **options)
    _check_towers(config, subject)
    disable_progress_bar()  # loading takes a second, downloads keep theirs
    loaded, report = AutoModel.from_pretrained(
        place, config=config, dtype=DTYPES[precision], output_loading_info=True, **options
    )
    _check_complete(report, subject)
    image_processor = AutoImageProcessor.from_pretrained(place, backend="pil", **options)
    return loaded, image_processor, AutoTokenizer.from_pretrained(place, **options)


def _check_towers(config: Any, subject: Message) -> None:
    towers = AutoModel._model_mapping.get(type(config), None)
    if not hasattr(towers, "get_image_features") or not hasattr(towers, "get_text_features"):
        raise UnknownModel("model_without_towers", model=subject, kind=config.model_type)


def _check_complete(report: dict[str, Any], subject: Message) -> None:
    if missing := sorted(report["missing_keys"]):
        raise UnknownModel("model_incomplete", model=subject, missing=len(missing), first=missing[0])


def _own_texts(name: str, model: Any, tokenizer: Any) -> TextTower:
    def features(model: Any, **tokens: torch.Tensor) -> torch.Tensor:
        found: torch.Tensor = model.get_text_features(**tokens).pooler_output
        return found

    config = model.config
    return TransformersTexts(name, model, features, tokenizer, config.text_config, config.model_type)


def _other_texts(name: str, model: str, dim: int, device: str, precision: str) -> TextTower | None:
    """Loads a text tower that takes the place of the model's own; None where none is wished for."""
    if not name:
        return small_texts(device, DTYPES[precision]) if model == SMALL else None
    subject = message("model_setting", setting="CLIP_TEXT_MODEL", name=name)
    with failures_explained(subject):
        place = find_folder(name, subject) or name
        texts = load_from(place, partial(load_multilingual, place, name, device))
        found = texts.encode(["."]).shape[1]
    if found != dim:
        raise UnknownModel("text_model_of_other_space", text_model=name, model=model, theirs=found, ours=dim)
    return texts


def _dim(config: Any) -> int:
    """Returns the width of the vectors. SigLIP projects no pictures: theirs are as wide as its image tower."""
    return int(getattr(config, "projection_dim", None) or config.vision_config.hidden_size)


def _preprocessing(image_processor: Any) -> dict[str, Any]:
    """Returns what decides on the pixels that the image tower gets, in plain lists and numbers."""
    settings = image_processor.to_dict()
    plain: dict[str, Any] = json.loads(json.dumps({name: settings.get(name) for name in PREPROCESSING}))
    return plain


def _input_side(image_processor: Any) -> int:
    """Returns the side of the square that the tower sees; where it keeps the shape, of one of as many pixels."""
    settings = image_processor.to_dict()
    if patches := settings.get("max_num_patches"):
        return int(settings["patch_size"] * patches**0.5)
    return int(max(settings["size"].values()))
