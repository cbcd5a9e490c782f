"""Draws scenes: houses, seas, skies; each function returns what can be said about its picture."""

import math
from collections.abc import Callable
from random import Random

from library.samples.canvas import COLOURS, Canvas, Rgb, shade, tint

Captions = tuple[str, ...]  # the first names the picture most exactly
Drawing = Callable[[Canvas, Random], Captions]
NUMBERS = ("zero", "one", "two", "three", "four", "five", "six")


def sunset(canvas: Canvas, rng: Random) -> Captions:
    """Draws a sunset."""
    glow = (255, rng.randint(150, 190), rng.randint(70, 110))
    canvas.fade((rng.randint(70, 120), 50, 120), glow, bottom=0.62)
    x, y = rng.uniform(0.3, 0.7), rng.uniform(0.48, 0.56)
    for extra in (0.05, 0.025, 0.0):
        canvas.circle(x, y, 0.1 + extra, shade((255, 224, 130), 1.3 - extra * 8 - 0.05))
    sea(canvas, 0.6, (74, 46, 104))
    for number in range(7):
        y, half = 0.63 + number * 0.05, rng.uniform(0.03, 0.1)
        canvas.line([(x - half, y), (x + half, y)], 0.012, (255, 196, 120))
    return (
        "sunset over the sea",
        "a sunset",
        "the sun going down over the water",
        "sun and sea",
        "evening sky",
    )


def house(canvas: Canvas, rng: Random) -> Captions:
    """Draws a house."""
    sky(canvas)
    colour = rng.choice(("red", "yellow", "white", "blue", "pink", "orange"))
    wall, roof = tint(colour, rng), shade(tint(rng.choice(("brown", "red", "black")), rng), 0.9)
    meadow(canvas, 0.72)
    cloud(canvas, rng.uniform(0.15, 0.3), 0.17, 0.07)
    left = rng.uniform(0.22, 0.36)
    canvas.box(left, 0.46, left + 0.42, 0.8, wall)
    canvas.polygon([(left - 0.05, 0.47), (left + 0.21, 0.24), (left + 0.47, 0.47)], roof)
    canvas.box(left + 0.17, 0.62, left + 0.26, 0.8, shade(roof, 0.7))
    for x in (left + 0.06, left + 0.3):
        canvas.box(x, 0.53, x + 0.08, 0.61, (190, 226, 250))
    name = f"{a(colour)} house"
    return (f"{name} under a blue sky", name, "a house", "a house on a meadow", "a small home with a roof")


def tree_on_hill(canvas: Canvas, rng: Random) -> Captions:
    """Draws a tree on a hill."""
    sky(canvas)
    season, name = rng.choice((("green", "a tree"), ("orange", "an autumn tree"), ("pink", "a blossoming tree")))
    canvas.circle(0.5, 1.35, 0.72, (104, 171, 84))
    x = rng.uniform(0.38, 0.62)
    canvas.polygon([(x - 0.025, 0.7), (x + 0.025, 0.7), (x + 0.015, 0.4), (x - 0.015, 0.4)], (101, 67, 40))
    leaves = tint(season, rng)
    for dx, dy, radius in ((-0.1, 0.02, 0.1), (0.1, 0.02, 0.1), (0, -0.08, 0.13), (0, 0.05, 0.1)):
        canvas.circle(x + dx, 0.36 + dy, radius, shade(leaves, 1 - dy))
    return (
        f"{name} on a hill",
        name,
        f"a {season} tree",
        "a tree on a green hill",
        "a tree under a blue sky",
    )


def night(canvas: Canvas, rng: Random) -> Captions:
    """Draws a night sky."""
    canvas.fade((10, 14, 46), (44, 52, 110))
    for _ in range(40):
        canvas.circle(rng.random(), rng.random() * 0.9, rng.uniform(0.002, 0.006), (255, 250, 225))
    x, y, radius = rng.uniform(0.3, 0.7), rng.uniform(0.25, 0.45), rng.uniform(0.1, 0.15)
    canvas.circle(x, y, radius, (250, 240, 200))
    crescent = rng.random() < 0.5
    if crescent:
        canvas.circle(x + radius * 0.5, y - radius * 0.1, radius * 0.9, (22, 27, 66))
    hills(canvas, 0.86, (12, 16, 36), rng)
    moon = "crescent moon" if crescent else "full moon"
    return (f"night sky with a {moon}", f"a {moon}", "the moon and stars", "a night sky", "stars at night")


