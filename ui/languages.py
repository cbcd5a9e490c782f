"""Reads the page's own words, a table for each language, for Gradio's components and for the scripts."""

import json
from collections.abc import Mapping
from pathlib import Path

import gradio as gr

from library import messages

ELEMENT = "likeness-words"
FOLDER = Path(__file__).parent / "words"
OF_LIBRARY = "said."
OF_PAGE = "form."  # keys of what Gradio's components are given to say
OF_GRADIO = "gradio."  # and of what it says itself, where it lacks the language

SAID = "<span class='lk-said' role='alert'></span>"  # where assets/early.js writes what is wrong with a sign-in

Table = dict[str, str]


def tables() -> dict[str, Table]:
    """Returns the page's words and, under `said.`, the sentences of the library, by BCP 47 tag."""
    return {path.stem: _table(path) for path in sorted(FOLDER.glob("*.json"))}


def translations() -> gr.I18n:
    """Returns the words of Gradio's own controls in every language of the page."""
    return gr.I18n(**{language: _of_gradio(table) for language, table in tables().items()})


def words_element(addresses: Mapping[str, str]) -> str:
    """Returns where each language's table lies, as a block of data for the head of the document."""
    told = json.dumps(dict(addresses)).replace("<", "\\u003c")
    return f'<script type="application/json" id="{ELEMENT}">{told}</script>'


def welcome() -> str:
    """Returns the greeting of the login page, where no script of ours runs: all languages, of which one is shown."""
    there = tables()
    others = "".join(f":not(:lang({language}))" for language in there if language != "en")
    shown = [f":root{others} .lk-welcome [lang=en]"]
    shown += [f":root:lang({language}) .lk-welcome [lang={language}]" for language in there if language != "en"]
    said = ".lk-said { display: block; color: var(--error-text-color, #b91c1c) } .lk-told .creds { display: none }"
    style = f"{said} .lk-welcome > span {{ display: none }} {', '.join(shown)} {{ display: inline }}"
    sentences = (_sentence(language, table["sign_in.welcome"]) for language, table in there.items())
    # The title of the document too: Gradio gives its login page none.
    return f"<title>Likeness</title><style>{style}</style><span class='lk-welcome'>{''.join(sentences)}</span>{SAID}"


def _sentence(language: str, text: str) -> str:
    return f"<span lang='{language}'>{text.format(app='<b>Likeness</b>')}</span>"


def _table(path: Path) -> Table:
    words: Table = json.loads(path.read_text("utf-8"))
    return words | {f"{OF_LIBRARY}{code}": text for code, text in messages.table(path.stem).items()}


def _of_gradio(table: Table) -> Table:
    chosen = {key: text for key, text in table.items() if key.startswith((OF_PAGE, OF_GRADIO))}
    return {key.removeprefix(OF_GRADIO): text for key, text in chosen.items()}
