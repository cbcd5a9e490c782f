"""Measures the engines that may compute the towers, in every precision, by turns in one process.

python -m benchmarks.engines --photos FOLDER

ONNX Runtime is the one that is kept. OpenVINO is measured where `openvino` and `nncf` are installed beside it.
"""

import statistics
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import torch
import typer

from benchmarks.accuracy import decoded
from benchmarks.fixtures import base_clip, photo_paths, temporary_folder
from benchmarks.results import CACHE, RESULTS, Cache, Photos, Quick, Results, Row, Table, per_second, publish, seconds
from encoders.clip import ClipEncoder, Compute
from encoders.devices import has_bfloat16, has_int8
from encoders.engines.calibration import Agreement, agreement, calibrate, chosen_after
from encoders.engines.eight_bits import EightBits
from encoders.engines.kept import KeptTowers
from encoders.engines.machine import CORES
from encoders.engines.probe import Measured
from encoders.engines.quicken import FOR_IMAGES, FOR_TEXTS, quicken
from encoders.engines.towers import EXACT, NotPossible, Tower, Way, image_tower, text_tower
from encoders.loading import load_encoder
from encoders.model_folders import SMALL
from library.ports import Vectors

BATCH = 8
SIDE, PRODUCTS, GFLOP = 2048, 10, 8.73
TODAY = "torch int8"
TEXT = "a photo of a red circle"


def main(
    photos: Photos,
    count: int = 128,
    rounds: int = 7,
    quick: Quick = False,
    results: Results = RESULTS,
    cache: Cache = CACHE,
) -> None:
    count, rounds = (32, 1) if quick else (count, rounds)
    paths = photo_paths(photos, count)
    with temporary_folder() as folder:
        encoder = load_encoder(str(base_clip(cache)))
        rows, notes = image_rows(encoder, batches_of(encoder, paths), folder, rounds)
        rows += [text_row(encoder, folder, rounds), *accuracy_rows(paths, folder)]
        notes += [WHY, processor(), choice(encoder, folder)]
    publish(Table("Engines", rows, notes), results, quick)


WHY = (
    "Kept is ONNX Runtime: with a scale for each token it is faster than OpenVINO, it needs 112 MB installed (with "
    "onnx) instead of 180 and those of NNCF, and can read text in pictures, too. OpenVINO's full 8 bits are faster."
)


def batches_of(encoder: ClipEncoder, paths: Sequence[Path]) -> list[dict[str, torch.Tensor]]:
    images = [decoded(path.read_bytes()) for path in paths]
    return [encoder.pixels(images[start : start + BATCH]) for start in range(0, len(images), BATCH)]


def image_rows(
    encoder: ClipEncoder, batches: list[dict[str, torch.Tensor]], folder: Path, rounds: int
) -> tuple[list[Row], list[str]]:
    """Returns a row for each engine and precision: many pictures on one thread for each core, and one on all."""
    tower = image_tower(encoder, KeptTowers(folder, "images"), EightBits())
    own = calibrate(tower, Way("onnx", "int8", 1), batches)
    many, one = engines(tower, 1), engines(tower, CORES)
    others = openvino_models(batches, folder)
    many, one = many | openvino_engines(others, 1), one | openvino_engines(others, CORES)
    exact = in_streams(many["torch float32"], batches)
    alike = {name: agreement(in_streams(compute, batches), exact) for name, compute in many.items()}
    bulk: dict[str, list[float]] = {name: [] for name in many}
    alone: dict[str, list[float]] = {name: [] for name in one}
    first = {name: each[:1] for name, each in batches[0].items()}
    product: list[float] = []
    for _ in range(rounds):
        product.append(eight_bit_gflops())
        for name in many:
            bulk[name].append(seconds(lambda name=name: in_streams(many[name], batches)))  # type: ignore[misc]
            alone[name].append(min(seconds(lambda name=name: one[name](first)) for _ in range(3)))  # type: ignore[misc]
    pictures = sum(len(each["pixel_values"]) for each in batches)
    rates = {name: pictures / statistics.median(taken) for name, taken in bulk.items()}
    waits = {name: 1000 * statistics.median(taken) for name, taken in alone.items()}
    rows = [row_of(name, rates, waits, alike[name]) for name in many]
    bound = statistics.median(product) * CORES / GFLOP
    best = max((name for name in rates if name.startswith("onnx")), key=lambda name: rates[name])
    rows.append(Row(f"many pictures, {best}", per_second(rates[best]), "8-bit matrix product of the same cores",
                    per_second(bound), rates[best] / bound))  # fmt: skip
    return rows, [calibrated(own)]


