"""CLIP from Hugging Face: an image tower and a text tower, one vector space."""

import hashlib
import json
import logging
import os
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import httpx
import numpy as np
import torch
from huggingface_hub import constants
from huggingface_hub.errors import (
    GatedRepoError,
    HFValidationError,
    LocalEntryNotFoundError,
    RepositoryNotFoundError,
)
from PIL import Image
from safetensors import SafetensorError
from transformers import AutoConfig, AutoImageProcessor, AutoModel, AutoTokenizer
from transformers.utils.hub import cached_file
from transformers.utils.logging import disable_progress_bar

from encoders.int8 import int8_tower
from library.errors import LikenessError, ModelUnavailable, UnknownModel
from library.ports import EncoderInfo, Vectors

logger = logging.getLogger(__name__)

SMALL = "small"
SMALL_FOLDER = Path(__file__).parent / "small"
HUB_TIMEOUT = 5.0  # seconds
BATCH = 8  # on a CPU as fast as larger ones
SIDE_BY_SIDE = 4  # batches, where there are many pictures
GPU_BATCH = 64
MIN_COSINE = 0.998
DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}
PREPROCESSING = (
    *("do_convert_rgb", "do_resize", "size", "resample", "do_center_crop", "crop_size"),
    *("do_rescale", "rescale_factor", "do_normalize", "image_mean", "image_std"),
)
FINGERPRINTED = ("*.json", "*.safetensors", "*.bin", "*.txt", "*.model")

T = TypeVar("T")


class ClipEncoder:
    """Any transformers model that offers `get_image_features` and `get_text_features`."""

    def __init__(
        self, model: Any, image_processor: Any, tokenizer: Any, info: EncoderInfo, may_round: bool = False
    ) -> None:
        """`may_round`: where many pictures come at once, their tower may compute in 8 bits; see `_tower_for`."""
        self.info = info
        self._model = model
        self._bulk_model: Any = None if may_round else model
        self._choosing = threading.Lock()
        self._image_processor = image_processor
        self._tokenizer = tokenizer
        self._context = model.config.text_config.max_position_embeddings
        self._batch = BATCH if info.device == "cpu" else GPU_BATCH
        self._cores = os.cpu_count() or 1
        self._pool = ThreadPoolExecutor(self._cores, thread_name_prefix="encode")
        self._side_by_side = min(self._cores, SIDE_BY_SIDE)
        self._towers = ThreadPoolExecutor(self._side_by_side, thread_name_prefix="tower")

    def encode_images(self, images: Sequence[Image.Image]) -> Vectors:
        """RGB pictures of any size to float32 unit vectors, shape (n, dim)."""
        if self.info.device == "cpu" and len(images) >= 2 * BATCH:
            return self._in_bulk(images)
        return self._in_batches(images, self._encode_image_batch)

    def _in_bulk(self, images: Sequence[Image.Image]) -> Vectors:
        """Several batches at once on fewer cores each, those of another call too: cores that share a batch wait for
        the slowest of them, which reading and storing hold up while pictures are taken in."""
        threads = self._cores // self._side_by_side
        batches = [images[start : start + BATCH] for start in range(0, len(images), BATCH)]
        model = self._tower_for(batches[0])

        def encode(batch: Sequence[Image.Image]) -> Vectors:
            torch.set_num_threads(threads)  # of this thread alone
            return self._encoded(torch.cat([self._pixels(image) for image in batch]), model)

        return np.concatenate(list(self._towers.map(encode, batches)))

    def _tower_for(self, images: Sequence[Image.Image]) -> Any:
        """The 8-bit tower, if it says of the first pictures that come what the model itself says."""
        with self._choosing:
            if self._bulk_model is None:
                quick = int8_tower(self._model)
                self._bulk_model = quick if quick and self._agrees(quick, images) else self._model
            return self._bulk_model

    def _agrees(self, quick: Any, images: Sequence[Image.Image]) -> bool:
        pixels = torch.cat([self._pixels(image) for image in images])
        cosine = float(np.min(np.sum(self._encoded(pixels, quick) * self._encoded(pixels, self._model), axis=1)))
        logger.info("8-bit image tower: %s, cosine %.4f", "used" if cosine >= MIN_COSINE else "not used", cosine)
        return cosine >= MIN_COSINE

    def encode_texts(self, texts: Sequence[str]) -> Vectors:
        """Texts to float32 unit vectors, shape (n, dim); the end of a text beyond the context is left out."""
        return self._in_batches(texts, self._encode_text_batch)

    def cuts(self, text: str) -> bool:
        return bool(len(self._tokenizer(text, verbose=False)["input_ids"]) > self._context)

    def _in_batches(self, inputs: Sequence[T], encode: Callable[[Sequence[T]], Vectors]) -> Vectors:
        batches = [encode(inputs[start : start + self._batch]) for start in range(0, len(inputs), self._batch)]
        return np.concatenate([np.empty((0, self.info.dim), np.float32), *batches])

    def _encode_image_batch(self, images: Sequence[Image.Image]) -> Vectors:
        torch.set_num_threads(self._cores)
        return self._encoded(torch.cat(list(self._pool.map(self._pixels, images))), self._model)

    def _encoded(self, pixels: torch.Tensor, model: Any) -> Vectors:
        with torch.inference_mode():
            output = model.get_image_features(pixel_values=pixels.to(model.device, model.dtype))
        return _unit_rows(output.pooler_output)

    def _pixels(self, image: Image.Image) -> torch.Tensor:
        pixels: torch.Tensor = self._image_processor(images=[image], return_tensors="pt")["pixel_values"]
        return pixels

    def _encode_text_batch(self, texts: Sequence[str]) -> Vectors:
        tokens = self._tokenizer(
            list(texts), padding=True, truncation=True, max_length=self._context, return_tensors="pt"
        ).to(self._model.device)
        torch.set_num_threads(self._cores)  # threads that begin now would take over what another thread was given
        with torch.inference_mode():
            output = self._model.get_text_features(
                input_ids=tokens["input_ids"], attention_mask=tokens["attention_mask"]
            )
        return _unit_rows(output.pooler_output)


