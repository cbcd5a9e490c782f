"""Reads tables of text in any encoding, with any delimiter and cells of any length."""

import codecs
import gzip
import json
import os

import pytest

from benchmarks.archive_names import NAMES as LANGUAGES
from db.sources.encodings.guess import guess_encoding
from db.sources.tables.items import items_in_table
from db.sources.tables.queries import queries_from
from library.errors import RejectedImage, UnknownSource
from library.ingest.record_limits import check_metadata
from library.records import given

TEXTS = {
    "cp1252": "Élève à l'école française – 80 €",
    "cp1250": "Zażółć gęślą jaźń, piękna łąka",
    "cp1251": "Красная площадь в Москве зимой",
    "cp1253": "Μια όμορφη παραλία στην Ελλάδα",
    "cp932": "赤い風船と青い空、東京の夜景",
    "cp949": "빨간 풍선과 파란 하늘, 서울의 밤 풍경",
    "gb18030": "红色的气球和蓝天，上海的夜景",
    "big5": "紅色的氣球與藍天，台北的夜景",
}


def table(folder, text, encoding="utf-8", name="photos.csv"):
    (folder / name).write_bytes(text.encode(encoding) if isinstance(text, str) else text)
    return folder / name


def metadata(path, **options):
    return [given(item.metadata) for item in items_in_table(path, "filepath", **options)]


@pytest.mark.parametrize("encoding", TEXTS)
def test_the_encoding_of_a_table_is_found_out_and_told(tmp_path, encoding):
    path = table(tmp_path, f'filepath,caption\na.jpg,"{TEXTS[encoding]}"\nb.jpg,x\n', encoding)
    first, second = items_in_table(path, "filepath")
    assert first.metadata["caption"] == TEXTS[encoding]
    assert str(first.note) == f"The table was read as {encoding}; --encoding names another."
    assert second.note is None


def test_three_captions_of_any_language_show_the_encoding_of_windows(tmp_path):
    for encodings, text in LANGUAGES.values():
        captions = [each for each in text.split("|") if not each.isascii()][:3]
        rows = "".join(f"{place}.jpg,{each}\n" for place, each in enumerate(captions))
        path = table(tmp_path, f"filepath,caption\n{rows}", encodings[0])
        assert [each["caption"] for each in metadata(path)] == captions


def test_tables_of_unix_are_read_by_the_letters_of_their_language(tmp_path):
    same = {"cp1250": "iso8859_2", "cp1251": "iso8859_5", "cp1253": "iso8859_7", "cp1256": "iso8859_6"}
    for encodings, text in LANGUAGES.values():
        captions = [each for each in text.split("|") if not each.isascii()][:4]
        if encoding := same.get(encodings[0]):
            raw = "\n".join(captions).encode(encoding)
            assert raw.decode(guess_encoding(raw)) == "\n".join(captions)


@pytest.mark.parametrize(
    ("encoding", "told", "text"),
    [
        ("iso2022_jp", "iso2022_jp", "赤い風船と青い空"),
        ("iso2022_jp_ext", "iso2022_jp_ext", "ｶﾀｶﾅと青い空"),
        ("iso2022_jp_2", "iso2022_jp_2", "丂と空"),
        ("iso2022_kr", "iso2022_kr", "빨간 풍선과 하늘"),
        ("hz", "hz", "红色的气球和蓝天"),
    ],
)
def test_text_between_escapes_is_decoded_and_told(tmp_path, encoding, told, text):
    for rows_before in (0, 20_000):
        rows = "b.jpg,x\n" * rows_before
        path = table(tmp_path, f"filepath,caption\n{rows}a.jpg,{text}\n", encoding)
        items = list(items_in_table(path, "filepath"))
        assert items[-1].metadata["caption"] == text
        assert str(items[0].note) == f"The table was read as {told}; --encoding names another."


