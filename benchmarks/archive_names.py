"""Reads names in archives in many languages and encodings, alone and ten together, and counts those read correctly.

python -m benchmarks.archive_names [--wrong]
"""

from collections.abc import Iterator, Sequence
from itertools import starmap
from typing import Annotated

import typer

from benchmarks.backends import print_row
from db.sources.archives.names import decoder_of

# Encodings of Windows and of DOS in that language, then names as people give them to photos and folders.
NAMES: dict[str, tuple[tuple[str, ...], str]] = {
    "Arabic": (("cp1256",), "صور|العائلة|رحلة البحر|عيد ميلاد|القطط|زفاف أحمد|المدرسة|القاهرة 2019|شاطئ|مطعم"),
    "Bulgarian": (
        ("cp1251", "cp866"),
        "Снимки|Море 2019|Рожден ден|котка|Пловдив|сватба|Баба и дядо|кучето|залез|Нова година",
    ),
    "Chinese": (("gb18030",), "照片|北京旅游|生日|小猫|毕业典礼|上海|春节|全家福|海边日落|我的相册"),
    "Croatian": (
        ("cp1250", "cp852"),
        "Božić|mačka|more šetnja|Djeca u vrtiću|rođendan|Plitvička jezera|škola|kuća|Čakovec|dječji rođendan",
    ),
    "Czech": (
        ("cp1250", "cp852"),
        "Vánoce|kočka|dovolená|Kůň na louce|Šumava|děti|svatba Říčany|Příroda|západ slunce u řeky|žirafa",
    ),
    "Danish": (
        ("cp1252", "cp850"),
        "sommerhus på Fanø|børn|jul på gården|fødselsdag|Rødby|æblekage|påske|Århus|køkken|blå himmel",
    ),
    "Finnish": (
        ("cp1252", "cp850"),
        "kesämökki|joulu äidillä|järvi|häät|syntymäpäivä|Jyväskylä|lapsi hymyilee päivällä|metsä|kevät|pöytä",
    ),
    "French": (
        ("cp1252", "cp850", "cp437"),
        "été|forêt|Noël|anniversaire de Zoé|À la plage|élèves|château|mariage François|bébé|gâteau",
    ),
    "German": (
        ("cp1252", "cp850", "cp437"),
        "Straße|Müller|Österreich|Frühling|Überraschung|Männer|schöne Grüße|Fußball|Kätzchen|Königssee",
    ),
    "Greek": (
        ("cp1253", "cp737"),
        "φωτογραφίες|θάλασσα|Αθήνα|γάτα|καλοκαίρι 2018|γενέθλια|Πάσχα|γάμος|οικογένεια|ηλιοβασίλεμα",
    ),
    "Hebrew": (("cp1255", "cp862"), "תמונות|ים|חתונה|יום הולדת|ירושלים|חתול|משפחה|טיול 2020|חוף|פורים"),
    "Hungarian": (
        ("cp1250", "cp852"),
        "nyár|esküvő|születésnap|húsvét|Győr|kiscica játszik|őszi erdő|tűzijáték|gyümölcs|köszöntés",
    ),
    "Icelandic": (
        ("cp1252", "cp861"),
        "þorrablót|sumarfrí|Ísafjörður|jól|köttur|fjölskyldan|fæðingardagur|Þingvellir|hestar við ána|brúðkaup",
    ),
    "Italian": (
        ("cp1252", "cp850", "cp437"),
        "città|Università|caffè|papà|lunedì|virtù|perché no|là al mare|Forlì|nonna e bebè",
    ),
    "Japanese": (
        ("cp932", "euc_jp"),
        "写真|東京|さくら|運動会|ねこ|新しいフォルダー|卒業式|京都旅行|スクリーンショット|誕生日",
    ),
    "Korean": (("cp949",), "사진|바다|강아지|가족여행|졸업식|제주도|스크린샷|결혼식|생일파티|벚꽃"),
    "Lithuanian": (
        ("cp1257", "cp775"),
        "jūra|šventė|Kalėdos|gimtadienis pas močiutę|žiema|katė|ežeras|vestuvės Vilniuje|šuo|mokyklos išleistuvės",
    ),
    "Latvian": (
        ("cp1257", "cp775"),
        "jūra|kaķis|Jāņi|dzimšanas diena|Rīga|kāzas|Ziemassvētki|mežs un ezers ziemā|bērni|Līgo vakars",
    ),
    "Norwegian": (
        ("cp1252", "cp850"),
        "påske på hytta|bryllup i Tromsø|sjø|høst|Ålesund|jenter på skøyter|gutt får is|fødselsdag|kjøkken|båttur",
    ),
    "Polish": (
        ("cp1250", "cp852"),
        "zdjęcia|Święta|Łódź|ślub|dzieci nad morzem w Sopocie łódka|urodziny córki|piesek śpi|książka|góry|jesień",
    ),
    "Portuguese": (
        ("cp1252", "cp850", "cp437"),
        "São Paulo|férias|aniversário|praia à tarde|pão|coração|avó|Natal em família|João|crianças",
    ),
    "Romanian": (
        ("cp1250", "cp852"),
        "vacanţă|nuntă|Crăciun|pisică|mare şi soare|grădină|Braşov|copii la şcoală|Paşte|împreună",
    ),
    "Russian": (
        ("cp1251", "cp866", "koi8_r"),
        "Фото|море|кошка|Новый год|день рождения|Москва|Новая папка|свадьба|дача летом|Снимок экрана",
    ),
    "Slovak": (
        ("cp1250", "cp852"),
        "Vianoce doma so psíkom|mačka|leto š|kôň|svadba Ľubka|Košice|deti na lúke|žaba|babička|hrášok",
    ),
    "Spanish": (
        ("cp1252", "cp850", "cp437"),
        "año nuevo|niños|cumpleaños|playa de Cádiz|montaña|José|jardín|camión|Peñíscola|fútbol",
    ),
    "Swedish": (
        ("cp1252", "cp850", "cp437"),
        "sommar på ön|Åre|födelsedag|Malmö|barn i snön|kräftskiva|sjö|bröllop|påsk|älg i skogen",
    ),
    "Thai": (("cp874",), "รูปภาพ|ทะเล|แมว|วันเกิด|กรุงเทพ|งานแต่งงาน|ครอบครัว|เชียงใหม่|วัด|ปีใหม่ 2562"),
    "Traditional Chinese": (("big5",), "照片|台北|生日|小貓|畢業典禮|海邊|全家福|春節|我的相簿|日落"),
    "Turkish": (
        ("cp1254", "cp857"),
        "doğum günü|düğün|çocuklar|İstanbul|kış|fotoğraflar|kedi yavrusu şirin|Ağrı Dağı|bayram sabahı|gökyüzü|Işık",
    ),
    "Ukrainian": (
        ("cp1251", "cp866"),
        "Київ|море влітку|весілля|день народження|кішка|Різдво|діти у школі|Львів|їжак|Нова папка",
    ),
}


