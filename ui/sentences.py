"""Renders the library's messages for visitors: in their language, and without the folders of the server."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import PurePath
from typing import Any

from starlette.datastructures import Headers
from starlette.types import Scope

from library.errors import LikenessError
from library.messages import ENGLISH, Message, Sentence, Value, languages, render
from library.texts import encodable


def for_page(value: Any) -> Any:
    """Returns plain values in which each sentence is replaced by its code and values, which the page renders."""
    if isinstance(value, Sentence) and value.message:
        return for_page(value.message.as_json()) | {"text": encodable(value)}
    if isinstance(value, str):
        return encodable(value)
    if isinstance(value, Mapping):
        return {key: for_page(each) for key, each in value.items()}
    return [for_page(each) for each in value] if isinstance(value, list | tuple) else value


def told(problem: Message | None) -> str | None:
    """Returns what a problem says, which `for_page` gives the page with its code and values; None where is none."""
    return render(problem) if problem else None


def in_language(error: LikenessError, language: str | None) -> str:
    """Returns what an error says in a language, in English where there is no table of it."""
    return render(error.message, known_language(language))


def known_language(tag: str | None) -> str:
    """Returns the tag of a language if there is a table of it, else that of English."""
    return tag if tag in languages() else ENGLISH


def sentence_for(error: LikenessError, scope: Scope) -> str:
    """Returns what an error says in the language that a request prefers."""
    return in_language(error, preferred_language(Headers(scope=scope).get("accept-language", "")))


def preferred_language(accepted: str) -> str:
    """Returns the first of the accepted languages that there is a table of, else English.

    Korean of any country is Korean; the Chinese of Taiwan is read in Hong Kong and Macau too, and not in Beijing.
    """
    known = {tag.lower(): tag for tag in languages()}
    for each in accepted.lower().split(","):
        tag = each.partition(";")[0].strip()
        if tag.startswith(("zh-hant", "zh-hk", "zh-mo")):
            tag = "zh-tw"
        if found := known.get(tag) or known.get(tag.partition("-")[0]):
            return found
    return ENGLISH


def without_folder(text: str) -> str:
    """Returns the bare name of an absolute path: what lies where on the server is not for visitors."""
    return PurePath(text).name if PurePath(text).is_absolute() else text


def naming_bare(message: Message, path: str) -> Message:
    """Returns a message in which each value that is the path is replaced by its bare name."""

    def bare(value: Value) -> Value:
        if isinstance(value, Message):
            return naming_bare(value, path)
        return value.replace(path, without_folder(path)) if isinstance(value, str) else value

    return replace(message, values={name: bare(value) for name, value in message.values.items()})