def test_what_only_looks_like_escapes_is_left_as_it_is(tmp_path):
    for text in ("~{ab~}", "\x1b[31mred\x1b[0m", "~{home~}"):
        assert metadata(table(tmp_path, f"filepath,caption\na.jpg,{text}\n")) == [{"caption": text}]
    path = table(tmp_path, b"filepath,caption\na.jpg,\x1b$)A\x0eVPND\x0f\n")
    with pytest.raises(UnknownSource, match=r"written in ISO-2022-CN, which is not read here\. Save it as UTF-8"):
        items_in_table(path, "filepath")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-16-be", "utf-32"])
def test_any_number_of_byte_order_marks_is_passed_over(tmp_path, encoding):
    for marks in ("\ufeff", "\ufeff\ufeff", "\ufeff\ufeff\ufeff"):
        path = table(tmp_path, f'{marks}"filepath";caption\na.jpg;é\n', encoding)
        assert metadata(path) == [{"caption": "é"}]
        path = table(tmp_path, f'{marks}{{"filepath": "a.jpg", "caption": "é"}}\n', encoding, "rows.jsonl")
        assert metadata(path) == [{"caption": "é"}]


def test_columns_of_one_name_are_told(tmp_path):
    first, second = items_in_table(
        table(tmp_path, "filepath,tag,filepath, tag\na.jpg,1,b.jpg,2\nc.jpg,1,2,3\n"), "filepath"
    )
    assert (first.path, first.metadata["filepath 2"]) == (str(tmp_path / "a.jpg"), "b.jpg")
    assert str(first.note) == "Columns with the name of another one are kept as filepath 2, tag 2."
    assert second.note is None


WESTERN = (
    "El niño pequeño en la playa|Un corazón y una canción|¿Dónde está el señor?|Año nuevo|¡Feliz cumpleaños!",
    "It’s a café|A naïve “quote”|A fiancée’s résumé|Zoë’s piñata|A façade in São Paulo",
    "Größe: 5 €|Straße naïve|„Schöne“ Grüße aus dem Café|Ein Garçon lächelt",
    "Le château où il était né|L’été à la plage|Une fête « à la française »|Garçon déçu|Noël, cœur et sœur",
    "São João da praia|Não é uma canção|Três irmãos e um avô|Às três da manhã|Ação de graças",
    "La cançó del nen petit|Això és el camí|L’avi Lluís|Què fas?",
    "Een reünie in België|Geïnteresseerde koeien|Ruïne en zeeën",
)


def windows(captions, size):
    """Returns the runs of so many captions that lie together."""
    return [captions[first : first + size] for first in range(len(captions) - size + 1)]


@pytest.mark.parametrize("encoding", ["cp1252", "mac_roman"])
def test_western_captions_are_not_read_as_central_european_or_cyrillic(encoding):
    for language in WESTERN:
        for captions in windows(language.split("|"), 3):
            raw = "\n".join(captions).encode(encoding)
            assert raw.decode(guess_encoding(raw)) == "\n".join(captions)


def test_central_european_captions_are_not_read_as_western():
    for language in (
        "Żółty kot śpi|Gdzie jest ślub?|Koń na łące|„Cześć” – mówi chłopiec|Ćma i ważka",
        "Dítě si hraje|Žlutá kočka spí|Loďka na řece|„Ahoj“ řekl chlapec|Hruď a síť",
        "Őszi erdő tűz után|Üveg víz|Gyönyörű nő|Két férfi",
        "Un copil pe plajă|Pisică şi câine|Fată în rochie roşie",
        "Žuta mačka|Sretna nova godina, čovječe|Đaci u školi|Kuća na brežuljku",
    ):
        for captions in windows(language.split("|"), 3):
            assert guess_encoding("\n".join(captions).encode("cp1250")) == "cp1250"


def test_what_tells_nothing_is_western_european():
    for text in ("filepath,caption\na.jpg,café – €5\nété.jpg,x", "a café", "£5", "don’t\nit’s", "Dog • cat", "Où\xa0?"):
        assert guess_encoding(text.encode("cp1252")) == "cp1252", text


