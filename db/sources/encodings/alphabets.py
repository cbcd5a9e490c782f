"""Judges words by the alphabets of languages: which letters beyond ASCII each one uses, and how often."""

import math
import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

USUAL, FOREIGN, ODD = 0.95, -0.5, -1.0
PER_RANK, PER_LATIN_RANK = 0.08, 0.02  # what a letter loses against one that is e times as frequent
RARE_BESIDE = 0.25  # what a word loses for each of its letters of ASCII that the language hardly uses
LESS_SPOKEN = 0.002  # what a language loses against the one before it, where nothing else tells them apart
IN_A_ROW = 0.2  # what a letter loses beside another one beyond ASCII
OUT_OF_PLACE = 0.6  # what a word loses for what no word of the language has
OF_OTHERS = 0.75  # how usual a letter is in words of other languages, such as those of French in English
IN_PLACE = 0.6  # what a sign gives where texts have it
WORD = re.compile(  # a letter alone before a digit is the sign of a currency, read in the wrong encoding
    r"(?![^\W\d_a-zA-Z]\d)[^\W\d_]+(?:[^\W\d_]|[\u0300-\u036f\u0e31-\u0e4e])*"
)
OF_NO_WORD = re.compile(r"[\u0080-\U0010ffff]")
SIGN_IN_PLACE = re.compile(
    r"""(?<!\w)[¿¡](?=[^\W\d_])
    | (?<=[^\W\d_])’(?!\d)
    | (?<!\w)[“„‘’«»](?=[\s\xa0]?\w) | (?<=[\w.,!?…])[”“’»…] | (?<=\w[\s\xa0])»
    | (?<=\s)[–—•](?=\s)
    | (?<=\d)[€£°²³] | (?<=\d[\s\xa0])[€£°] | [€£©](?=[\s\xa0]?\d)
    | (?<!\w)[¼½¾](?!\w)
    | (?<=[«\d])\xa0 | \xa0(?=[»?!:;€%])""",
    re.VERBOSE,
)
APOSTROPHE = re.compile(r"\w’(?=(?:[stdm]|re|ll|ve)\b)|(?:\b[cdjlmnst]|\bqu)’(?=[^\W\d_])", re.IGNORECASE)
LATIN_PAGES = ("cp1252", "cp850", "cp437", "mac_roman")
CENTRAL_PAGES = ("cp1250", "cp852", "iso8859_2")
CYRILLIC_PAGES = ("cp1251", "cp866", "koi8_r", "iso8859_5")
WITH_LOANS = ("cp1252", "mac_roman")  # for words of many languages in one text
OF_NO_LOAN = "ñ(?![aeiouáéíóúü])|ç[^aouãâáóõôú]|œ[^ui]|(?<![aeou])ï|^[ëïùûñœæ]"
THAI_LETTERS = "นรอาเกงลมยวสดตทปคใขหไบพชจะโแำๆผฟถซธณญฐศษฆฉฎภ"
THAI_MARKS = "่้ิีืึัุู็์"
THAI_LEADING = "เแโใไ"


@dataclass(frozen=True)
class Language:
    """Names the letters beyond ASCII by falling frequency, the letters of ASCII that are rare, and the encodings.

    `never` matches what no word of the language has, in small letters.
    """

    letters: str
    rare: str
    encodings: tuple[str, ...]
    never: str = "$^"
    is_latin: bool = True
    usual: float = USUAL

    @cached_property
    def scores(self) -> Mapping[str, float]:
        """Holds how usual each letter is."""
        lost = PER_LATIN_RANK if self.is_latin else PER_RANK
        found = {letter: self.usual - lost * math.log((rank + 2) / 2) for rank, letter in enumerate(self.letters)}
        return {**{each.upper(): score for each, score in found.items() if len(each.upper()) == 1}, **found}


