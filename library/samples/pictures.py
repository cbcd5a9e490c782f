"""Draws sample pictures, each with English captions, for an empty library and for training."""

import io
import math
from collections.abc import Iterator
from functools import partial
from itertools import cycle
from random import Random
from typing import NamedTuple

import numpy as np
from PIL import Image

from library.ingest.items import Item
from library.samples.canvas import COLOURS, SHAPES, Canvas, shade, tint
from library.samples.scenes import (
    NUMBERS,
    SCENES,
    Captions,
    Drawing,
    a,
    balloons,
    beach,
    city,
    flowers,
    house,
    mountains,
    night,
    rainbow,
    snowman,
    sunset,
    tree_on_hill,
)


class Sample(NamedTuple):
    """Holds a drawn picture and what can be said about it."""

    image: Image.Image
    captions: Captions  # the first names the picture most exactly


def sample_pictures(count: int = 60) -> Iterator[tuple[str, bytes]]:
    """Returns file names and PNG bytes, all different and the same on every call."""
    rng = Random(2024)
    seen: set[str] = set()
    kinds = cycle(ORDER)
    while len(seen) < count:
        # A scene has few names; whatever is drawn for the second time is passed over.
        canvas = Canvas(512, COLOURS["white"])
        name = next(kinds)(canvas, rng)[0]
        if name not in seen:
            seen.add(name)
            yield f"{name}.png", png(canvas.finished())


def sample_items() -> Iterator[Item]:
    """Returns the sample pictures as something that can be imported."""
    for name, data in sample_pictures():
        yield Item(name, name, partial(bytes, data), "samples")


def draw(rng: Random, size: int = 96, kind: Drawing | None = None) -> Sample:
    """Returns a random picture; the same generator state draws the same one."""
    canvas = Canvas(size, COLOURS["white"])
    captions = (kind or rng.choice(DRAWINGS))(canvas, rng)
    return Sample(canvas.finished(), captions)


def png(image: Image.Image) -> bytes:
    """Returns the picture as a PNG file."""
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()


# Shapes


def one_shape(canvas: Canvas, rng: Random) -> Captions:
    """Draws one shape."""
    shape = rng.choice(SHAPES)
    colour, ground = two_colours(rng)
    background(canvas, ground, rng)
    big = rng.random() < 0.5
    radius = rng.uniform(0.28, 0.38) if big else rng.uniform(0.12, 0.18)
    x, y = (rng.uniform(radius + 0.06, 0.94 - radius) for _ in range(2))
    stamp(canvas, shape, x, y, radius, colour, rng)
    name = a(f"{colour} {shape}")
    size = "big" if big else "small"
    return (
        f"{name} on {ground}",
        name,
        f"a {size} {colour} {shape}",
        a(shape),
        f"{name} on a {ground} background",
    )


def several_shapes(canvas: Canvas, rng: Random) -> Captions:
    """Draws several shapes of one kind."""
    count = rng.randint(2, 6)
    shape = rng.choice(SHAPES)
    colour, ground = two_colours(rng)
    background(canvas, ground, rng)
    for x, y in scattered(count, rng):
        stamp(canvas, shape, x, y, rng.uniform(0.11, 0.13), colour, rng)
    name = f"{NUMBERS[count]} {colour} {plural(shape)}"
    return (name, f"{name} on {ground}", f"{colour} {plural(shape)}", f"{NUMBERS[count]} {plural(shape)}")


def two_shapes(canvas: Canvas, rng: Random) -> Captions:
    """Draws two shapes beside each other, or one above the other."""
    first, second = rng.sample(SHAPES, 2)
    one, ground = two_colours(rng)
    other = rng.choice([c for c in COLOURS if c not in (one, ground) and distinct(c, ground)])
    background(canvas, ground, rng)
    upright = rng.random() < 0.5
    low, high, side = rng.uniform(0.25, 0.3), rng.uniform(0.7, 0.75), rng.uniform(0.4, 0.6)
    places = [(side, low), (side, high)] if upright else [(low, side), (high, side)]
    for shape, colour, (x, y) in zip((first, second), (one, other), places, strict=True):
        stamp(canvas, shape, x, y, rng.uniform(0.17, 0.2), colour, rng)
    a_first, a_second = a(f"{one} {first}"), a(f"{other} {second}")
    where = "above" if upright else "to the left of"
    return (
        f"{a_first} {where} {a_second}",
        f"{a_first} and {a_second}",
        f"{a_second} and {a_first}",
        f"{a_first} next to {a_second}",
    )


# Textures


def stripes(canvas: Canvas, rng: Random) -> Captions:
    """Draws stripes in two colours."""
    one, other = two_colours(rng)
    colour, ground = tint(one, rng), tint(other, rng)
    canvas.box(0, 0, 1, 1, ground)
    way, angle = rng.choice((("horizontal", 0.0), ("vertical", math.pi / 2), ("diagonal", math.pi / 4)))
    step = 1 / rng.randint(4, 10)
    cos, sin = math.cos(angle), math.sin(angle)
    for number in range(-12, 13):
        x, y = 0.5 - sin * step * number, 0.5 + cos * step * number
        canvas.line([(x - 2 * cos, y - 2 * sin), (x + 2 * cos, y + 2 * sin)], step / 2, colour)
    return (f"{way} {one} and {other} stripes", f"{one} and {other} stripes", f"{way} stripes", "stripes")


