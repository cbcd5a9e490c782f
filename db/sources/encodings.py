"""Guesses how text without any mark of it is encoded, among the encodings that tables and archives are written in."""

import codecs

import charset_normalizer

from library.errors import UnknownSource

WESTERN = "cp1252"
LIKE_WESTERN = ("cp1250", "cp1254")  # they differ in a few letters, which short texts do not tell apart
KOREAN, KOREAN_AND_RARE = "euc_kr", "cp949"  # bytes of Japanese are rare syllables in the second
CANDIDATES = [
    WESTERN,
    *LIKE_WESTERN,
    *("cp1251", "koi8_r", "cp1253", "cp1255", "cp1256"),
    *("cp932", "euc_jp", KOREAN, "gb18030", "big5"),
]


def guess_encoding(sample: bytes) -> str:
    """Returns the most likely encoding of bytes that are no UTF-8; Western European where nothing tells."""
    matches = charset_normalizer.from_bytes(sample, cp_isolation=CANDIDATES)
    best = matches.best()
    if best is None:
        return WESTERN
    western = next((each for each in matches if WESTERN in (each.encoding, *each.could_be_from_charset)), None)
    if western and best.encoding in (WESTERN, *LIKE_WESTERN) and western.coherence >= best.coherence:
        return WESTERN
    return KOREAN_AND_RARE if best.encoding == KOREAN else best.encoding


def known_encoding(named: str) -> str:
    """Returns the encoding that somebody named, as Python calls it. Raises UnknownSource for one of no text."""
    try:
        found = codecs.lookup(named)
    except (LookupError, ValueError):
        raise UnknownSource("unknown_encoding", encoding=named[:40]) from None
    if not getattr(found, "_is_text_encoding", True) or found.name in ("undefined", "idna", "punycode"):
        raise UnknownSource("unknown_encoding", encoding=named[:40])
    return found.name