def mountains(canvas: Canvas, rng: Random) -> Captions:
    """Draws mountains."""
    sky(canvas)
    for x, top, width in ((rng.uniform(0.2, 0.35), 0.3, 0.42), (rng.uniform(0.62, 0.78), 0.22, 0.48)):
        canvas.polygon([(x - width, 0.85), (x, top), (x + width, 0.85)], shade((112, 122, 146), 1 - top / 3))
        peak, reach = 0.3, width * 0.3
        low = top + (0.85 - top) * peak
        edge = [(x - reach, low), (x, top), (x + reach, low), (x + reach / 2, low - 0.04), (x, low + 0.02)]
        canvas.polygon([*edge, (x - reach / 2, low - 0.04)], (248, 250, 252))
    meadow(canvas, 0.8)
    return (
        "mountains with snow",
        "snowy mountains",
        "a mountain",
        "mountain peaks under a blue sky",
        "landscape",
    )


def rainbow(canvas: Canvas, rng: Random) -> Captions:
    """Draws a rainbow."""
    sky(canvas)
    x = rng.uniform(0.4, 0.6)
    for number, name in enumerate(("red", "orange", "yellow", "green", "blue", "purple")):
        canvas.ring(x, 0.86, 0.62 - number * 0.04, 0.042, shade(COLOURS[name], 1.15))
    meadow(canvas, 0.76)
    cloud(canvas, x - 0.34, 0.25, 0.06)
    return ("a rainbow over a green field", "a rainbow", "a rainbow in the sky", "rainbow and meadow")


