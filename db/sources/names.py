"""Decodes the names of files whose encoding nobody tells, from as few letters as the names of one archive have.

Of a few names charset-normalizer cannot tell Korean from Chinese, nor the code pages of DOS from those of Windows. So
each encoding is first judged by how usual the characters are that it would make; between equals charset-normalizer
decides.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from db.sources.alphabets import ENCODINGS as ALPHABETS
from db.sources.alphabets import usualness

SAMPLE = 1 << 12  # bytes: more of the names tell no more
USUAL, UNUSUAL, ODD = 1.0, 0.2, -1.0
EAST_ASIAN = ("cp932", "cp949", "gb18030", "big5", "euc_jp")
FURTHER = (
    "mac_roman",
    "mac_cyrillic",
    "mac_turkish",
    "iso8859_2",
    "iso8859_5",
    "iso8859_9",
    "iso8859_15",
    "cp1258",
    "johab",
)
SYLLABLES = frozenset(  # the usual ones of Korean: any Chinese text makes some of the others
    "이다가는을를에의고하지도로사한기은나라자시그대인어서리정부스일수제전보아구해여있장주조원마상오성과없내비유우연문들세트진"
    "화경면모관동무소용안게만공치신중바생운거통국회실개물계선드양학교타위배반음분같때야더말입월년차영요방적명현산천미작재식강"
    "단심남발별결북두호체추카프늘휴졸업눈밤낮달빛길숲섬축크캡처린샷글림앨범행족꽃봄름겨울혼친집새폴페엄빠파티포토편최종복본건"
    "외캠핑출첫번째얼굴손씨풍임돌잔척할머니버"
)


@dataclass(frozen=True)
class Decoded:
    """Holds a name, and the encoding where that had to be found out or was named by the user."""

    name: str
    encoding: str = ""


def clean_member(name: str) -> str:
    """Returns the name of a file in an archive as it is known here: relative, without empty parts."""
    return "/".join(part for part in name.split("/") if part not in ("", "."))


def decoder_of(names: Sequence[bytes], encoding: str = "") -> Callable[[bytes], Decoded]:
    """Returns what decodes the names of an archive: in the encoding that is named, or that all of them show together.

    What has no character in that encoding stays a lone surrogate, as in the names of files.
    """
    if encoding:
        return lambda name: _decoded(name, encoding)
    if all(map(is_utf8, names)):
        return lambda name: Decoded(name.decode())
    found = encoding_of(sorted({name for name in names if not (name.isascii() or _is_surely_utf8(name))}))
    return lambda name: Decoded(name.decode()) if _is_surely_utf8(name) else _decoded(name, found)


def _decoded(name: bytes, encoding: str) -> Decoded:
    try:
        text = name.decode(encoding, "surrogateescape")
    except ValueError:  # of those of two bytes, some give up half of a character whatever they are told
        text = name.decode("utf-8", "surrogateescape")
    return Decoded(text, "" if name.isascii() else encoding)


def is_utf8(name: bytes) -> bool:
    """Returns whether the bytes are UTF-8."""
    try:
        name.decode()
    except UnicodeDecodeError:
        return False
    return True


def encodings_of(name: str) -> list[str]:
    """Returns the encodings that a name may have in an archive; none for one of ASCII."""
    return [] if name.isascii() else [each for each in (*ALPHABETS, *EAST_ASIAN, *FURTHER) if _holds(each, name)]


def _holds(encoding: str, name: str) -> bool:
    try:
        return bool(name.encode(encoding, "surrogateescape"))
    except UnicodeEncodeError:
        return False


def _is_surely_utf8(name: bytes) -> bool:
    """Returns whether the bytes are UTF-8 with a sequence of three or more, which no other encoding makes by chance."""
    return is_utf8(name) and any(char >= "\u0800" for char in name.decode())


def encoding_of(names: Sequence[bytes]) -> str:
    """Returns the likeliest encoding of names that are no UTF-8."""
    text = b"\n".join(_sample(names))
    return max((*ALPHABETS, *EAST_ASIAN), key=lambda encoding: _score(text, encoding))


def _sample(names: Sequence[bytes]) -> list[bytes]:
    """Returns names from all over the list, whole ones."""
    step = max(1, sum(map(len, names)) // SAMPLE)
    return list(names[::step])


def _score(text: bytes, encoding: str) -> float:
    """Returns how usual the characters beyond ASCII are on average; -1 for bytes that are none in the encoding."""
    try:
        decoded = text.decode(encoding)
    except UnicodeDecodeError:
        return ODD
    if encoding in ALPHABETS:
        return usualness(decoded, encoding)
    around = f" {decoded} "
    scores = [
        _of_east_asia(char, around[place], around[place + 2], encoding)
        for place, char in enumerate(decoded)
        if not char.isascii()
    ]
    return round(sum(scores) / max(len(scores), 1), 6)


def _of_east_asia(char: str, before: str, after: str, encoding: str) -> float:
    """Judges by the rows of the national standards, whose first ones hold what is in daily use."""
    if before.isascii() and (_is_letter(before) or (_is_letter(after) and after.islower())):
        return ODD  # a letter with a diacritic within a word, read as half of an ideograph
    if "\uff61" <= char <= "\uff9f":  # halfwidth: every single byte would be one of these
        return UNUSUAL
    row = _row(char, encoding)
    is_kana = "\u3041" <= char <= "\u30fe"
    if encoding == "cp949":
        return USUAL if char in SYLLABLES else 0.7 if 0xB0 <= row <= 0xC8 else ODD / 2
    if is_kana:
        return USUAL + 0.1 if encoding in ("cp932", "euc_jp") else UNUSUAL
    if encoding == "gb18030":
        return 0.95 if 0xB0 <= row <= 0xD7 else UNUSUAL if 0xD8 <= row <= 0xF7 else ODD / 2
    if encoding == "big5":
        return 0.95 if 0xA4 <= row <= 0xC6 else UNUSUAL
    is_of_daily_use = 0xB0 <= row <= 0xCF
    return (0.95 if encoding == "cp932" else 0.9) if is_of_daily_use else UNUSUAL


def _row(char: str, encoding: str) -> int:
    """Returns the first byte of the character in the national standard behind the encoding; 0 beyond that."""
    national = {"cp949": "euc_kr", "gb18030": "gb2312", "big5": "big5"}.get(encoding, "euc_jp")
    encoded = char.encode(national, "ignore")
    return encoded[0] if len(encoded) == 2 else 0


def _is_letter(char: str) -> bool:
    return char.isascii() and char.isalpha()