def test_a_table_of_utf8_with_one_damaged_byte_costs_one_row(tmp_path):
    text = "filepath,caption\n" + "a.jpg,Straße\n" * 9
    path = table(tmp_path, text.encode() + b"b.jpg,\xe9\n")
    *good, odd = items_in_table(path, "filepath")
    assert [each.metadata["caption"] for each in good] == ["Straße"] * 9
    assert good[0].note is None
    with pytest.raises(RejectedImage, match="holds bytes that utf-8 does not have"):
        odd.read()


def test_a_damaged_line_of_json_costs_itself_and_no_line_is_read_in_another_encoding(tmp_path):
    plain = b'{"filepath": "a.jpg", "caption": "x"}\n' * 30
    damaged = b'{"filepath": "b.jpg", "caption": "\xb3"}\n'
    sound = '{"filepath": "c.jpg", "caption": "Łódź"}\n'.encode()
    for data in (plain + damaged + sound, plain + damaged, damaged + sound):
        items = list(items_in_table(table(tmp_path, data, name="photos.jsonl"), "filepath"))
        refused = [item for item in items if item.path.startswith("photos.jsonl")]
        with pytest.raises(RejectedImage, match="utf-8 does not have"):
            refused[0].read()
        captions = {item.metadata["caption"] for item in items if item not in refused}
        assert len(refused) == 1 and captions <= {"x", "Łódź"} and not any(item.note for item in items)


def test_json_that_is_another_encoding_throughout_is_read_in_it(tmp_path):
    text = '{"filepath": "a.jpg", "caption": "plain"}\n{"filepath": "b.jpg", "caption": "Élève à l’école"}\n'
    for encoding in ("cp1252", "utf-16", "utf-16-be"):
        path = table(tmp_path, text, encoding, "photos.jsonl")
        assert metadata(path)[1] == {"caption": "Élève à l’école"}


def test_a_damaged_row_of_csv_has_no_row_of_utf8_read_as_something_else(tmp_path):
    path = table(tmp_path, b"filepath,caption\na.jpg,\xb3\nb.jpg,\xc5\x81\xc3\xb3d\xc5\xba\n")
    assert list(items_in_table(path, "filepath"))[1].metadata == {"caption": "Łódź"}


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32"])
@pytest.mark.parametrize("suffix", ["csv", "jsonl"])
def test_unicode_of_every_width_is_read(tmp_path, encoding, suffix):
    lines = "filepath;caption\na.jpg;ペン\n" if suffix == "csv" else '{"filepath": "a.jpg", "caption": "ペン"}\n'
    assert metadata(table(tmp_path, lines, encoding, f"photos.{suffix}")) == [{"caption": "ペン"}]


def test_a_named_encoding_is_taken_and_an_unknown_one_refused(tmp_path):
    path = table(tmp_path, "filepath,caption\na.jpg,é\n", "cp437")
    assert metadata(path, encoding="cp437") == [{"caption": "é"}]
    with pytest.raises(UnknownSource, match="no encoding klingon"):
        metadata(path, encoding="klingon")


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_the_delimiter_is_that_of_the_header(tmp_path, delimiter):
    path = table(tmp_path, delimiter.join(["filepath", "a", '"b,c;d"']) + "\n" + delimiter.join(["x.jpg", "1", "2"]))
    assert metadata(path) == [{"a": 1, "b,c;d": 2}]


def test_a_byte_that_is_no_utf_8_far_down_is_seen(tmp_path):
    rows = "".join(f"{number}.jpg,plain\n" for number in range(30_000))
    path = table(tmp_path, f"filepath,caption\n{rows}last.jpg,café à la crème\n", "cp1252")
    assert metadata(path)[-1] == {"caption": "café à la crème"}


def test_numbers_are_those_that_are_written_as_they_are_read_back(tmp_path):
    columns = {
        "id": ("1234567890123456789", "1"),
        "price": ("1.10", "2.5"),
        "power": ("1E5", "1"),
        "code": ("007", "8"),
        "stars": ("5", "-3"),
        "rating": ("4.5", "3"),
    }
    lines = [
        ",".join(["filepath", *columns]),
        *(",".join(["a.jpg", *row]) for row in zip(*columns.values(), strict=True)),
    ]
    first, second = metadata(table(tmp_path, "\n".join(lines)))
    assert first == {
        "id": "1234567890123456789",
        "price": "1.10",
        "power": "1E5",
        "code": "007",
        "stars": 5,
        "rating": 4.5,
    }
    assert (second["stars"], second["rating"], second["id"]) == (-3, 3.0, "1")


