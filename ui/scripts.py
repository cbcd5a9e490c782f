"""Serves the page's scripts and words under an address that changes with their content, and makes Gradio run them."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from library.errors import InvalidQuery
from ui.bundle import joined
from ui.languages import tables, words_element
from ui.sentences import sentence_for

FOLDER = Path(__file__).parent / "assets" / "js"
PREFIX = "gradio_api/scripts"  # other paths do not reach Python where Gradio renders on the server
ENTRY = "main.js"
BUNDLE = "page.js"
WORDS = "words"
SAFE = {"X-Content-Type-Options": "nosniff", "Cross-Origin-Resource-Policy": "same-origin"}
# An address names the same bytes for ever; a page of another release is given what there is now, and asks again.
FOREVER = {"Cache-Control": "private, max-age=31536000, immutable"}
ASK_AGAIN = {"Cache-Control": "private, no-cache"}


class Scripts:
    """Reads the modules once, joins them, and tells where the page finds the result and its words."""

    def __init__(self, folder: Path = FOLDER) -> None:
        modules = {path.relative_to(folder).as_posix(): path.read_text("utf-8") for path in folder.rglob("*.js")}
        spoken = tables()
        self._words = {language: f"{WORDS}/{language}.json" for language in spoken}
        words = {self._words[language]: json.dumps(table, ensure_ascii=False) for language, table in spoken.items()}
        files = {**modules, **words, BUNDLE: joined(modules, ENTRY)}
        self._files = {name: text.encode() for name, text in sorted(files.items())}
        self._version = _digest(self._files)

    def head(self) -> str:
        """Returns elements for the head of the document: where the words lie, the English ones at once, the script."""
        words = {language: self._url(name) for language, name in self._words.items()}
        english = f'<link rel="preload" as="fetch" crossorigin="anonymous" href="{escape(words["en"])}">'
        script = f'<script type="module" src="{escape(self._url(BUNDLE))}"></script>'
        return "\n".join([words_element(words), english, script])

    def start(self) -> str:
        """Returns the function that Gradio calls once it has drawn the page."""
        return f"() => {self._import()}.then(({{ startPage }}) => startPage())"

    def mount(self, component: str, events: Sequence[str] = ()) -> str:
        """Returns the code that Gradio runs for one component of the page; it finds the events' names in there."""
        hooks = "{ element, props, trigger, upload, watch }"
        return f'{self._import()}.then(({{ mount }}) => mount("{component}", {json.dumps(events)}, {hooks}))'

    def routes(self) -> list[Route]:
        async def script(request: Request) -> Response:  # nothing here waits: a thread would cost more than it does
            name = request.path_params["name"]
            data = self._files.get(name)
            if data is None:
                sentence = sentence_for(InvalidQuery("nothing_here"), request.scope)
                return PlainTextResponse(sentence, 404, headers={**SAFE, "Cache-Control": "no-store"})
            caching = FOREVER if request.path_params["version"] == self._version else ASK_AGAIN
            media_type = "application/json" if name.endswith(".json") else "text/javascript"
            return Response(data, media_type=media_type, headers={**caching, **SAFE})

        return [Route(f"/{PREFIX}/{{version}}/{{name:path}}", script, methods=["GET"])]

    def _import(self) -> str:
        # The code is compiled by Gradio's own scripts, and an address is relative to those unless it says otherwise.
        return f'import(new URL("{self._url(BUNDLE)}", document.baseURI).href)'

    def _url(self, name: str) -> str:
        """Returns an address relative to the page, which may lie below a path of its own."""
        return f"{PREFIX}/{self._version}/{name}"


def _digest(files: Mapping[str, bytes]) -> str:
    digest = hashlib.sha256()
    for name, data in files.items():
        digest.update(f"{name}\0{len(data)}\0".encode())
        digest.update(data)
    return digest.hexdigest()[:16]
