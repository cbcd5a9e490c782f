"""Finds a model by its name or folder, checks it, and puts its towers together."""

import hashlib
import json
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import httpx
import torch
from huggingface_hub import constants
from huggingface_hub.errors import (
    GatedRepoError,
    HFValidationError,
    LocalEntryNotFoundError,
    RepositoryNotFoundError,
)
from safetensors import SafetensorError
from transformers import AutoConfig, AutoImageProcessor, AutoModel, AutoTokenizer
from transformers.utils.hub import cached_file
from transformers.utils.logging import disable_progress_bar

from encoders.clip import ClipEncoder
from encoders.multilingual import load_multilingual
from encoders.small_texts.tower import small_texts
from encoders.texts import TextTower, TransformersTexts
from library.errors import LikenessError, ModelUnavailable, UnknownModel
from library.ports import EncoderInfo

logger = logging.getLogger(__name__)

SETTING = "CLIP_MODEL"
SMALL = "small"
SMALL_FOLDER = Path(__file__).parent / "small"
HUB_TIMEOUT = 5.0  # seconds
DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}
PREPROCESSING = (
    *("do_convert_rgb", "do_resize", "size", "resample", "do_center_crop", "crop_size"),
    *("do_rescale", "rescale_factor", "do_normalize", "image_mean", "image_std", "patch_size", "max_num_patches"),
)
FINGERPRINTED = ("*.json", "*.safetensors", "*.bin", "*.txt", "*.model")

T = TypeVar("T")


def load_encoder(model: str, device: str = "auto", dtype: str = "auto", text_model: str = "") -> ClipEncoder:
    """From the hub, a local folder, or the bundled `small`. A `text_model` reads the texts instead of the model's own
    text tower; the vectors of pictures, and with them the collection, stay those of the model.

    Raises UnknownModel where the setting has to change, ModelUnavailable where waiting or a network helps.
    """
    where = choose_device(device)
    precision = choose_dtype(dtype, where)
    path = _folder(model) or model
    with _failures_explained(model):
        loaded, image_processor, tokenizer = _from_here_or_the_hub(path, partial(_parts, model, path, precision))
        fingerprint = _fingerprint(path) if isinstance(path, Path) else _commit(path)
    dim = _dim(loaded.config)
    name = path.name if isinstance(path, Path) else model
    loaded = loaded.to(where).eval()
    texts = _text_tower(text_model, model, dim, where, precision) or _own_texts(name, loaded, tokenizer)
    preprocessing, side = _preprocessing(image_processor), _input_side(image_processor)
    info = EncoderInfo(name, fingerprint, dim, where, precision, preprocessing, side, texts.name, texts.multilingual)
    logger.info("model %s is ready: %d-d, %s, %s, texts by %s", name, dim, where, precision, texts.name)
    return ClipEncoder(loaded, image_processor, texts, info, may_round=dtype == "auto")


def _dim(config: Any) -> int:
    """SigLIP projects no pictures: their vectors are as wide as its image tower."""
    return int(getattr(config, "projection_dim", None) or config.vision_config.hidden_size)


def _own_texts(name: str, model: Any, tokenizer: Any) -> TextTower:
    def features(model: Any, **tokens: torch.Tensor) -> torch.Tensor:
        found: torch.Tensor = model.get_text_features(**tokens).pooler_output
        return found

    config = model.config
    return TransformersTexts(name, model, features, tokenizer, config.text_config, config.model_type)


def _text_tower(name: str, model: str, dim: int, device: str, precision: str) -> TextTower | None:
    """Another one than the model's own, where one is wished for. Raises UnknownModel or ModelUnavailable."""
    if name:
        with _failures_explained(name, "CLIP_TEXT_MODEL"):
            texts = _load_multilingual(name, device)
            found = texts.encode(["."]).shape[1]
    elif model == SMALL:
        return small_texts(device, DTYPES[precision])
    else:
        return None
    if found != dim:
        raise UnknownModel(
            f"CLIP_TEXT_MODEL={name} makes vectors of {found} numbers, CLIP_MODEL={model} of {dim}: they share no "
            "space. Take a text model that was made for this image model."
        )
    return texts


def _load_multilingual(name: str, device: str) -> TextTower:
    place = _folder(name, "CLIP_TEXT_MODEL") or name
    return _from_here_or_the_hub(place, partial(load_multilingual, place, name, device))


def _from_here_or_the_hub(path: Path | str, load: Callable[..., T]) -> T:
    """What is on this machine is taken as it is: its vectors stay comparable, and no network is asked."""
    try:
        return load(local_files_only=True)
    except OSError:
        if isinstance(path, Path):
            raise
    _look_for_hub()
    return load()


def _parts(model: str, path: Path | str, precision: str, **options: Any) -> tuple[Any, Any, Any]:
    config = AutoConfig.from_pretrained(path, **options)
    _check_towers(model, config)
    disable_progress_bar()  # loading takes a second, downloads keep theirs
    loaded, report = AutoModel.from_pretrained(
        path, config=config, dtype=DTYPES[precision], output_loading_info=True, **options
    )
    _check_complete(model, report)
    image_processor = AutoImageProcessor.from_pretrained(path, backend="pil", **options)
    return loaded, image_processor, AutoTokenizer.from_pretrained(path, **options)