def dots(canvas: Canvas, rng: Random) -> Captions:
    """Draws dots on a ground."""
    one, other = two_colours(rng)
    background(canvas, other, rng)
    colour, across = tint(one, rng), rng.randint(4, 9)
    for row in range(-1, across + 1):
        for column in range(-1, across + 1):
            x = (column + 0.5 + row % 2 / 2) / across
            canvas.circle(x, (row + 0.5) / across, 0.28 / across, colour)
    return (f"{one} dots on {other}", f"{one} polka dots", f"{one} dots", "polka dots", "dots")


def checks(canvas: Canvas, rng: Random) -> Captions:
    """Draws a chequered ground."""
    one, other = two_colours(rng)
    canvas.box(0, 0, 1, 1, tint(other, rng))
    colour, across = tint(one, rng), rng.randint(4, 10)
    for row in range(across):
        for column in range(row % 2, across, 2):
            canvas.box(column / across, row / across, (column + 1) / across, (row + 1) / across, colour)
    return (
        f"{one} and {other} checks",
        f"{one} and {other} checkerboard",
        "checkerboard",
        "checks",
        "chessboard",
    )


def gradient(canvas: Canvas, rng: Random) -> Captions:
    """Draws one colour that turns into another."""
    one, other = two_colours(rng)
    canvas.fade(tint(one, rng), tint(other, rng), rng.uniform(0, 2 * math.pi))
    return (
        f"{one} fading into {other}",
        f"a gradient from {one} to {other}",
        f"a {one} and {other} gradient",
    )


def noise(canvas: Canvas, rng: Random) -> Captions:
    """Draws random pixels."""
    name = rng.choice(tuple(COLOURS))
    grains = np.random.default_rng(rng.getrandbits(32)).normal(0, 42, (48, 48, 1))
    pixels = (np.array(tint(name, rng)) + grains).clip(0, 255).astype(np.uint8)
    canvas.image.paste(Image.fromarray(pixels).resize((canvas.side, canvas.side), Image.Resampling.BICUBIC))
    return (f"{name} noise", f"{name} grainy texture", f"rough {name} surface", "noise", name)


def plain(canvas: Canvas, rng: Random) -> Captions:
    """Draws a plain ground."""
    name = rng.choice(tuple(COLOURS))
    background(canvas, name, rng)
    return (f"plain {name}", f"a {name} background", name, f"the colour {name}", f"just {name}")


# Parts of pictures


def background(canvas: Canvas, name: str, rng: Random) -> None:
    """Fills the canvas with a ground."""
    colour = tint(name, rng)
    canvas.fade(shade(colour, 1.12), shade(colour, 0.94))


def stamp(canvas: Canvas, shape: str, x: float, y: float, radius: float, colour: str, rng: Random) -> None:
    """Draws a shape with a soft shadow below it."""
    turn = rng.uniform(-0.25, 0.25) if shape not in ("square", "diamond") else 0.0
    under = canvas.image.getpixel((round(x * canvas.side), round(y * canvas.side)))
    canvas.shape(shape, x + 0.012, y + 0.016, radius, shade(under, 0.88), turn)  # type: ignore[arg-type]
    canvas.shape(shape, x, y, radius, tint(colour, rng), turn)


def scattered(count: int, rng: Random) -> list[tuple[float, float]]:
    """Returns places that keep clear of each other."""
    cells = [(column, row) for row in range(3) for column in range(3)]
    chosen = rng.sample(cells, count)
    return [(0.2 + 0.3 * x + rng.uniform(-0.025, 0.025), 0.2 + 0.3 * y + rng.uniform(-0.025, 0.025)) for x, y in chosen]


# Words


def two_colours(rng: Random) -> tuple[str, str]:
    """Returns two colours that are easy to tell apart; white is the commonest ground."""
    ground = "white" if rng.random() < 0.3 else rng.choice(tuple(COLOURS))
    return rng.choice([c for c in COLOURS if distinct(c, ground)]), ground


def distinct(one: str, other: str) -> bool:
    """Returns whether two colours are easy to tell apart."""
    return sum(abs(x - y) for x, y in zip(COLOURS[one], COLOURS[other], strict=True)) > 150


def plural(shape: str) -> str:
    """Returns the plural of a noun."""
    return shape + ("es" if shape.endswith(("s", "x")) else "s")


TEXTURES: tuple[Drawing, ...] = (stripes, dots, checks, gradient, noise, plain)
# Shapes are drawn most often: they have the most to tell apart.
DRAWINGS: tuple[Drawing, ...] = (one_shape,) * 8 + (several_shapes,) * 7 + (two_shapes,) * 6 + TEXTURES + SCENES
# The order of the samples: as varied as can be for somebody looking at the first few.
ORDER: tuple[Drawing, ...] = (
    house, several_shapes, sunset, stripes, flowers, one_shape, night, dots, tree_on_hill, two_shapes,
    balloons, gradient, mountains, several_shapes, rainbow, checks, one_shape, snowman, city, beach,
    several_shapes,
)  # fmt: skip
