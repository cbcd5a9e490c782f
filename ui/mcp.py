"""Defines what agents can do over MCP: search, and get the status. Adding needs files, which agents can hardly send."""

import asyncio
import base64
import binascii
import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any, NoReturn

import gradio as gr
from gradio.events import api
from gradio.route_utils import get_root_url
from gradio.routes import App
from starlette.concurrency import run_in_threadpool

from library.errors import UNEXPECTED, InvalidQuery, LikenessError
from library.image_library import ImageLibrary
from library.images import parse_content_id
from library.search.query import SHORT_LIMIT
from library.search.request import PartRequest, SearchRequest
from ui.endpoints import NO_PARTS, SEARCH_ARGUMENTS, WEIGHTS, FoundPicture, described, find_pictures
from ui.guarded import guarded
from ui.media import PREFIX
from ui.uploaded_files import room_for
from ui.views import Json, status_view

ENDPOINTS = {"search_pictures": "/mcp_search", "library_status": "/mcp_status"}
SEARCHES_AT_ONCE = 4
CONTENT_ID = re.compile("[0-9a-f]{64}")


class ToolError(gr.Error):
    """Tells an agent in one sentence what went wrong."""

    def __init__(self, message: str) -> None:
        super().__init__(message, print_exception=False)

    def __str__(self) -> str:
        return str(self.message)


def add_tools(page: gr.Blocks, library: ImageLibrary) -> None:
    """Adds the tools to the page, inside its Blocks; `offered_from_the_start` has to be the lifespan of its app."""
    tools = Tools(page, library)
    # Gradio would call queued endpoints over HTTP, as a visitor who has not signed in.
    api(tools.search_pictures, api_name="mcp_search", queue=False, api_visibility="undocumented")
    api(tools.library_status, api_name="mcp_status", queue=False, api_visibility="undocumented")


class Tools:
    """Answers the calls of agents."""

    def __init__(self, page: gr.Blocks, library: ImageLibrary) -> None:
        self._page = page
        self._library = library
        self._turns = asyncio.Semaphore(SEARCHES_AT_ONCE)  # whoever waits for a turn holds no thread

    @described(
        "Find the pictures of this library that texts describe or that resemble pictures, best first."
        " With conditions alone, list the pictures that meet them.",
        "JSON, one entry per picture: rank, score, name, content_id, and the URLs of its thumbnail and original",
        SEARCH_ARGUMENTS
        | {
            "image": "a picture that the results resemble: the content_id of one in the library, or a data: URI in"
            " base64",
            "parts": f'more to look for, up to 16 in all: {{"text": …}} or {{"image": …}}, {WEIGHTS}',
        },
    )
    async def search_pictures(
        self,
        request: gr.Request,
        text: str = "",
        image: str = "",
        limit: int = SHORT_LIMIT,
        min_score: float = -1.0,
        where: list[dict[str, Any]] | None = None,
        match: str = "all",
        sort: str = "score",
        offset: int = 0,
        parts: list[dict[str, Any]] = NO_PARTS,
        nprobe: int | None = None,
        exact: bool = False,
        model: str = "",
    ) -> str:
        def find() -> list[FoundPicture]:
            given = SearchRequest.parse(
                text=text,
                image=image,
                parts=parts,
                limit=limit,
                min_score=min_score,
                where=where,
                match=match,
                sort=sort,
                offset=offset,
                nprobe=nprobe,
                exact=exact,
                model=model,
            )
            known = replace(given, parts=tuple(map(_known, given.parts)))
            with room_for(sum(len(part.image) for part in known.parts)):
                return find_pictures(self._library, known.query(_sent_picture))

        async with self._turns:
            pictures = await run_in_threadpool(guarded, find, _refuse)
        root = _root_url(request, self._page.root_path)
        return _json([_entry(rank, each, root) for rank, each in enumerate(pictures, start=int(offset) + 1)])

    @described(
        "How many pictures the library holds, and the state of the model and of the vector index.",
        "JSON: pictures, model and index",
    )
    def library_status(self) -> str:
        return guarded(lambda: _json(status_view(self._library.status())), _refuse)


@asynccontextmanager
async def offered_from_the_start(app: App) -> AsyncIterator[None]:
    """Offers the tools before the app answers its first request."""
    offer_tools(app.get_blocks())
    yield


def check_started(page: gr.Blocks) -> None:
    """Raises RuntimeError where MCP failed to start."""
    if page.mcp_server_obj is None:
        raise RuntimeError(page.mcp_error or "Gradio started no MCP server.")


def offer_tools(page: gr.Blocks) -> None:
    """Offers these tools and no others: Gradio makes one of every public endpoint."""
    if server := page.mcp_server_obj:
        server.api_info = page.get_api_info(all_endpoints=True)
        server.tool_to_endpoint = dict(ENDPOINTS)
        # The schema describes and does not refuse: without a definition to check against, SearchRequest.parse answers.
        server.mcp_server.__dict__["_get_cached_tool_definition"] = _unchecked


async def _unchecked(name: str) -> None:
    return None


def _refuse(error: Exception) -> NoReturn:
    raise ToolError(str(error) if isinstance(error, LikenessError) else str(UNEXPECTED)) from None


def _known(part: PartRequest) -> PartRequest:
    """Returns the part as one of the library, where its image is a content ID."""
    if not CONTENT_ID.fullmatch(part.image):
        return part
    return replace(part, image="", content_id=parse_content_id(part.image))


def _sent_picture(image: str) -> bytes:
    """Returns the bytes of a data: URI. Fetches nothing: an address could lead to where only this machine may look."""
    head, _, encoded = image.partition(";base64,")
    try:
        if encoded and head.startswith("data:"):
            return base64.b64decode(encoded, validate=True)
    except binascii.Error:
        pass
    raise InvalidQuery("no_image_for_agents")


def _entry(rank: int, found: FoundPicture, root: str) -> Json:
    id = found.record.content_id
    return {
        "rank": rank,
        "score": None if found.score is None else round(found.score, 6),
        "name": found.record.name,
        "content_id": id,
        "thumbnail": f"{root}{PREFIX}/thumb/{id}",
        "original": f"{root}{PREFIX}/original/{id}",
    }


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def _root_url(request: Any, root_path: str | None) -> str:
    return get_root_url(request, request.url.path, root_path)
