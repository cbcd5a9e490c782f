"""Makes the captions of the small CLIP in Korean and Traditional Chinese, each with its English."""

import csv
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import NamedTuple

from training.small.captions import CLASSES, fixed_prompt, with_article

WORDS = Path(__file__).parent / "words.tsv"
PROMPTS = {"korean": "{} 사진", "chinese": "{}的照片"}  # the measured prompts

TEMPLATES = {
    "korean": (
        *("{}", "{}", "{} 사진", "{} 사진", "{}의 사진", "{} 그림", "{} 이미지", "사진 속의 {}", "{} 보여줘"),
        *("{} 찾기", "{} 찾아줘", "{} 한 장", "이것은 {}", "{} 같은 것", "{} 사진들", "내 {}", "흐릿한 {} 사진"),
        *("{subject} 있는 사진", "{subject} 보이는 사진", "{subject} 나온 사진", "{object} 찾아줘", "{object} 보여줘"),
    ),
    "chinese": (
        *("{}", "{}", "{}的照片", "{}的照片", "一張{}的照片", "{}照片", "{}的圖片", "{}圖片", "{}的圖", "照片裡的{}"),
        *("找{}", "尋找{}", "我想看{}", "給我看{}", "這是{}", "像{}的東西", "我的{}", "模糊的{}照片"),
    ),
}
# Words that say nothing about which class it is, as in the English captions.
ADJECTIVES = {
    "korean": ("오래된", "새", "작은", "큰", "예쁜", "귀여운", "멋진", "아름다운", "낡은", "진짜", "거대한", "비싼"),
    "chinese": ("老舊的", "新的", "小小的", "大的", "漂亮的", "可愛的", "美麗的", "舊的", "真正的", "巨大的", "昂貴的"),
}


class Named(NamedTuple):
    """Names a colour or a shape: as Korean puts it before a noun, as a Korean noun, and in Chinese."""

    before: str
    alone: str
    chinese: str


COLOURS = {
    "red": Named("빨간", "빨간색", "紅色"),
    "orange": Named("주황색", "주황색", "橘色"),
    "yellow": Named("노란", "노란색", "黃色"),
    "green": Named("초록색", "초록색", "綠色"),
    "blue": Named("파란", "파란색", "藍色"),
    "purple": Named("보라색", "보라색", "紫色"),
    "pink": Named("분홍색", "분홍색", "粉紅色"),
    "brown": Named("갈색", "갈색", "棕色"),
    "black": Named("검은", "검은색", "黑色"),
    "white": Named("하얀", "흰색", "白色"),
    "grey": Named("회색", "회색", "灰色"),
    "turquoise": Named("청록색", "청록색", "青綠色"),
}
SHAPES = {
    "circle": (("원", "동그라미"), ("圓形", "圓圈")),
    "square": (("정사각형", "네모"), ("正方形", "方形")),
    "triangle": (("삼각형", "세모"), ("三角形",)),
    "star": (("별",), ("星星", "星形")),
    "heart": (("하트",), ("愛心", "心形")),
    "diamond": (("마름모", "다이아몬드"), ("菱形",)),
    "hexagon": (("육각형",), ("六邊形", "六角形")),
    "cross": (("십자가", "십자"), ("十字", "十字形")),
    "ring": (("고리", "링"), ("圓環", "環形")),
    "oval": (("타원",), ("橢圓形", "橢圓")),
}
COUNTS = {
    "two": ("두", "兩"),
    "three": ("세", "三"),
    "four": ("네", "四"),
    "five": ("다섯", "五"),
    "six": ("여섯", "六"),
}
THINGS = {"balloons": ("풍선", "개", "個", "氣球"), "flowers": ("꽃", "송이", "朵", "花")}


class Caption(NamedTuple):
    english: str
    korean: str
    chinese: str


def words() -> dict[str, tuple[list[str], list[str]]]:
    """Returns for each English word its Korean and Chinese words, the commonest first."""
    with WORDS.open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    return {row["english"]: (row["korean"].split("; "), row["chinese"].split("; ")) for row in rows}


def class_prompts() -> list[Caption]:
    """Returns the one prompt that each class is measured with, in the order of the classes."""
    said = words()
    return [
        Caption(fixed_prompt(folder), PROMPTS["korean"].format(korean[0]), PROMPTS["chinese"].format(chinese[0]))
        for folder, (korean, chinese) in ((folder, said[names[0]]) for folder, names in CLASSES.items())
    ]


def new_caption(rng: Random, said: dict[str, tuple[list[str], list[str]]]) -> Caption:
    """Returns one of many phrasings of a caption, in three languages."""
    if rng.random() < 0.6:
        english = rng.choice(list(said))
        korean, chinese = (rng.choice(each) for each in said[english])
        return _phrased(Caption(english, korean, chinese), rng)
    return rng.choice(DRAWN)(rng)


def _phrased(named: Caption, rng: Random) -> Caption:
    korean, chinese = named.korean, named.chinese
    if rng.random() < 0.15:
        korean = f"{rng.choice(ADJECTIVES['korean'])} {korean}"
        chinese = f"{rng.choice(ADJECTIVES['chinese'])}{chinese}"
    templates = {language: rng.choice(each) for language, each in TEMPLATES.items()}
    english = named.english if named.english.startswith("a ") else with_article(named.english)
    return Caption(english, _in_korean(templates["korean"], korean), templates["chinese"].format(chinese))


# Drawn pictures


def _colours(rng: Random, count: int) -> list[tuple[str, Named]]:
    return rng.sample(list(COLOURS.items()), count)