def flowers(canvas: Canvas, rng: Random) -> Captions:
    """Draws flowers."""
    sky(canvas)
    meadow(canvas, 0.66)
    colour = rng.choice(("red", "pink", "purple", "white", "orange", "blue"))
    petals, count = tint(colour, rng), rng.choice((1, 3))
    for x in ((0.5,), (0.22, 0.5, 0.78))[count // 2]:
        y, radius = rng.uniform(0.4, 0.5), 0.3 / (1 + count)
        canvas.line([(x, y), (x + 0.02, 0.92)], 0.018, (46, 120, 52))
        for angle in range(0, 360, 60):
            dx, dy = math.cos(math.radians(angle)) * radius, math.sin(math.radians(angle)) * radius
            canvas.circle(x + dx, y + dy, radius * 0.62, petals)
        canvas.circle(x, y, radius * 0.5, (250, 200, 60))
    name = f"{NUMBERS[count] if count > 1 else 'a'} {colour} flower{'s' * (count > 1)}"
    return (f"{name} on a meadow", name, f"a drawing of {name}", f"{colour} petals")


def city(canvas: Canvas, rng: Random) -> Captions:
    """Draws a city."""
    canvas.fade((24, 20, 58), (196, 96, 112))
    x = -0.02
    while x < 1:
        width, top = rng.uniform(0.1, 0.18), rng.uniform(0.3, 0.66)
        canvas.box(x, top, x + width, 1, shade((38, 36, 66), rng.uniform(0.6, 1.0)))
        for row in range(int((0.96 - top) / 0.06)):
            for column in range(int(width / 0.04) - 1):
                if rng.random() < 0.55:
                    left, up = x + 0.02 + column * 0.04, top + 0.03 + row * 0.06
                    canvas.box(left, up, left + 0.018, up + 0.028, (255, 214, 122))
        x += width + 0.008
    return ("a city at night", "skyscrapers at night", "lit windows of tall buildings", "a skyline", "a city")


def balloons(canvas: Canvas, rng: Random) -> Captions:
    """Draws balloons."""
    sky(canvas)
    colour, count = (
        rng.choice([c for c in COLOURS if c not in ("blue", "grey", "turquoise")]),
        rng.randint(1, 4),
    )
    for number in range(count):
        x, y = (number + 0.5) / count + rng.uniform(-0.03, 0.03), rng.uniform(0.3, 0.5)
        fill = tint(colour, rng)
        canvas.line([(x, y + 0.12), (x - 0.02, y + 0.25), (x + 0.02, y + 0.42)], 0.005, (90, 90, 100))
        canvas.polygon([(x - 0.02, y + 0.145), (x + 0.02, y + 0.145), (x, y + 0.11)], shade(fill, 0.85))
        canvas.circle(x, y, 0.1, fill, tall=1.25)
        canvas.circle(x - 0.035, y - 0.05, 0.022, shade(fill, 1.5), tall=1.4)
    name = f"{NUMBERS[count]} {colour} balloons" if count > 1 else f"{a(colour)} balloon"
    return (f"{name} in the sky", name, "balloons in the sky" if count > 1 else "a balloon in the sky")


def snowman(canvas: Canvas, rng: Random) -> Captions:
    """Draws a snowman."""
    canvas.fade((150, 182, 214), (222, 234, 245))
    canvas.circle(0.5, 1.5, 0.75, (250, 252, 255))
    x = rng.uniform(0.4, 0.6)
    for y, radius in ((0.72, 0.17), (0.49, 0.12), (0.32, 0.085)):
        canvas.circle(x + 0.008, y + 0.008, radius, (196, 210, 226))
        canvas.circle(x, y, radius, (255, 255, 255))
    canvas.polygon([(x, 0.32), (x, 0.345), (x + 0.09, 0.345)], COLOURS["orange"])
    for dx, y in ((-0.03, 0.295), (0.03, 0.295), (0, 0.45), (0, 0.51)):
        canvas.circle(x + dx, y, 0.011, COLOURS["black"])
    canvas.box(x - 0.06, 0.15, x + 0.06, 0.24, COLOURS["black"])
    canvas.box(x - 0.1, 0.23, x + 0.1, 0.25, COLOURS["black"])
    for _ in range(30):
        canvas.circle(rng.random(), rng.random(), rng.uniform(0.004, 0.009), (255, 255, 255))
    return ("a snowman in the snow", "a snowman", "a snowman with a black hat", "snow falling", "winter")


def beach(canvas: Canvas, rng: Random) -> Captions:
    """Draws a beach."""
    sky(canvas)
    sea(canvas, 0.5, (38, 134, 190))
    canvas.circle(0.5, 1.75, 1.0, (240, 216, 160))
    x, colour = rng.uniform(0.15, 0.85), (255, 226, 90)
    canvas.circle(x, 0.18, 0.08, colour)
    for angle in range(0, 360, 45):
        cos, sin = math.cos(math.radians(angle)), math.sin(math.radians(angle))
        canvas.line([(x + cos * 0.1, 0.18 + sin * 0.1), (x + cos * 0.14, 0.18 + sin * 0.14)], 0.012, colour)
    return ("a sunny beach", "sand and sea", "a beach by the blue sea", "the sun over a beach", "summer")


# Parts of scenes


def sky(canvas: Canvas) -> None:
    """Draws the sky."""
    canvas.fade((92, 164, 232), (205, 231, 250))


def sea(canvas: Canvas, top: float, colour: Rgb) -> None:
    """Draws the sea."""
    for number in range(6):
        canvas.box(0, top + number * (1 - top) / 6, 1, 1, shade(colour, 1.1 - number * 0.06))


def meadow(canvas: Canvas, top: float) -> None:
    """Draws a meadow."""
    canvas.circle(0.5, top + 1.5, 1.5, (116, 184, 92))
    canvas.circle(0.1, top + 1.08, 1.0, (98, 168, 80))


def hills(canvas: Canvas, top: float, colour: Rgb, rng: Random) -> None:
    """Draws hills."""
    for x in (0.15, 0.55, 0.95):
        canvas.circle(x, top + 0.3, rng.uniform(0.28, 0.36), colour)


def cloud(canvas: Canvas, x: float, y: float, radius: float) -> None:
    """Draws a cloud."""
    for dx, dy, share in ((-1.2, 0.25, 0.7), (0, 0, 1.0), (1.2, 0.2, 0.75)):
        canvas.circle(x + dx * radius, y + dy * radius, radius * share, (255, 255, 255))


def a(noun: str) -> str:
    """Returns the noun with its article."""
    return f"{'an' if noun[0] in 'aeio' else 'a'} {noun}"


SCENES: tuple[Drawing, ...] = (
    sunset, house, tree_on_hill, night, mountains, rainbow, flowers, city, balloons, snowman, beach,
)  # fmt: skip
