import ast
import re
from typing import get_args

import pytest

from library.errors import LikenessError
from library.search.relevance import Words
from testing.app_server import ROOT
from ui.languages import tables, welcome, words_element
from ui.views import TITLED

UI = ROOT / "ui"
SCRIPTS = sorted((UI / "assets").rglob("*.js"))
SOURCES = [*SCRIPTS, *sorted(UI.rglob("*.py"))]
FORMS = ("zero", "one", "two", "few", "many", "other")  # of which a language has one or more
KEY = r"[a-z_]+(?:\.[A-Za-z_]+)+"
SAME_EVERYWHERE = {"Likeness", "Milvus Lite", "Enter", "Escape", "ArrowLeft", "ArrowRight"}
NO_WORDS = {"nprobe"}


def bare(key):
    head, _, form = key.rpartition(".")
    return head if form in FORMS else key


def placeholders(text):
    return set(re.findall(r"\{(\w*)\}", text))


def text_of(paths):
    return "\n".join(path.read_text("utf-8") for path in paths)


def named_keys():
    return {key for key in re.findall(rf"['\"]({KEY})['\"]", text_of(SOURCES)) if not key.endswith((".js", ".css"))}


def named_families():
    """Returns the keys of which a script chooses one by a value."""
    return set(re.findall(r"(?:phrase|inEnglish)\(`([a-z_.]+\.)\$\{", text_of(SCRIPTS)))


@pytest.fixture(scope="module")
def english():
    return tables()["en"]


def test_there_are_three_languages():
    assert set(tables()) == {"en", "ko", "zh-TW"}


@pytest.mark.parametrize("language", tables())
def test_no_word_is_missing_or_empty_in_any_language(language, english):
    table = tables()[language]
    assert {bare(key) for key in table} == {bare(key) for key in english}
    assert [key for key, text in table.items() if not text.strip()] == []


@pytest.mark.parametrize("language", tables())
def test_a_key_with_forms_has_one_for_all_other_numbers(language):
    table = tables()[language]
    assert [key for key in table if bare(key) != key and f"{bare(key)}.other" not in table] == []


@pytest.mark.parametrize("language", tables())
def test_the_same_values_fill_every_language(language, english):
    expected = {bare(key): placeholders(text) for key, text in english.items() if not key.endswith(".one")}
    for key, text in tables()[language].items():
        assert placeholders(text) <= expected[bare(key)], key
        assert key.endswith(".one") or placeholders(text) == expected[bare(key)], key


def test_every_word_that_is_asked_for_is_there(english):
    keys = {bare(key) for key in english}
    groups = {key.partition(".")[0] for key in keys}
    assert {key for key in named_keys() if key.partition(".")[0] in groups} - keys == set()


def test_no_word_is_there_in_vain(english):
    families = tuple(named_families())
    unused = {bare(key) for key in english if not key.startswith(("said.", "gradio."))} - named_keys()
    assert {key for key in unused if not key.startswith(families)} == set()


def test_every_error_has_its_title_and_every_relevance_its_word(english):
    for kind in (*TITLED, LikenessError):
        assert f"error.{kind.__name__}" in english
    for words in get_args(Words):
        assert f"relevance.{words.replace(' ', '_')}" in english


def test_every_sentence_of_the_library_is_said_somewhere(english):
    rooms = ("library", "db", "encoders", "ui", "commands", "python_api")
    sources = [*ROOT.glob("*.py"), *(path for room in rooms for path in (ROOT / room).rglob("*.py"))]
    nodes = (node for path in sources for node in ast.walk(ast.parse(path.read_text("utf-8"))))
    named = {node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)}
    assert {bare(key).removeprefix("said.") for key in english if key.startswith("said.")} - named == set()


def test_what_gradio_shows_is_named_by_a_key():
    calls = [node for node in ast.walk(ast.parse((UI / "page.py").read_text())) if isinstance(node, ast.Call)]
    shown = [word for call in calls for word in call.keywords if word.arg in ("label", "info", "placeholder")]
    assert len(shown) > 5
    assert {word.value.value for word in shown if isinstance(word.value, ast.Constant)} == NO_WORDS


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.name)
def test_no_script_holds_a_sentence_of_its_own(path):
    lines = [line for line in path.read_text("utf-8").splitlines() if not line.strip().startswith("//")]
    literals = re.findall(r"'([A-Z][a-z]+(?: [^']*)?…?)'|`([A-Z][a-z]+ [^`]*)`", "\n".join(lines))
    assert {one or other for one, other in literals} - SAME_EVERYWHERE == set()


def test_the_words_cannot_end_the_element_that_carries_them():
    assert words_element({"en": "</script>.json"}).count("<") == 2


def test_the_login_page_has_every_language():
    for language in tables():
        assert f"<span lang='{language}'>" in welcome()
