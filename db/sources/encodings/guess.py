"""Guesses how text without any mark of it is encoded, by how usual the letters are that each encoding would make of it.

Of a few words charset-normalizer cannot tell Korean from Chinese, Cyrillic from Greek, nor Central European from
Western; it decides where letters tell nothing, and Western European is not about as likely as anything.
"""

import codecs
import re
from collections.abc import Iterable, Sequence

from db.sources.encodings import alphabets, ideographs
from library.errors import UnknownSource

OF_MACS = "mac_roman"  # which tables of Excel are in; its zips are UTF-8
OF_UNIX = ("iso8859_2", "iso8859_5", "iso8859_6", "iso8859_7")  # which old tables are in; archives never say so
EVERY = (*(each for each in alphabets.ENCODINGS if each not in OF_UNIX), *ideographs.ENCODINGS, *OF_UNIX)
ENCODINGS = tuple(each for each in EVERY if each not in (OF_MACS, *OF_UNIX))
OF_DOS = frozenset(each for each in alphabets.ENCODINGS if each[:3] in ("cp4", "cp7", "cp8") and each != "cp874")
OF_TABLES = tuple(each for each in EVERY if each not in OF_DOS and each != "cp1125")
WESTERN = "cp1252"
SAMPLE = 1 << 12  # bytes: more words tell no more
SURE = 0.4
ABOUT_EQUAL = 0.3  # what Western European may lack against the best, where none is sure
RARER = 0.15  # what Mac Roman loses against the others
ISO_2022 = {  # by what switches to a set of characters: the rarer ones first, which only one of them has
    "iso2022_kr": re.compile(rb"\x1b\$\)C"),
    "iso2022_jp_ext": re.compile(rb"\x1b\(I"),
    "iso2022_jp_2": re.compile(rb"\x1b\$\(D"),
    "iso2022_jp": re.compile(rb"\x1b\$[@B]|\x1b\(J"),
}
ISO_2022_CN = re.compile(rb"\x1b\$\)[AG]")
HZ = re.compile(rb"~\{(?:[\x21-\x77][\x21-\x7e])+~\}")
MOSTLY_USUAL = 0.5
HALF_OF_UTF8 = re.compile(rb"\xed[\xa0-\xbf][\x80-\xbf]")  # half of an emoji, as some programs cut it off
ODD_AMONG_GOOD = 0.25  # of what is beyond ASCII may be damaged in a text that is UTF-8 all the same
UTF8_AMONG_ODD = 0.25  # of the lines beyond ASCII are UTF-8 by chance in no other encoding
ODD_IN_JSON = 0.05  # of its lines may be damaged where no other one is beyond ASCII, for JSON is UTF-8


def of_escapes(sample: bytes) -> str:
    """Returns the encoding that writes East Asian text in ASCII between sequences of its own; none without these.

    HZ has signs that any text may hold, so that what is between them has to be Chinese. Raises UnknownSource for an
    encoding that is not read here.
    """
    if not sample.isascii():
        return ""
    if b"\x1b$" in sample or b"\x1b(" in sample:
        if ISO_2022_CN.search(sample):
            raise UnknownSource("encoding_not_read", encoding="ISO-2022-CN")
        return next((name for name, sign in ISO_2022.items() if sign.search(sample)), "")
    if b"~{" in sample and (found := b"\n".join(HZ.findall(sample))):
        text = found.decode("hz", "replace")
        return "hz" if ideographs.usualness(text, "gb18030") > MOSTLY_USUAL else ""
    return ""


def guess_encoding(sample: bytes) -> str:
    """Returns the most likely encoding of bytes that are not all UTF-8; Western European where nothing tells."""
    if _is_mostly_utf8(sample):
        return "utf-8"
    lines = sorted({line for line in sample.splitlines() if not line.isascii()})
    best = likeliest(lines, OF_TABLES)
    text = _text_of(lines)
    found = _usualness(text, best)
    if found >= SURE:
        return best
    if _usualness(text, WESTERN) > found - ABOUT_EQUAL:
        return WESTERN
    import charset_normalizer

    guessed = charset_normalizer.from_bytes(sample, cp_isolation=list(OF_TABLES)).best()
    return guessed.encoding if guessed else WESTERN


def are_utf8(lines: Iterable[bytes], is_json: bool) -> bool:
    """Returns whether lines are UTF-8 but for damaged ones: many of those beyond ASCII are, or it is JSON with few."""
    total = odd = utf8 = 0
    for line in lines:
        total += 1
        if not line.isascii():
            is_utf8 = _is_utf8(line)
            utf8 += is_utf8
            odd += not is_utf8
    return utf8 > UTF8_AMONG_ODD * (odd + utf8) or (is_json and odd <= ODD_IN_JSON * total)


def likeliest(lines: Sequence[bytes], candidates: Sequence[str] = ENCODINGS) -> str:
    """Returns the encoding that makes the most usual text of lines or names that are no UTF-8."""
    text = _text_of(lines)
    return max(candidates, key=lambda encoding: _usualness(text, encoding))


def _text_of(lines: Sequence[bytes]) -> bytes:
    """Returns lines from all over the list, whole ones where they are not too long."""
    step = max(1, sum(map(len, lines)) // SAMPLE)
    return b"\n".join(lines[::step])[: 2 * SAMPLE]


def _usualness(text: bytes, encoding: str) -> float:
    judge = ideographs.usualness if encoding in ideographs.ENCODINGS else alphabets.usualness
    return judge(text.decode(encoding, "replace"), encoding) - (RARER if encoding == OF_MACS else 0)


def _is_utf8(line: bytes) -> bool:
    try:
        HALF_OF_UTF8.sub(b"?", line).decode()
    except UnicodeDecodeError:
        return False
    return True


def _is_mostly_utf8(sample: bytes) -> bool:
    whole = HALF_OF_UTF8.sub("\N{REPLACEMENT CHARACTER}".encode(), sample)
    beyond = [char for char in whole.decode("utf-8", "surrogateescape") if not char.isascii()]
    return sum("\udc80" <= char <= "\udcff" for char in beyond) < ODD_AMONG_GOOD * len(beyond)


def known_encoding(named: str) -> str:
    """Returns the encoding that somebody named, as Python calls it. Raises UnknownSource for one of no text."""
    try:
        found = codecs.lookup(named)
    except (LookupError, ValueError):
        raise UnknownSource("unknown_encoding", encoding=named[:40]) from None
    if not getattr(found, "_is_text_encoding", True) or found.name in ("undefined", "idna", "punycode"):
        raise UnknownSource("unknown_encoding", encoding=named[:40])
    return found.name
