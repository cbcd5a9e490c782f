"""Judges text of East Asia by how usual its characters are in the encoding that it is read in."""

ENCODINGS = ("cp932", "cp949", "gb18030", "big5", "euc_jp")
USUAL, UNUSUAL, ODD = 1.0, 0.2, -1.0
SYLLABLES = frozenset(  # the usual ones of Korean: any Chinese text makes some of the others
    "이다가는을를에의고하지도로사한기은나라자시그대인어서리정부스일수제전보아구해여있장주조원마상오성과없내비유우연문들세트진"
    "화경면모관동무소용안게만공치신중바생운거통국회실개물계선드양학교타위배반음분같때야더말입월년차영요방적명현산천미작재식강"
    "단심남발별결북두호체추카프늘휴졸업눈밤낮달빛길숲섬축크캡처린샷글림앨범행족꽃봄름겨울혼친집새폴페엄빠파티포토편최종복본건"
    "외캠핑출첫번째얼굴손씨풍임돌잔척할머니버"
)
OF_JAPAN = ("cp932", "euc_jp")
ANY_ROW = range(256)
OF_DAILY_USE = {  # the rows of what is in daily use, and those of what is rare
    "cp932": (range(0xB0, 0xD0), ANY_ROW),
    "euc_jp": (range(0xB0, 0xD0), ANY_ROW),
    "gb18030": (range(0xB0, 0xD8), range(0xD8, 0xF8)),
    "big5": (range(0xA4, 0xC7), ANY_ROW),
}


def usualness(text: str, encoding: str) -> float:
    """Returns how usual the characters beyond ASCII are on average."""
    around = f" {text} "
    scores = [
        _of_char(char, around[place], around[place + 2], encoding)
        for place, char in enumerate(text)
        if not char.isascii()
    ]
    mean = sum(scores) / max(len(scores), 1)
    return round(mean + (_of_hangul_alone(text) if encoding == "cp949" else 0), 6)


def _of_hangul_alone(text: str) -> float:
    """Returns what a text gains by being nothing but Hangul: the more of it, the less likely by chance."""
    found = [char for char in text if not char.isascii()]
    return (
        0.01 * min(len(found), 15) if all("\uac00" <= char <= "\ud7a3" and _row(char, "cp949") for char in found) else 0
    )


def _of_char(char: str, before: str, after: str, encoding: str) -> float:
    """Judges by the rows of the national standards, whose first ones hold what is in daily use."""
    if before.isascii() and (_is_letter(before) or (_is_letter(after) and after.islower())):
        return ODD  # a letter with a diacritic within a word, read as half of an ideograph
    if "\uff61" <= char <= "\uff9f":  # halfwidth: every single byte would be one of these
        return UNUSUAL
    if char == "\N{REPLACEMENT CHARACTER}":
        return 2 * ODD
    if encoding == "cp949":
        return _of_korean(char)
    if "\u3041" <= char <= "\u30fe":  # kana
        return USUAL + 0.1 if encoding in OF_JAPAN else UNUSUAL
    daily, rare = OF_DAILY_USE[encoding]
    row = _row(char, encoding)
    if row in daily:
        return 0.9 if encoding == "euc_jp" else 0.95
    return UNUSUAL if row in rare else ODD / 2


def _of_korean(char: str) -> float:
    if char in SYLLABLES:
        return USUAL
    return 0.7 if 0xB0 <= _row(char, "cp949") <= 0xC8 else ODD / 2


def _row(char: str, encoding: str) -> int:
    """Returns the first byte of the character in the national standard behind the encoding; 0 beyond that."""
    national = {"cp949": "euc_kr", "gb18030": "gb2312", "big5": "big5"}.get(encoding, "euc_jp")
    encoded = char.encode(national, "ignore")
    return encoded[0] if len(encoded) == 2 else 0


def _is_letter(char: str) -> bool:
    return char.isascii() and char.isalpha()
