"""Checks what the library has to say: rendered from tables, in every language, named by its code where it is raised."""

import ast
import copy
import errno
import json
import pickle
import re

import pytest

import library.errors
from library.errors import InvalidQuery, LikenessError, ModelUnavailable
from library.messages import Message, Sentence, languages, message, render, table
from library.messages.reasons import reason_of
from testing.app_server import ROOT

# Folders and files whose errors are raised by code.
CONVERTED: tuple[str, ...] = (
    "app.py",
    "commands",
    "db",
    "encoders",
    "library",
    "python_api",
    "server.py",
    "ui",
)
MECHANISM = {ROOT / "library/errors.py", ROOT / "library/messages/__init__.py"}


def sentences(language):
    """Returns sentences by code, without the forms for numbers."""
    return {re.sub(r"\.(one|other)$", "", code): text for code, text in table(language).items()}


def raised():
    """Yields every LikenessError that the converted code makes, as a path, a line and its first argument."""
    kinds = {name for name, kind in vars(library.errors).items() if isinstance(kind, type)}
    kinds |= {"message", "Message"}
    paths = [path for place in CONVERTED for path in ([ROOT / place] if "." in place else (ROOT / place).rglob("*.py"))]
    for path in {*paths} - MECHANISM:
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in kinds and node.args:
                yield path, node.lineno, node.args[0], {keyword.arg for keyword in node.keywords}


def test_an_error_is_the_sentence_of_its_code_with_its_values():
    error = InvalidQuery("too_many_parts", parts=17, most=16)
    assert str(error) == "The query has 17 parts: 16 are possible."
    assert error.message == Message("too_many_parts", {"parts": 17, "most": 16})


def test_an_error_within_a_message_is_rendered_in_the_same_language():
    outer = LikenessError("not_tried", problem=ModelUnavailable("gone"))
    assert str(outer) == "Not tried. This picture is no longer in the library."
    assert render(outer.message, "ko") == table("ko")["not_tried"].replace("{problem}", table("ko")["gone"])
    assert outer.message.as_json() == {"code": "not_tried", "values": {"problem": {"code": "gone", "values": {}}}}


def test_large_numbers_are_grouped():
    assert str(message("too_deep", most=16_384)).startswith("Only the best 16,384 results")


def test_a_number_beyond_every_other_and_half_of_an_emoji_are_written_all_the_same():
    assert "best ≈10^5000 results" in str(message("too_deep", most=10**5_000))
    assert "-1.00000001" in str(message("min_score_out_of_range", min_score=-1.00000001))
    str(message("gone")).encode()
    str(message("no_such_place", source="caf\udce9 \ud83d")).encode()


def test_what_somebody_wrote_is_shown_by_its_beginning_and_its_end():
    long = message("no_such_place", source=f"begin{'x' * 100_000}end")
    for told in (str(long), str(Message.parse(long.as_json()))):
        assert "beginx" in told and "xend." in told and len(told) < 600


def test_what_a_value_says_is_never_read_as_a_placeholder_of_its_own():
    assert (
        str(message("kept_instead", name="{name} {uri}")) == "A near-duplicate of {name} {uri}, which was kept instead."
    )


def test_a_language_without_a_table_reads_english():
    assert render(message("gone"), "fr") == render(message("gone"))


@pytest.mark.parametrize("language", languages())
def test_every_language_says_the_same_with_the_same_values(language):
    english, theirs = sentences("en"), sentences(language)
    assert theirs.keys() == english.keys()
    for code, text in theirs.items():
        assert text.strip() and set(re.findall(r"{\w+}", text)) == set(re.findall(r"{\w+}", english[code])), code


def test_every_error_that_is_raised_names_a_sentence_and_fills_its_placeholders():
    english = sentences("en")
    for path, line, code, given in raised():
        assert isinstance(code, ast.Constant), f"{path}:{line} names no code"
        assert code.value in english, f"{path}:{line}: {code.value}"
        assert set(re.findall(r"{(\w+)}", english[code.value])) <= given | ({"count"} & given), f"{path}:{line}"


def test_a_rendered_sentence_keeps_its_message_also_as_a_copy():
    sentence = str(InvalidQuery("too_many_parts", parts=17, most=16))
    assert isinstance(sentence, Sentence)
    for each in (sentence, copy.deepcopy(sentence), pickle.loads(pickle.dumps(sentence))):
        assert (each, each.message.code) == ("The query has 17 parts: 16 are possible.", "too_many_parts")


def test_a_message_comes_back_from_its_json():
    outer = LikenessError("not_tried", problem=ModelUnavailable("gone")).message
    assert Message.parse(json.loads(json.dumps(outer.as_json()))) == outer


@pytest.mark.parametrize("value", [None, "gone", 3, [], {}, {"code": 3}])
def test_what_is_no_message_is_read_as_none(value):
    assert Message.parse(value) is None


def test_a_damaged_value_of_a_message_is_left_out():
    assert Message.parse({"code": "gone", "values": {"a": [1], "b": {}, "c": 2}}) == Message("gone", {"c": 2})
    assert Message.parse({"code": "gone", "values": 3}) == Message("gone", {})


def test_a_reason_of_our_own_is_read_in_the_readers_language():
    error = InvalidQuery("file_unreadable", problem=reason_of(OSError(errno.EBUSY, Message("system_file_changes"))))
    assert "it changes while it is read" in str(error)
    assert table("ko")["system_file_changes"] in render(error.message, "ko")