def calibrated(own: dict[str, Any]) -> str:
    """Returns in words what the photos have calibrated, and which way was chosen for it."""
    compared = [
        f"onnx {name} has the mean cosine {found['mean']:.4f}, the least {found['least']:.4f} and"
        f" {found['overlap']:.3f} of the ten nearest, and is {'accepted' if found['accepted'] else 'refused'}"
        for name, found in own.items()
        if isinstance(found, Mapping)
    ]
    chosen = chosen_after(Way("onnx", "int8", 1), own)
    return (
        f"On these {own['pictures']} photos {chosen} is chosen; 8 bits throughout are {own['times_as_fast']} times as"
        f" fast as a scale for each token. Compared with float32: {'; '.join(compared)}."
    )


def row_of(name: str, rates: Mapping[str, float], waits: Mapping[str, float], alike: Agreement) -> Row:
    limits = {"onnx int8": 1.45, "onnx static": 2.2}
    today = TODAY if TODAY in rates else "torch float32"
    return Row(
        f"many pictures, {name}: one in {waits[name]:.1f} ms, cosine {alike.mean:.5f} / {alike.least:.5f}, "
        f"top 10 {alike.overlap:.3f}",
        per_second(rates[name]),
        today,
        per_second(rates[today]),
        rates[name] / rates[today],
        at_least=limits.get(name),
    )


def engines(tower: Tower, threads: int) -> dict[str, Compute]:
    """Returns what computes the tower on that many threads, by the name of engine and precision."""
    found: dict[str, Compute] = {}
    ways = [EXACT, Way("torch", "bfloat16"), Way("torch", "int8"), *(Way("onnx", each) for each in ONNX)]  # type: ignore[arg-type]
    for way in ways:
        try:
            found[f"{way.engine} {way.precision}"] = tower.by(Way(way.engine, way.precision, threads))
        except NotPossible as error:
            print(f"{way}: {error}")
    return found


ONNX = ("float32", "int8", "static")


def openvino_models(batches: Sequence[Mapping[str, torch.Tensor]], folder: Path) -> dict[str, Any]:
    """Returns models of OpenVINO in float32, with weights in 8 bits, and in 8 bits throughout; none without it."""
    if not (find_spec("openvino") and find_spec("nncf")):
        return {}
    import nncf  # type: ignore[import-not-found]
    import openvino  # type: ignore[import-not-found]

    [file] = folder.rglob("images-float32*.onnx")
    pixels = [each["pixel_values"][:1].numpy() for each in batches]
    kinds: dict[str, Callable[[Any], Any]] = {
        "float32": lambda model: model,
        "int8": lambda model: nncf.compress_weights(model, mode=nncf.CompressWeightsMode.INT8_SYM),
        "static": lambda model: nncf.quantize(model, nncf.Dataset(pixels), model_type=nncf.ModelType.TRANSFORMER),
    }
    core = openvino.Core()
    return {name: make(core.read_model(file)) for name, make in kinds.items()}