def load_encoder(model: str, device: str = "auto", dtype: str = "auto") -> ClipEncoder:
    """From the hub, a local folder, or the bundled `small`.

    Raises UnknownModel where the setting has to change, ModelUnavailable where waiting or a network helps.
    """
    where = choose_device(device)
    precision = choose_dtype(dtype, where)
    path = _folder(model) or model
    with _failures_explained(model):
        loaded, image_processor, tokenizer = _load(model, path, precision)
        fingerprint = _fingerprint(path) if isinstance(path, Path) else _commit(path)
        dim = loaded.config.projection_dim
    name = path.name if isinstance(path, Path) else model
    info = EncoderInfo(name, fingerprint, dim, where, precision, _preprocessing(image_processor))
    logger.info("model %s is ready: %d-d, %s, %s", name, info.dim, where, precision)
    return ClipEncoder(loaded.to(where).eval(), image_processor, tokenizer, info, may_round=dtype == "auto")


def _load(model: str, path: Path | str, precision: str) -> tuple[Any, Any, Any]:
    """What is on this machine is taken as it is: its vectors stay comparable, and no network is asked."""
    try:
        return _parts(model, path, precision, local_files_only=True)
    except OSError:
        if isinstance(path, Path):
            raise
    _look_for_hub()
    return _parts(model, path, precision)


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


def _folder(model: str) -> Path | None:
    if model == SMALL:
        return SMALL_FOLDER
    folder = Path(model).expanduser()
    if not folder.is_dir() and not model.startswith((".", "/", "~")):
        return None
    if not (folder / "config.json").is_file():
        raise UnknownModel(f"CLIP_MODEL={model}: this folder holds no model, config.json is missing.")
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


def _commit(model: str) -> str:
    """The commit of a model of the hub: its cache keeps every file under snapshots/<commit>."""
    return Path(str(cached_file(model, "config.json", local_files_only=True))).parent.name


@contextmanager
def _failures_explained(model: str) -> Iterator[None]:
    try:
        yield
    except LikenessError:
        raise
    except (OSError, ValueError, RuntimeError, KeyError, SafetensorError, httpx.HTTPError) as error:
        raise _explained(model, error) from error


def _explained(model: str, error: Exception) -> LikenessError:
    causes = list(_causes(error))
    if any(isinstance(cause, GatedRepoError) for cause in causes):
        return UnknownModel(
            f"CLIP_MODEL={model} is gated: accept its terms on huggingface.co and log in with `hf auth login`."
        )
    if any(isinstance(cause, RepositoryNotFoundError | HFValidationError) for cause in causes):
        return UnknownModel(f"CLIP_MODEL={model} is neither a model on huggingface.co nor a folder here.")
    if any(isinstance(cause, LocalEntryNotFoundError | httpx.HTTPError | ConnectionError) for cause in causes):
        return ModelUnavailable(
            f"CLIP_MODEL={model} is not on this machine and huggingface.co cannot be reached. "
            "Connect once to download it."
        )
    return UnknownModel(f"CLIP_MODEL={model} cannot be loaded: {_first_line(error)}.")


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def _first_line(error: BaseException) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0].rstrip(".")[:200]


def _unit_rows(features: torch.Tensor) -> Vectors:
    return torch.nn.functional.normalize(features.float(), dim=-1).cpu().numpy()