def test_a_space_after_each_comma_belongs_to_no_cell(tmp_path):
    path = table(tmp_path, 'filepath, caption, n\na.jpg, "hi, there", 5\n b.jpg, x, \n')
    assert metadata(path) == [{"caption": "hi, there", "n": 5}, {"caption": "x"}]


def test_a_path_of_windows_and_one_that_is_none(tmp_path):
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "a.jpg").write_bytes(b"a")
    items = list(items_in_table(table(tmp_path, "filepath\n.\\sub\\a.jpg\nno\\a.jpg\n"), "filepath"))
    assert [item.name for item in items] == ["a.jpg", "no\\a.jpg"] and items[0].read() == b"a"
    [item] = items_in_table(table(tmp_path, '{"filepath": true}', name="a.jsonl"), "filepath")
    with pytest.raises(Exception, match="filepath holds true, where the path or address"):
        item.read()


def test_columns_without_a_name_or_of_one_name_are_told_apart(tmp_path):
    path = table(tmp_path, ",filepath,tag,tag\n0,a.jpg,x,y\n")
    assert metadata(path) == [{"column 1": 0, "tag": "x", "tag 2": "y"}]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "is empty"),
        ("filepath,caption\n", "a header and no rows"),
        ("\n\n", "is empty"),
        (codecs.BOM_UTF8, "empty"),
    ],
)
def test_a_table_without_rows_says_so(tmp_path, text, said):
    with pytest.raises(UnknownSource, match=said):
        items_in_table(table(tmp_path, text), "filepath")


def test_the_one_line_of_a_table_is_told_as_its_header(tmp_path):
    said = r"its first line, a red ball, is read as the names of the columns\..*--text-column"
    with pytest.raises(UnknownSource, match=said):
        queries_from(str(table(tmp_path, "a red ball\n", name="q.csv")))


def test_a_cell_may_have_any_length(tmp_path):
    path = table(tmp_path, f"filepath,caption\na.jpg,{'x' * 300_000}\nb.jpg,y\n")
    assert [len(each["caption"]) for each in metadata(path)] == [300_000, 1]


def test_a_quote_that_nothing_closes_hides_no_other_row(tmp_path):
    text = 'filepath,caption\na.jpg,"two\nlines"\nb.jpg,"not closed\nc.jpg,x\nd.jpg,y\n'
    captions = [each["caption"] for each in metadata(table(tmp_path, text))]
    assert captions == ["two\nlines", "not closed", "x", "y"]


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_an_open_quote_that_a_later_row_closes_hides_no_row_between(tmp_path, delimiter):
    header, *plain = ["filepath,caption,n", "0,x,1", "2,y,3", "4,w,5"]
    read = [["0", "x"], ["1", "open"], ["2", "y"], ["3", "z"], ["4", "w"]]
    for closing in ('3,"z"', '3,"z",7', '3,"z",'):
        lines = [header, plain[0], '1,"open', plain[1], closing, plain[2]]
        path = table(tmp_path, "\n".join(lines).replace(",", delimiter) + "\n")
        assert [[item.name, item.metadata["caption"]] for item in items_in_table(path, "filepath")] == read


def test_cells_of_many_lines_are_told_from_open_quotes(tmp_path):
    kept = ["one\ntwo", "one\r\n\r\ntwo", 'a "b"\n""', "a, b\nc, d", ", \n,"]
    for delimiter in (",", ";", "\t", "|"):
        cells = [text.replace(",", delimiter).replace('"', '""') for text in kept]
        rows = [f'{number}.jpg{delimiter}"{cell}"{delimiter}x' for number, cell in enumerate(cells)]
        text = "\n".join([delimiter.join(["filepath", "caption", "n"]), *rows, f'9.jpg{delimiter}"short\nrow"'])
        found = [each["caption"] for each in metadata(table(tmp_path, text))]
        assert found == [*(each.replace(",", delimiter) for each in kept), "short\nrow"]