LANGUAGES = (  # by how often their names are met in encodings of one byte
    Language("äüößé", "", LATIN_PAGES, "^ß"),
    Language("éèàêçôîâûùïëœæ", "kw", LATIN_PAGES, "^[ëïùèû]|ç[^aou]|œ[^ui]"),
    Language("áóíéñúü", "kw", LATIN_PAGES, "^ü"),
    Language("оеаинтсрвлкмдпуяыьгзбчйхжшюцщэфъё", "", CYRILLIC_PAGES, "^[ыьъ]", False),
    Language("ãçáéíóõêâúàôü", "kwy", (*LATIN_PAGES, "cp860"), "^[çãõü]|ç[^aouãâáóõôú]|ã[^eios]|õ[^es]"),
    Language("àèùòìé", "kwxyj", LATIN_PAGES, "[àèùòìé]."),
    Language("ıüşİçöğâîû", "qwx", ("cp1254", "cp857"), "^[ğâîû]|[eiöüou][^aeıioöuüâîû]*ı"),
    Language("łęóążśćńź", "qvx", CENTRAL_PAGES, "^[ęąń]|rł[^aeiouyąęó]|[śćńź][aeiouyąęó]|^ż[cdfhpst]"),
    Language("äåöé", "qwz", LATIN_PAGES),
    Language("áíěéřčžýšůúóďťňöü", "qwx", CENTRAL_PAGES, "^[ěýůň]|[^dtnbpvfm]ě|ď[befghinprvéíě]"),
    Language("åøæéò", "qwxz", (*LATIN_PAGES[:2], "cp865")),
    Language("áéöőíüóúű", "qwx", CENTRAL_PAGES),
    Language("αοιετσνρκπυλμςηωάγίόδέήθφύχώβξζψϊϋΐΰ", "", ("cp1253", "cp737", "iso8859_7"), "^[ςϊϋΐΰ]|ς.", False),
    Language("оанивіретслкдумпяьзгбйчхцїшжщєюфґ", "", ("cp1251", "koi8_u", "cp1125"), "^ь", False),
    Language("аиоентсрвлкдпмзъгуячбхщцжшйюфь", "", ("cp1251", "cp866", "iso8859_5"), "^ь", False),
    Language("יולהראמתבנשםדחעקפכטןגזסצךץף", "", ("cp1255", "cp862"), "[םןךץף].|[מנכצפ]$", False),
    Language("اليمنورتةبعدسفهكقحجشطصخضذثزأغءظإىئآؤ", "", ("cp1256", "cp720", "iso8859_6"), "^[ةىئؤء]|[ةى].", False),
    Language("ăîâţşé", "kqwy", CENTRAL_PAGES, "^[ăâ]"),
    Language("áíčžéšýúľťôóňďäŕĺ", "qwx", CENTRAL_PAGES, "^[ýňäŕĺ]|ď[befghinprvéíě]"),
    Language("čšžćđ", "qwxy", CENTRAL_PAGES),
    Language(THAI_LETTERS + THAI_MARKS, "", ("cp874",), f"^[{THAI_MARKS}ะ]|[{THAI_LEADING}]$", False),
    Language("ėšžųąįūčę", "qwx", ("cp1257", "cp775"), "^ų"),
    Language("āīēšņūžļķčģ", "qwxy", ("cp1257", "cp775")),
    Language("äõüöšž", "qwxyc", ("cp1257", "cp775", "cp1252")),
    Language("èéàíóòçúïü", "kwy", LATIN_PAGES, "ï$|^[ïü]|ç[eiéíèy]"),
    Language("áíðóöéúæýþ", "cqwz", ("cp1252", "cp861"), "^ð"),
    Language("éèïñëçüöáóíêàâôåäøãúòûæœßîõùì", "", WITH_LOANS, OF_NO_LOAN, usual=OF_OTHERS),
)
ENCODINGS = tuple(dict.fromkeys(each for language in LANGUAGES for each in language.encodings))


def usualness(text: str, encoding: str) -> float:
    """Returns how usual the letters beyond ASCII are on average, in the language of the encoding that suits them."""
    rest, in_place = SIGN_IN_PLACE.subn(" ", text)
    words = [word for word in WORD.findall(rest) if not word.isascii()]
    odd = len(OF_NO_WORD.findall(WORD.sub("", rest)))
    of_signs = IN_PLACE * in_place + ODD * odd + (USUAL - IN_PLACE) * len(APOSTROPHE.findall(text))
    count = in_place + odd + sum(not char.isascii() for word in words for char in word)
    spoken = [(place, each) for place, each in enumerate(LANGUAGES) if encoding in each.encodings]
    best = max((sum(_of_words(words, each)) + of_signs) / max(count, 1) - LESS_SPOKEN * place for place, each in spoken)
    return round(best, 6)


def _of_words(words: Iterable[str], language: Language) -> Iterator[float]:
    for word in words:
        small = word.replace("I", "ı").lower()  # as in Turkish, the one language here to which it makes a difference
        yield -RARE_BESIDE * sum(char in language.rare for char in small)
        yield -OUT_OF_PLACE * len(re.findall(language.never, small))
        before = " "
        for char in word:
            if not char.isascii():
                yield _of_letter(char, before, language)
            elif not language.is_latin:
                yield ODD  # an alphabet of its own, and in the same word letters of ASCII
            elif not before.isascii() and before.islower() and char.isupper():
                yield -OUT_OF_PLACE  # a sign before a capital, read as a small letter
            before = char


def _of_letter(char: str, before: str, language: Language) -> float:
    if before.islower() and char.isupper():
        return FOREIGN
    score = language.scores.get(char, FOREIGN if unicodedata.category(char) in ("Ll", "Lu") else ODD)
    is_beside = not before.isascii() if language.is_latin else before.isupper() and char.isupper()
    return score - IN_A_ROW if is_beside else score
