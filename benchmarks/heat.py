"""Compares ways to map where a picture matched: how much of a map lies on the shape that is named, and its time.

python -m benchmarks.heat
"""

from collections.abc import Callable, Sequence
from functools import partial
from random import Random
from typing import Any, NamedTuple

import numpy as np
import torch
import typer
from numpy.typing import NDArray
from PIL import Image

from benchmarks.fixtures import base_clip
from benchmarks.results import CACHE, RESULTS, Cache, Quick, Results, Row, Table, medians, publish, seconds
from encoders.clip import ClipEncoder
from encoders.loading import load_encoder
from encoders.model_folders import SMALL
from library.ports import Vector
from library.samples.canvas import COLOURS, Canvas
from library.search.heat import heat_values

SIDE = 256  # pixels of a drawing, and of a map as it is drawn over it
REACH = 0.16  # from the middle of a shape to its sides
SHAPES = ("circle", "square", "triangle", "diamond")
HUES = ("red", "green", "blue", "yellow", "purple", "orange", "pink")
PAPER = (235, 235, 230)
TWICE = 2.0
MOST_MILLISECONDS = 150
TEXT = "a photo of a red circle"

Values = NDArray[np.float32]
Way = Callable[[Image.Image, str], Values]
Box = tuple[float, float, float, float]
CENTRE: Box = (0.5 - REACH, 0.5 - REACH, 0.5 + REACH, 0.5 + REACH)


class Drawn(NamedTuple):
    image: Image.Image
    text: str  # names one of its two shapes,
    box: Box  # which is here


def main(
    drawings: int = 100, rounds: int = 15, quick: Quick = False, results: Results = RESULTS, cache: Cache = CACHE
) -> None:
    if quick:
        drawings, rounds = 8, 3
    random = Random(1)
    drawn = [drawing(random) for _ in range(drawings)]
    rows = [share_row(name, way, drawn) for name, way in ways(load_encoder(SMALL, "cpu", "float32")).items()]
    rows += time_rows(ways(load_encoder(str(base_clip(cache)), "cpu", "float32")), rounds)
    notes = [
        f"Shares: {drawings} drawings of two shapes of other colours, by the small CLIP. A map is stretched over the"
        " drawing, and what of it lies in the box around the shape is compared with what lies in the middle.",
        "Values: MaskCLIP, Zhou et al. 2022. Relevance: Chefer et al. 2021, over all layers. Plain: the patches as the"
        " tower returns them. All three begin at the mean of a picture's patches and are cubed.",
        f"Times: one map of a new text and a new picture by a ViT-B/32 on {torch.get_num_threads()} cores, in float32.",
    ]
    publish(Table("Heat", rows, notes), results, quick)


def ways(encoder: ClipEncoder) -> dict[str, Way]:
    """Returns the ways to make a map; the first is that of the app."""

    def by_values(image: Image.Image, text: str) -> Values:
        patches = encoder.encode_patches(image)
        assert patches
        return heat_values(patches.each, encoder.encode_texts([text])[0])

    def by_relevance(image: Image.Image, text: str) -> Values:
        relevance = relevance_of(encoder.model, encoder.pixels([image]), encoder.encode_texts([text])[0])
        return heat_values(relevance[..., None], np.ones(1, np.float32))

    def plainly(image: Image.Image, text: str) -> Values:
        return heat_values(plain_patches(encoder.model, encoder.pixels([image])), encoder.encode_texts([text])[0])

    return {"values": by_values, "relevance": by_relevance, "plain": plainly}


def relevance_of(model: Any, pixels: dict[str, torch.Tensor], vector: Vector) -> Values:
    """Returns the relevance of each patch for the likeness to a vector, by attention and its gradient.

    H. Chefer, S. Gur, L. Wolf, Generic Attention-model Explainability for Interpreting Bi-Modal and Encoder-Decoder
    Transformers, ICCV 2021: R = R + mean over heads of the positive part of (gradient x attention), times R.
    """
    usual = model.config._attn_implementation
    model.set_attn_implementation("eager")  # no other keeps its attention
    found = model.vision_model(pixels["pixel_values"].to(model.dtype), output_attentions=True)
    model.set_attn_implementation(usual)
    picture = torch.nn.functional.normalize(model.visual_projection(found.pooler_output)[0].float(), dim=0)
    gradients = torch.autograd.grad(picture @ torch.from_numpy(vector), found.attentions)
    relevance = torch.eye(found.attentions[0].shape[-1])
    for attention, gradient in zip(found.attentions, gradients, strict=True):
        relevance = relevance + (attention * gradient).clamp(min=0).mean(dim=1)[0].float() @ relevance
    return squared(relevance[0, 1:].detach().numpy())