def test_a_quote_too_many_that_swallows_rows_is_told_by_its_lines(tmp_path):
    swallowed = 'filepath,caption\na.jpg,x\nb.jpg,"open\nc.jpg,y\nd.jpg,z"\n'
    first, *others = items_in_table(table(tmp_path, f"sep=,\n{swallowed}"), "filepath")
    assert "1 row has line breaks within quotes, in lines 4 to 6," in str(first.note)
    assert [item.note for item in others] == [None]
    beside_another = 'filepath,caption,n\na.jpg,"Paris, France","open\nb.jpg,y,2\nc.jpg,z,3"\n'
    [item] = items_in_table(table(tmp_path, beside_another), "filepath")
    assert "in lines 2 to 4," in str(item.note)
    [query, *_] = queries_from(str(table(tmp_path, swallowed.replace("a.jpg,x\n", ""))), "caption").queries
    assert "in lines 2 to 4," in str(query.note)


def test_cells_of_many_lines_make_no_note(tmp_path):
    rows = ['a.jpg,"Dear all, hello\nworld, and all"', 'b.jpg,"one\n\ntwo"', 'c.jpg,"x, y\n1,2,3"']
    assert next(items_in_table(table(tmp_path, "\n".join(["filepath,caption", *rows])), "filepath")).note is None
    first = ['"hello\nworld",a.jpg', '"a, b\nc, d",b.jpg']
    assert next(items_in_table(table(tmp_path, "\n".join(["caption,filepath", *first])), "filepath")).note is None


def test_quotes_that_open_in_each_row_are_read_in_one_go(tmp_path):
    text = "filepath,caption\n" + 'k",",x\n' * 1_000
    assert len(list(items_in_table(table(tmp_path, text), "filepath"))) == 1_000


def test_a_row_that_cannot_be_read_hides_no_other(tmp_path):
    lines = ['{"filepath": "a.jpg"}', "{half", "[" * 100_000, "7", '{"filepath": "b.jpg", "n": 1}']
    items = list(items_in_table(table(tmp_path, "\n".join(lines), name="photos.jsonl"), "filepath"))
    assert [item.name for item in items] == ["a.jpg", "unnamed", "unnamed", "unnamed", "b.jpg"]
    assert [given(item.metadata) for item in items if item.name != "unnamed"] == [{}, {"n": 1}]
    for item, said in zip(items[1:4], ["no JSON", "nested too deep", "no object"], strict=True):
        with pytest.raises(Exception, match=said):
            item.read()


def test_a_line_without_the_column_or_nested_too_deep_hides_no_other(tmp_path, library, picture):
    (tmp_path / "a.png").write_bytes(picture("red"))
    (tmp_path / "b.png").write_bytes(picture("blue"))
    deep = "[" * 40 + "]" * 40
    lines = ['{"filepath": "a.png"}', '{"caption": "x"}', f'{{"filepath": "b.png", "deep": {deep}}}']
    items = list(items_in_table(table(tmp_path, "\n".join(lines), name="photos.jsonl"), "filepath"))
    receipts = list(library.add(items))
    assert [receipt.status for receipt in receipts] == ["new", "skipped", "rejected"]
    assert "deep is nested more than 32 levels" in str(receipts[2].reason)


def test_a_row_with_more_cells_than_the_header_is_refused(tmp_path):
    items = list(items_in_table(table(tmp_path, "filepath,caption\na.jpg,x,y\nb.jpg,z,,\n"), "filepath"))
    with pytest.raises(Exception, match="3 cells where the header has 2"):
        items[0].read()
    assert given(items[1].metadata) == {"caption": "z"}


def test_bytes_that_are_nothing_are_western():
    assert guess_encoding(b"\xe9") == "cp1252"