def openvino_engines(models: Mapping[str, Any], threads: int) -> dict[str, Compute]:
    """Returns what computes those models, each batch on that many threads."""
    options = {"NUM_STREAMS": CORES // threads, "INFERENCE_NUM_THREADS": CORES, "INFERENCE_PRECISION_HINT": "f32"}
    grouped = {"int8": {"DYNAMIC_QUANTIZATION_GROUP_SIZE": 32}}
    found: dict[str, Compute] = {}
    for name, model in models.items():
        from openvino import compile_model

        compiled = compile_model(model, "CPU", {**options, **grouped.get(name, {})})
        found[f"openvino {name}"] = lambda inputs, compiled=compiled: unit(  # type: ignore[misc]
            compiled.create_infer_request().infer({0: inputs["pixel_values"].numpy()})[0]
        )
    return found


def text_row(encoder: ClipEncoder, folder: Path, rounds: int) -> Row:
    texts: Any = encoder.texts
    tower = text_tower(texts, KeptTowers(folder, "texts"), EightBits())
    tokens = texts.tokens([TEXT])
    exact, quick = tower.by(EXACT), tower.by(Way("onnx", "int8"))
    taken = [(seconds(lambda: exact(tokens)), seconds(lambda: quick(tokens))) for _ in range(3 * rounds)]
    slow, fast = (1000 * statistics.median(each) for each in zip(*taken, strict=True))
    return Row("one text, onnx int8", f"{fast:.1f} ms", "torch float32", f"{slow:.1f} ms", slow / fast, at_least=2.5)


def accuracy_rows(paths: Sequence[Path], folder: Path) -> list[Row]:
    """Returns how alike the bundled CLIP answers, which has learned to tell pictures apart."""
    encoder = load_encoder(SMALL)
    tower = image_tower(encoder, KeptTowers(folder, "small"), EightBits())
    batches = batches_of(encoder, paths)
    calibrate(tower, Way("onnx", "int8", 1), batches)
    exact = in_streams(tower.by(EXACT), batches)
    rows = []
    for precision in ONNX:
        way = Way("onnx", precision, 1)  # type: ignore[arg-type]
        alike = agreement(in_streams(tower.by(way), batches), exact)
        rows.append(Row(f"the bundled small CLIP, onnx {precision}: least cosine {alike.least:.5f}, top 10 "
                        f"{alike.overlap:.3f}", "", "float32, mean cosine", f"{alike.mean:.5f}", alike.mean,
                        at_least=0.998))  # fmt: skip
    return rows


def processor() -> str:
    """Returns what the processor has that decides which way is quick, and the limit of weights in 8 bits."""
    has = {"8 bits": has_int8(), "bfloat16": has_bfloat16()}
    told = " and ".join(f"{'' if found else 'no '}instructions for {name}" for name, found in has.items())
    limit = EightBits().limit
    return (
        f"This processor has {told}; torch computes with {torch.backends.cpu.get_cpu_capability()}. In ONNX Runtime's "
        f"8 bits weights go to {limit.each}, and two neighbours of one sign to {limit.both} together."
    )


def choice(encoder: ClipEncoder, folder: Path) -> str:
    """Returns what `auto` measures and chooses on this machine."""
    quickening = quicken(encoder, home=folder)
    assert quickening
    quickening.wait()
    measured = [
        f"{name}, {each.way}: {1000 * each.one:.1f} ms, {1 / each.each:.1f} a second"
        if isinstance(each, Measured)
        else f"{name}, {each.way}: {each.reason}"
        for name, found in quickening.probed.items()
        for each in found
    ]
    chosen = "; ".join(f"{use}: {line}" for use, line in encoder.info.engine.items())
    return f"CLIP_ENGINE=auto measured within {FOR_IMAGES + FOR_TEXTS:.0f} s: {'; '.join(measured)}. It chose {chosen}."


def in_streams(compute: Compute, batches: Sequence[Mapping[str, torch.Tensor]]) -> Vectors:
    with ThreadPoolExecutor(CORES) as pool:
        return np.concatenate(list(pool.map(compute, batches)))


def eight_bit_gflops() -> float:
    """Returns how many billions of operations a second one core does in a product of 8-bit integers by torch."""
    torch.set_num_threads(1)
    pack, product = torch.ops.onednn.qlinear_prepack, torch.ops.onednn.qlinear_pointwise
    weight = pack(torch.randint(-127, 127, (SIDE, SIDE), dtype=torch.int8), None)
    whole, scales = torch.randint(0, 255, (SIDE, SIDE), dtype=torch.uint8), torch.ones(SIDE)
    zeros = torch.zeros(SIDE, dtype=torch.int32)
    rest: Any = (None, 1.0, 0, torch.float32, "none", [], "")

    def work() -> None:
        for _ in range(PRODUCTS):
            product(whole, 1.0, 128, weight, scales, zeros, *rest)

    return 2 * PRODUCTS * SIDE**3 / 1e9 / seconds(work)


def unit(features: Any) -> Vectors:
    vectors: Vectors = features / np.linalg.norm(features, axis=1, keepdims=True)
    return vectors


if __name__ == "__main__":
    typer.run(main)