def plain_patches(model: Any, pixels: dict[str, torch.Tensor]) -> Values:
    """Returns a unit vector for each patch as the tower returns it, projected as the picture is."""
    tower = model.vision_model
    with torch.inference_mode():
        last = tower(pixels["pixel_values"].to(model.dtype)).last_hidden_state[0, 1:]
        projected = model.visual_projection(tower.post_layernorm(last)).float()
        return squared(torch.nn.functional.normalize(projected, dim=-1).numpy())


def squared(patches: Values) -> Values:
    side = int(len(patches) ** 0.5)
    return patches.reshape(side, side, *patches.shape[1:])


def drawing(random: Random) -> Drawn:
    """Draws two shapes apart from each other, of two kinds and colours."""
    kinds, hues = random.sample(SHAPES, 2), random.sample(HUES, 2)
    while True:
        (x, y), (other_x, other_y) = places = [(random.uniform(0.18, 0.82), random.uniform(0.18, 0.82)) for _ in "ab"]
        if max(abs(x - other_x), abs(y - other_y)) > 2.2 * REACH:
            break
    canvas = Canvas(SIDE, PAPER)
    for kind, hue, place in zip(kinds, hues, places, strict=True):
        draw(canvas, kind, hue, *place)
    return Drawn(canvas.finished(), f"a {hues[0]} {kinds[0]}", (x - REACH, y - REACH, x + REACH, y + REACH))


def draw(canvas: Canvas, kind: str, hue: str, x: float, y: float) -> None:
    left, top, right, bottom = x - REACH, y - REACH, x + REACH, y + REACH
    corners = {
        "square": [(left, top), (right, top), (right, bottom), (left, bottom)],
        "triangle": [(x, top), (right, bottom), (left, bottom)],
        "diamond": [(x, top), (right, y), (x, bottom), (left, y)],
    }
    if kind == "circle":
        canvas.circle(x, y, REACH, COLOURS[hue])
    else:
        canvas.polygon(corners[kind], COLOURS[hue])


def share_row(name: str, way: Way, drawn: Sequence[Drawn]) -> Row:
    maps = [way(each.image, each.text) for each in drawn]
    on = np.mean([share_of(values, each.box) for values, each in zip(maps, drawn, strict=True)])
    centred = np.mean([share_of(values, CENTRE) for values in maps])
    ratio = float(on / centred)
    limit = TWICE if name == "values" else None
    return Row(f"{name}, on the shape", f"{on:.0%}", "in the middle", f"{centred:.0%}", ratio, at_least=limit)


def share_of(values: Values, box: Box) -> float:
    """Returns how much of a map lies in a box, once it is stretched over the drawing."""
    stretched = np.asarray(Image.fromarray(values).resize((SIDE, SIDE), Image.Resampling.BILINEAR))
    left, top, right, bottom = (round(SIDE * each) for each in box)
    return float(stretched[top:bottom, left:right].sum() / max(stretched.sum(), 1e-9))


def time_rows(by_name: dict[str, Way], rounds: int) -> list[Row]:
    noise = np.random.default_rng(0).integers(0, 256, (480, 640, 3), dtype=np.uint8)
    image = Image.fromarray(noise)
    compared = {name: by_name[name] for name in ("values", "relevance")}
    for way in compared.values():
        way(image, TEXT)  # what is done once only
    taken = medians(rounds, *(partial(seconds, partial(way, image, TEXT)) for way in compared.values()))
    limits = {"values": 1.0}
    return [
        Row(
            f"{name}, one map",
            f"{1000 * each:.0f} ms",
            "at most",
            f"{MOST_MILLISECONDS} ms",
            1000 * each / MOST_MILLISECONDS,
            at_most=limits.get(name),
        )
        for name, each in zip(compared, taken, strict=True)
    ]


if __name__ == "__main__":
    typer.run(main)