def _look_for_hub() -> None:
    """Raises httpx.HTTPError at once where the hub's own client would try for half a minute."""
    if not constants.HF_HUB_OFFLINE:
        httpx.head(constants.ENDPOINT, timeout=HUB_TIMEOUT)


def choose_device(wish: str = "auto") -> str:
    """`auto` takes a GPU where there is one. Raises UnknownModel for a device that is not there."""
    if wish == "auto":
        return "cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu"
    try:
        torch.empty(1, device=wish)
    except (RuntimeError, AssertionError) as error:
        raise UnknownModel(
            f"CLIP_DEVICE={wish} is not usable on this machine: {_first_line(error)}. Set auto or cpu."
        ) from None
    return wish


def choose_dtype(wish: str, device: str) -> str:
    """`auto`: half precision where the hardware computes in it; elsewhere it would only be slower."""
    if wish != "auto":
        return wish
    if device != "cpu":
        return "float16"
    # torch asks the processor: AVX-512 BF16 and AMX are the two that make bfloat16 fast.
    has_bfloat16 = torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()
    return "bfloat16" if has_bfloat16 else "float32"


def _folder(model: str, setting: str = SETTING) -> Path | None:
    if model == SMALL:
        return SMALL_FOLDER
    folder = Path(model).expanduser()
    if not folder.is_dir() and not model.startswith((".", "/", "~")):
        return None
    if not (folder / "config.json").is_file():
        raise UnknownModel(f"{setting}={model}: this folder holds no model, config.json is missing.")
    return folder.resolve()


def _check_towers(model: str, config: Any) -> None:
    towers = AutoModel._model_mapping.get(type(config), None)
    if not hasattr(towers, "get_image_features") or not hasattr(towers, "get_text_features"):
        raise UnknownModel(
            f"CLIP_MODEL={model} is a {config.model_type} model, without an image tower and a text tower "
            f"in one space. Try openai/clip-vit-base-patch32, or {SMALL}."
        )


def _check_complete(model: str, report: dict[str, Any]) -> None:
    if missing := sorted(report["missing_keys"]):
        raise UnknownModel(
            f"CLIP_MODEL={model}: the weights are incomplete, {len(missing)} are missing ({missing[0]} …). "
            "Download it again."
        )


def _fingerprint(folder: Path) -> str:
    """SHA-256 over configuration, tokenizer and weights: other vectors, another fingerprint."""
    digest = hashlib.sha256()
    for file in sorted(file for pattern in FINGERPRINTED for file in folder.glob(pattern)):
        digest.update(f"{file.name}\0{file.stat().st_size}\0".encode())
        with file.open("rb") as content:
            digest.update(hashlib.file_digest(content, "sha256").digest())
    return digest.hexdigest()


def _preprocessing(image_processor: Any) -> dict[str, Any]:
    """What decides on the pixels that the image tower gets, in plain lists and numbers."""
    settings = image_processor.to_dict()
    plain: dict[str, Any] = json.loads(json.dumps({name: settings.get(name) for name in PREPROCESSING}))
    return plain


def _input_side(image_processor: Any) -> int:
    """Pixels of the side of the square that the tower sees; where it keeps the shape, of one of as many pixels."""
    settings = image_processor.to_dict()
    if patches := settings.get("max_num_patches"):
        return int(settings["patch_size"] * patches**0.5)
    return int(max(settings["size"].values()))


def _commit(model: str) -> str:
    """The commit of a model of the hub: its cache keeps every file under snapshots/<commit>."""
    return Path(str(cached_file(model, "config.json", local_files_only=True))).parent.name


@contextmanager
def _failures_explained(model: str, setting: str = SETTING) -> Iterator[None]:
    try:
        yield
    except LikenessError:
        raise
    except (OSError, ValueError, RuntimeError, KeyError, SafetensorError, httpx.HTTPError) as error:
        raise _explained(f"{setting}={model}", error) from error


def _explained(wish: str, error: Exception) -> LikenessError:
    causes = list(_causes(error))
    if any(isinstance(cause, GatedRepoError) for cause in causes):
        return UnknownModel(f"{wish} is gated: accept its terms on huggingface.co and log in with `hf auth login`.")
    if any(isinstance(cause, RepositoryNotFoundError | HFValidationError) for cause in causes):
        return UnknownModel(f"{wish} is neither a model on huggingface.co nor a folder here.")
    if any(isinstance(cause, LocalEntryNotFoundError | httpx.HTTPError | ConnectionError) for cause in causes):
        return ModelUnavailable(
            f"{wish} is not on this machine and huggingface.co cannot be reached. Connect once to download it."
        )
    return UnknownModel(f"{wish} cannot be loaded: {_first_line(error)}.")


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def _first_line(error: BaseException) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0].rstrip(".")[:200]