def main(wrong: Annotated[bool, typer.Option(help="Prints what came out wrong.")] = False) -> None:
    print_row(["language", "encodings", "one name alone", "all together"])
    print_row(["---", "---", "---", "---"])
    alone_right = alone = together_right = together = 0
    for language, (encodings, text) in NAMES.items():
        cases = list(tried(encodings, text.split("|")))
        single = [each for each in cases if len(each[1]) == 1]
        lists = [each for each in cases if len(each[1]) > 1]
        good, good_lists = sum(starmap(is_right, single)), sum(starmap(is_right, lists))
        row = [language, ", ".join(encodings), f"{good} of {len(single)}", f"{good_lists} of {len(lists)}"]
        print_row(row)
        if wrong:
            for encoding, names in cases:
                if not is_right(encoding, names):
                    print(f"  {encoding}: {', '.join(names)[:60]!r} as {', '.join(_read(encoding, names))[:60]!r}")
        alone, alone_right = alone + len(single), alone_right + good
        together, together_right = together + len(lists), together_right + good_lists
    print_row(["all", "", f"{alone_right} of {alone}", f"{together_right} of {together}"])


def tried(encodings: Sequence[str], names: Sequence[str]) -> Iterator[tuple[str, list[str]]]:
    for encoding in encodings:
        kept = [name for name in names if not name.isascii() and _has(encoding, name)]
        yield from ((encoding, [f"{name}.jpg"]) for name in kept)
        yield encoding, [f"{name}.jpg" for name in kept]


def _has(encoding: str, name: str) -> bool:
    try:
        return name.encode(encoding).decode(encoding) == name
    except UnicodeEncodeError:
        return False


def _read(encoding: str, names: Sequence[str]) -> list[str]:
    raw = [name.encode(encoding) for name in names]
    return [each.name for each in map(decoder_of(raw), raw)]


def is_right(encoding: str, names: Sequence[str]) -> bool:
    return _read(encoding, names) == names


if __name__ == "__main__":
    typer.run(main)