def test_a_row_that_the_named_encoding_does_not_have_is_rejected_alone(tmp_path, library, picture):
    for name in ("a.png", "b.png"):
        (tmp_path / name).write_bytes(picture("red" if name == "a.png" else "blue"))
    path = table(tmp_path, b"filepath,caption\na.png,caf\xe9\nb.png,tea\n")
    receipts = list(library.add(items_in_table(path, "filepath", "utf-8")))
    assert [receipt.status for receipt in receipts] == ["rejected", "new"]
    assert "The row holds bytes that utf-8 does not have" in str(receipts[0].reason)


def test_the_encoding_is_told_whatever_became_of_the_first_row(tmp_path, library, picture):
    (tmp_path / "a.png").write_bytes(picture("red"))
    path = table(tmp_path, "filepath,caption\na.png,café\n", "cp1252")
    receipts = [*library.add(items_in_table(path, "filepath")), *library.add(items_in_table(path, "filepath"))]
    assert [receipt.status for receipt in receipts] == ["new", "duplicate"]
    assert all("The table was read as cp1252" in str(receipt.reason) for receipt in receipts)


def test_a_number_of_thousands_of_digits_is_refused_with_its_field(tmp_path):
    [item] = items_in_table(
        table(tmp_path, '{"filepath": "a.png", "n": %s}' % ("9" * 5_000), name="a.jsonl"), "filepath"
    )
    with pytest.raises(RejectedImage, match="field n holds a whole number of more than 64 bits"):
        check_metadata(item.metadata)


def test_json_under_the_name_of_another_table_says_what_it_is(tmp_path):
    one, rows = '{"filepath": "a.png"}', [{"filepath": "a.png"}, {"filepath": "b.png"}]
    for text in (f"{one}\n{one}\n", json.dumps(rows), json.dumps(rows, indent=1), json.dumps(rows[0], indent=1)):
        with pytest.raises(UnknownSource, match=r"photos.csv holds JSON, not cells. If it has an object on each line"):
            metadata(table(tmp_path, text))
        if not text.startswith(f"{one}\n"):
            with pytest.raises(UnknownSource, match=r"a.jsonl is one JSON value over many lines or a list"):
                metadata(table(tmp_path, text, name="a.jsonl"))
    lines = "[\n" + ",\n".join(map(json.dumps, rows)) + "\n]"
    with pytest.raises(UnknownSource, match=r"a.jsonl is one JSON value"):
        metadata(table(tmp_path, lines, name="a.jsonl"))


def test_a_pipe_as_a_table_is_named(tmp_path):
    os.mkfifo(tmp_path / "rows")
    with pytest.raises(UnknownSource, match="rows is a pipe, a socket or a device, which cannot be read as a table"):
        metadata(tmp_path / "rows")


def test_a_number_beyond_every_number_is_its_rows_fault_and_nan_an_empty_cell(tmp_path, library, picture):
    for name in ("a.png", "b.png"):
        (tmp_path / name).write_bytes(picture("red" if name == "a.png" else "blue"))
    path = table(tmp_path, '{"filepath": "a.png", "n": 1e999}\n{"filepath": "b.png", "n": NaN}\n', name="a.jsonl")
    receipts = list(library.add(items_in_table(path, "filepath")))
    assert [receipt.status for receipt in receipts] == ["rejected", "new"]
    assert "not finite" in str(receipts[0].reason)


def test_a_first_line_that_names_the_delimiter_is_no_header(tmp_path):
    assert metadata(table(tmp_path, 'sep=;\r\nfilepath;a\r\na.jpg;"1;2"\r\n')) == [{"a": "1;2"}]


def test_a_header_that_begins_like_an_archive_is_a_header(tmp_path):
    assert metadata(table(tmp_path, "BZh,filepath\n1,a.jpg\n")) == [{"BZh": 1}]


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (gzip.compress(b"filepath\na.jpg\n", mtime=0), r"photos.csv is a packed file \(gz\), not a table. Unpack it"),
        (b"\n \n\n", "photos.csv is empty"),
        (b"filepath,a\n\n", "photos.csv has a header and no rows"),
    ],
)
def test_what_holds_no_rows_says_why(tmp_path, data, reason):
    with pytest.raises(UnknownSource, match=reason):
        metadata(table(tmp_path, data))