def _shape(rng: Random) -> tuple[str, str, str]:
    english, (korean, chinese) = rng.choice(list(SHAPES.items()))
    return english, rng.choice(korean), rng.choice(chinese)


def one_shape(rng: Random) -> Caption:
    (colour, ink), (ground, paper) = _colours(rng, 2)
    shape, korean, chinese = _shape(rng)
    named = Caption(
        _a(f"{colour} {shape}"), f"{ink.before} {korean}", f"{ink.chinese}{rng.choice(('', '的'))}{chinese}"
    )
    if rng.random() < 0.5:
        return _phrased_drawn(named, rng)
    return Caption(
        f"{named.english} on {ground}",
        f"{paper.alone} 배경의 {named.korean}",
        f"{paper.chinese}背景上的{named.chinese}",
    )


def only_shape(rng: Random) -> Caption:
    shape, korean, chinese = _shape(rng)
    return _phrased_drawn(Caption(_a(shape), korean, chinese), rng)


def several_shapes(rng: Random) -> Caption:
    [(colour, ink)] = _colours(rng, 1)
    shape, korean, chinese = _shape(rng)
    count, (how_many, number) = rng.choice(list(COUNTS.items()))
    several = f"{shape}{'es' if shape.endswith(('s', 'x')) else 's'}"
    said = rng.choice((f"{ink.before} {korean} {how_many} 개", f"{how_many} 개의 {ink.before} {korean}"))
    return Caption(f"{count} {colour} {several}", said, f"{number}個{ink.chinese}{rng.choice(('', '的'))}{chinese}")


def two_shapes(rng: Random) -> Caption:
    (one, first_ink), (other, second_ink) = _colours(rng, 2)
    (first, first_ko, first_zh), (second, second_ko, second_zh) = _shape(rng), _shape(rng)
    left = Caption(_a(f"{one} {first}"), f"{first_ink.before} {first_ko}", f"{first_ink.chinese}{first_zh}")
    right = Caption(_a(f"{other} {second}"), f"{second_ink.before} {second_ko}", f"{second_ink.chinese}{second_zh}")
    where, there, over_there = rng.choice(
        (("above", "위의", "上方的"), ("to the left of", "왼쪽의", "左邊的"), ("and", "", ""))
    )
    if where == "and":
        return Caption(
            f"{left.english} and {right.english}",
            f"{left.korean}{_with(left.korean)} {right.korean}",
            f"{left.chinese}和{right.chinese}",
        )
    return Caption(
        f"{left.english} {where} {right.english}",
        f"{right.korean} {there} {left.korean}",
        f"{right.chinese}{over_there}{left.chinese}",
    )


def two_coloured(rng: Random) -> Caption:
    (one, first), (other, second) = _colours(rng, 2)
    english, korean, chinese = rng.choice(
        (("stripes", "줄무늬", "條紋"), ("checks", "체크무늬", "格子"), ("checkerboard", "바둑판무늬", "棋盤格"))
    )
    return Caption(
        f"{one} and {other} {english}",
        f"{first.alone}{_with(first.alone)} {second.alone} {korean}",
        f"{first.chinese}和{second.chinese}{rng.choice(('', '的'))}{chinese}",
    )


def dots(rng: Random) -> Caption:
    [(colour, ink)] = _colours(rng, 1)
    return Caption(f"{colour} dots", rng.choice((f"{ink.before} 점", f"{ink.alone} 물방울무늬")), f"{ink.chinese}圓點")


def plain(rng: Random) -> Caption:
    [(colour, ink)] = _colours(rng, 1)
    korean = rng.choice((ink.alone, f"{ink.alone} 배경"))
    return Caption(
        rng.choice((colour, f"a {colour} background")), korean, rng.choice((ink.chinese, f"{ink.chinese}背景"))
    )


def things(rng: Random) -> Caption:
    [(colour, ink)] = _colours(rng, 1)
    english, (korean, unit, measure, chinese) = rng.choice(list(THINGS.items()))
    count, (how_many, number) = rng.choice(list(COUNTS.items()))
    return Caption(
        f"{count} {colour} {english}",
        f"{ink.before} {korean} {how_many} {unit}",
        f"{number}{measure}{ink.chinese}{rng.choice(('', '的'))}{chinese}",
    )


def house(rng: Random) -> Caption:
    [(colour, ink)] = _colours(rng, 1)
    return Caption(f"{_a(colour)} house", f"{ink.before} 집", f"{ink.chinese}的房子")


DRAWN: tuple[Callable[[Random], Caption], ...] = (
    *(one_shape, one_shape, only_shape, several_shapes, several_shapes, two_shapes),
    *(two_coloured, dots, plain, things, house),
)


def _phrased_drawn(named: Caption, rng: Random) -> Caption:
    korean, chinese = (rng.choice(TEMPLATES[language][:4]) for language in ("korean", "chinese"))
    return Caption(named.english, korean.format(named.korean), chinese.format(named.chinese))


def _a(noun: str) -> str:
    return f"{'an' if noun[0] in 'aeio' else 'a'} {noun}"


def _in_korean(template: str, noun: str) -> str:
    return template.format(noun, subject=noun + _after(noun, "이", "가"), object=noun + _after(noun, "을", "를"))


def _with(noun: str) -> str:
    return _after(noun, "과", "와")


def _after(noun: str, consonant: str, vowel: str) -> str:
    """Returns the form of a particle, which depends on how the syllable before it ends."""
    return consonant if (ord(noun[-1]) - 0xAC00) % 28 else vowel
