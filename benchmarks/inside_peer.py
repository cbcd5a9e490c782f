"""Encodes the paths of each line on stdin with another library, in that library's environment, and prints the seconds.

python inside_peer.py open_clip|sentence_transformers MODEL_FOLDER [TOWER.onnx]
"""

import json
import os
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any

import torch

# PyPI's torchvision is built for CUDA: beside a torch for CPUs its compiled operators are missing, and it stops at
# these two. Nothing here uses them.
STUBS = torch.library.Library("torchvision", "FRAGMENT")
BATCH = 32

Encode = Callable[[Sequence[str]], int]
Tower = Callable[[torch.Tensor], torch.Tensor]
OUR_TOWER = "over our tower"


def has_operators() -> bool:
    try:
        import torchvision  # noqa: F401
    except RuntimeError:
        return False
    return True


def define_missing_operators() -> None:
    """Defines operators that torchvision misses, before anything imports it: a failed import cannot be repeated."""
    if os.fork() == 0:
        os._exit(0 if has_operators() else 1)
    if os.wait()[1]:
        for name in ("nms", "qnms"):
            STUBS.define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")


def tower_of(file: str) -> Tower:
    """Returns what computes unit vectors of pictures by a converted tower."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = os.cpu_count()
    session = onnxruntime.InferenceSession(file, options, providers=["CPUExecutionProvider"])
    [pixels] = session.get_inputs()

    def vectors(given: torch.Tensor) -> torch.Tensor:
        found = torch.from_numpy(session.run(None, {pixels.name: given.float().numpy()})[0])
        return torch.nn.functional.normalize(found, dim=1)

    return vectors


def sentence_transformers(folder: str, tower: Tower | None) -> tuple[Encode, str]:
    from PIL import Image
    from sentence_transformers import SentenceTransformer, __version__

    model = SentenceTransformer(folder, device="cpu")
    if tower:
        own = model[0]
        own.forward = lambda inputs, **_: {**inputs, "sentence_embedding": tower(inputs["pixel_values"])}

    def encode(paths: Sequence[str]) -> int:
        return len(model.encode([Image.open(path) for path in paths], batch_size=BATCH, show_progress_bar=False))

    return encode, f"sentence-transformers {__version__}, {OUR_TOWER if tower else 'float32'}"


def open_clip(_: str, tower: Tower | None) -> tuple[Encode, str]:
    import open_clip
    from PIL import Image
    from torch.utils.data import DataLoader, Dataset

    model, preprocess, precision = fastest(open_clip)

    class Pictures(Dataset):
        def __init__(self, paths):
            self.paths = paths

        def __len__(self):
            return len(self.paths)

        def __getitem__(self, number):
            return preprocess(Image.open(self.paths[number]))

    workers = os.cpu_count()

    @torch.inference_mode()
    def encode(paths: Sequence[str]) -> int:
        loader = DataLoader(Pictures(paths), batch_size=BATCH, num_workers=workers)
        return sum(len(tower(batch) if tower else features(model, batch, precision)) for batch in loader)

    how = OUR_TOWER if tower else precision
    return encode, f"open_clip {open_clip.__version__}, {how}, {workers} workers"


@torch.inference_mode()
def fastest(library: Any) -> tuple[Any, Any, str]:
    """Returns the precision that is fastest on this machine."""
    best = (float("inf"),)
    pixels = torch.rand(BATCH, 3, 224, 224)
    for precision in ("fp32", "bf16", "pure_bf16"):
        model, _, preprocess = library.create_model_and_transforms("ViT-B-32", precision=precision)
        model.eval()
        features(model, pixels, precision)
        started = time.perf_counter()
        features(model, pixels, precision)
        best = min(best, (time.perf_counter() - started, precision, model, preprocess), key=lambda each: each[0])
    return best[2], best[3], best[1]


def features(model: Any, pixels: torch.Tensor, precision: str) -> Any:
    dtype = torch.float32 if precision == "fp32" else torch.bfloat16
    return model.encode_image(pixels.to(dtype), normalize=True).float().numpy()


def main() -> None:
    define_missing_operators()
    torch.set_num_threads(os.cpu_count())
    kind, folder, *tower = sys.argv[1:]
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what libraries print goes with their warnings
    encode, description = {"open_clip": open_clip, "sentence_transformers": sentence_transformers}[kind](
        folder, tower_of(tower[0]) if tower else None
    )
    print(json.dumps(description), file=answers, flush=True)
    for line in sys.stdin:
        paths = json.loads(line)
        started = time.perf_counter()
        assert encode(paths) == len(paths)
        print(json.dumps(time.perf_counter() - started), file=answers, flush=True)


if __name__ == "__main__":
    main()
