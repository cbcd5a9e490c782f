"""Draws on a square in units of its side, with colours and shapes by name and smooth edges."""

import math
from collections.abc import Callable
from random import Random

import numpy as np
from PIL import Image, ImageDraw

Rgb = tuple[int, int, int]
Point = tuple[float, float]

COLOURS: dict[str, Rgb] = {
    "red": (217, 45, 48),
    "orange": (243, 132, 32),
    "yellow": (250, 208, 44),
    "green": (52, 158, 78),
    "blue": (42, 98, 201),
    "purple": (124, 63, 172),
    "pink": (242, 132, 178),
    "brown": (125, 79, 46),
    "black": (28, 28, 32),
    "white": (250, 250, 247),
    "grey": (140, 144, 150),
    "turquoise": (41, 182, 184),
}
SHAPES = ("circle", "square", "triangle", "star", "heart", "diamond", "hexagon", "cross", "ring", "oval")
DOWN = math.pi / 2
SMOOTH = 3  # drawn this much larger, then shrunk: smooth edges


class Canvas:
    """Draws on a square. Positions and lengths run from 0 to 1, y downwards."""

    def __init__(self, size: int, background: Rgb) -> None:
        self.size = size
        self.side = size * SMOOTH
        self.image = Image.new("RGB", (self.side, self.side), background)
        self.pen = ImageDraw.Draw(self.image)

    def finished(self) -> Image.Image:
        """Returns the picture at its final size."""
        return self.image.resize((self.size, self.size), Image.Resampling.BOX)

    def polygon(self, points: list[Point], colour: Rgb) -> None:
        """Draws a filled polygon."""
        self.pen.polygon([(x * self.side, y * self.side) for x, y in points], fill=colour)

    def box(self, left: float, top: float, right: float, bottom: float, colour: Rgb) -> None:
        """Draws a filled rectangle."""
        self.polygon([(left, top), (right, top), (right, bottom), (left, bottom)], colour)

    def circle(self, x: float, y: float, radius: float, colour: Rgb, tall: float = 1.0) -> None:
        """Draws a filled circle."""
        across, down = radius * self.side, radius * self.side * tall
        x, y = x * self.side, y * self.side
        self.pen.ellipse((x - across, y - down, x + across, y + down), fill=colour)

    def ring(self, x: float, y: float, radius: float, width: float, colour: Rgb) -> None:
        """Draws a circle's outline."""
        reach = radius * self.side
        x, y = x * self.side, y * self.side
        corners = (x - reach, y - reach, x + reach, y + reach)
        self.pen.ellipse(corners, outline=colour, width=max(1, round(width * self.side)))

    def line(self, points: list[Point], width: float, colour: Rgb) -> None:
        """Draws a straight line."""
        scaled = [(x * self.side, y * self.side) for x, y in points]
        self.pen.line(scaled, fill=colour, width=max(1, round(width * self.side)), joint="curve")

    def fade(self, first: Rgb, last: Rgb, angle: float = DOWN, bottom: float = 1.0) -> None:
        """Draws one colour turning into another, downwards unless told otherwise."""
        rows = round(self.size * bottom)
        columns = 1 if angle == DOWN else self.size
        y, x = np.mgrid[0:rows, 0:columns].astype(np.float32)
        along = math.cos(angle) * (x / self.size - 0.5) + math.sin(angle) * (y / rows - 0.5)
        reach = abs(math.cos(angle)) / 2 + abs(math.sin(angle)) / 2
        share = ((along + reach) / (2 * reach))[..., None]
        mixed = np.array(first, np.float32) * (1 - share) + np.array(last, np.float32) * share
        faded = Image.fromarray(mixed.round().astype(np.uint8))
        self.image.paste(faded.resize((self.side, rows * SMOOTH), Image.Resampling.NEAREST))

    def shape(self, name: str, x: float, y: float, radius: float, colour: Rgb, turn: float = 0.0) -> None:
        """Draws the shape of that name."""
        match name:
            case "circle":
                self.circle(x, y, radius, colour)
            case "oval":
                self.circle(x, y, radius, colour, tall=0.6)
            case "ring":
                self.ring(x, y, radius, radius * 0.36, colour)
            case _:
                self.polygon([turned(p, turn, x, y, radius) for p in OUTLINES[name]], colour)


def turned(point: Point, angle: float, x: float, y: float, radius: float) -> Point:
    """Returns the points turned around a centre."""
    cos, sin = math.cos(angle), math.sin(angle)
    return x + radius * (point[0] * cos - point[1] * sin), y + radius * (point[0] * sin + point[1] * cos)


def corners(count: int, first: float, inner: float = 1.0) -> list[Point]:
    """Returns a regular outline; every second corner lies at `inner`."""
    angles = [first + 2 * math.pi * i / count for i in range(count)]
    return [
        (math.cos(a) * (inner if i % 2 else 1.0), math.sin(a) * (inner if i % 2 else 1.0)) for i, a in enumerate(angles)
    ]


def heart() -> list[Point]:
    """Returns the outline of a heart."""
    steps = [2 * math.pi * i / 60 for i in range(60)]
    return [
        (
            math.sin(t) ** 3,
            -(13 * math.cos(t) - 5 * math.cos(2 * t) - 2 * math.cos(3 * t) - math.cos(4 * t)) / 16,
        )
        for t in steps
    ]


UP = -math.pi / 2
OUTLINES: dict[str, list[Point]] = {
    "square": [(-0.85, -0.85), (0.85, -0.85), (0.85, 0.85), (-0.85, 0.85)],
    "triangle": corners(3, UP),
    "star": corners(10, UP, 0.42),
    "heart": heart(),
    "diamond": [(0, -1), (0.7, 0), (0, 1), (-0.7, 0)],
    "hexagon": corners(6, 0),
    "cross": [
        (-0.3, -1), (0.3, -1), (0.3, -0.3), (1, -0.3), (1, 0.3), (0.3, 0.3),
        (0.3, 1), (-0.3, 1), (-0.3, 0.3), (-1, 0.3), (-1, -0.3), (-0.3, -0.3),
    ],
}  # fmt: skip


def shade(colour: Rgb, factor: float) -> Rgb:
    """Returns a colour made darker, below 1, or lighter, above."""
    if factor <= 1:
        return _each(colour, lambda part: round(part * factor))
    return _each(colour, lambda part: round(255 - (255 - part) * (2 - factor)))


def tint(name: str, rng: Random) -> Rgb:
    """Returns the named colour, a little different every time."""
    return _each(COLOURS[name], lambda part: min(255, max(0, part + rng.randint(-14, 14))))


def _each(colour: Rgb, change: Callable[[int], int]) -> Rgb:
    red, green, blue = colour
    return change(red), change(green), change(blue)
