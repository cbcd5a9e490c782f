"""Serves the page's scripts, ES modules under an address that changes with their content, and makes Gradio run them."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from ui.languages import words_element

FOLDER = Path(__file__).parent / "assets" / "js"
PREFIX = "gradio_api/scripts"  # other paths do not reach Python where Gradio renders on the server
ENTRY = "main.js"
SAFE = {"X-Content-Type-Options": "nosniff", "Cross-Origin-Resource-Policy": "same-origin"}
# An address names the same bytes for ever; a page of another release is given what there is now, and asks again.
FOREVER = {"Cache-Control": "private, max-age=31536000, immutable"}
ASK_AGAIN = {"Cache-Control": "private, no-cache"}


class Scripts:
    """Reads the modules once and tells where the page finds them."""

    def __init__(self, folder: Path = FOLDER) -> None:
        self._modules = {
            path.relative_to(folder).as_posix(): path.read_bytes() for path in sorted(folder.rglob("*.js"))
        }
        self._version = _digest(self._modules)

    def head(self) -> str:
        """Returns elements for the head of the document: the words, and all modules at once instead of step by step."""
        links = (f'<link rel="modulepreload" href="{escape(self._url(name))}">' for name in self._modules)
        entry = f'<script type="module" src="{escape(self._url(ENTRY))}"></script>'
        return "\n".join([words_element(), *links, entry])

    def start(self) -> str:
        """Returns the function that Gradio calls once it has drawn the page."""
        return f"() => {self._import()}.then(({{ startPage }}) => startPage())"

    def mount(self, component: str, events: Sequence[str] = ()) -> str:
        """Returns the code that Gradio runs for one component of the page; it finds the events' names in there."""
        hooks = "{ element, props, trigger, upload, watch }"
        return f'{self._import()}.then(({{ mount }}) => mount("{component}", {json.dumps(events)}, {hooks}))'

    def routes(self) -> list[Route]:
        async def module(request: Request) -> Response:  # nothing here waits: a thread would cost more than it does
            data = self._modules.get(request.path_params["name"])
            if data is None:
                return PlainTextResponse("There is no such script.", 404, headers={**SAFE, "Cache-Control": "no-store"})
            caching = FOREVER if request.path_params["version"] == self._version else ASK_AGAIN
            return Response(data, media_type="text/javascript", headers={**caching, **SAFE})

        return [Route(f"/{PREFIX}/{{version}}/{{name:path}}", module, methods=["GET"])]

    def _import(self) -> str:
        # The code is compiled by Gradio's own scripts, and an address is relative to those unless it says otherwise.
        return f'import(new URL("{self._url(ENTRY)}", document.baseURI).href)'

    def _url(self, name: str) -> str:
        """Returns an address relative to the page, which may lie below a path of its own."""
        return f"{PREFIX}/{self._version}/{name}"


def _digest(modules: Mapping[str, bytes]) -> str:
    digest = hashlib.sha256()
    for name, data in modules.items():
        digest.update(f"{name}\0{len(data)}\0".encode())
        digest.update(data)
    return digest.hexdigest()[:16]
