"""Defines the public endpoints: searching, the status, and adding where EDITS allows it."""

from typing import Any

import gradio as gr
from gradio import FileData
from gradio.events import api

from library.image_library import ImageLibrary
from library.ingest.receipts import FileReceipt
from library.ingest.skips import skipped_by_reason
from library.search.query import DEFAULT_LIMIT
from library.search.request import SearchRequest
from library.texts import encodable
from ui.endpoints import NO_PARTS, SEARCH_ARGUMENTS, WEIGHTS, FoundPicture, answered, described, find_pictures
from ui.handlers.page import PageHandlers
from ui.lanes import SEARCHING
from ui.views import Json, relevance_view, status_view

ADDITIONS_AT_ONCE = 4  # a lane of their own: each waits until its run is over


def add_public_api(library: ImageLibrary, handlers: PageHandlers) -> None:
    """Adds the endpoints to the page; to be called inside its Blocks."""
    endpoints = PublicApi(library, handlers)
    api(endpoints.search, api_name="search", concurrency_id="search", concurrency_limit=SEARCHING["concurrency_limit"])
    api(endpoints.status, api_name="status", concurrency_id="status", concurrency_limit=None)
    api(endpoints.add, api_name="add", concurrency_id="add", concurrency_limit=ADDITIONS_AT_ONCE)


class PublicApi:
    """Answers the calls of programs, which may send anything that JSON can say."""

    def __init__(self, library: ImageLibrary, handlers: PageHandlers) -> None:
        self._library = library
        self._handlers = handlers

    @described(
        "Find the pictures that texts describe or that resemble pictures, each with a weight, best first."
        " With conditions alone, list the pictures that meet them.",
        "one entry per picture: content_id, img_path, name, score where something was searched for, and the confidence"
        ' that it is no chance hit: relevance ("stands out", "likely" or "weak"), z and percentile, null where nothing'
        " can be said",
        SEARCH_ARGUMENTS
        | {
            "image": "an uploaded picture that the results resemble",
            "parts": f'up to 16 of {{"text": …}}, {{"image": an uploaded picture}} or {{"content_id": …}}, {WEIGHTS}',
        },
    )
    def search(
        self,
        text: str = "",
        limit: int = DEFAULT_LIMIT,
        nprobe: int | None = None,
        exact: bool = False,
        min_score: float = -1.0,
        image: FileData | None = None,
        where: list[dict[str, Any]] | None = None,
        match: str = "all",
        sort: str = "score",
        offset: int = 0,
        parts: list[dict[str, Any]] = NO_PARTS,
        model: str = "",
    ) -> list[dict[str, Any]]:
        def find() -> list[FoundPicture]:
            request = SearchRequest.parse(
                text=text,
                image=image,
                parts=parts,
                limit=limit,
                nprobe=nprobe,
                exact=exact,
                min_score=min_score,
                where=where,
                match=match,
                sort=sort,
                offset=offset,
                model=model,
            )
            with self._handlers.uploaded.held(request.parts):
                return find_pictures(self._library, request.query(self._handlers.uploaded.read))

        return [_entry(each) for each in answered(find)]

    @described(
        "How many pictures there are, and the state of the model and of the vector index.",
        "pictures, model and index",
    )
    def status(self) -> Json:
        return status_view(self._library.status())

    @described(
        "Add uploaded files and wait until that is done.",
        "how many are new, updated, duplicate, rejected and skipped; skipped_by_reason: how many for which;"
        " files: a receipt for each with its name, status, content_id and reason",
        {"files": "one or many uploaded pictures"},
    )
    def add(self, files: list[FileData]) -> Json:
        job = answered(lambda: self._handlers.uploads.start(files))
        job.over.wait()
        if job.problem and job.total != len(job.receipts):
            raise gr.Error(str(job.problem), print_exception=False)
        receipts = [_receipt(receipt) for receipt in job.receipts]
        skips = skipped_by_reason(job.receipts)
        return Json(job.counts().items()) | {"skipped_by_reason": skips, "files": receipts}


def _entry(found: FoundPicture) -> Json:
    record = found.record
    return {
        "content_id": record.content_id,
        "img_path": record.img_path,
        "name": record.name,
        "score": found.score,
        **relevance_view(found.relevance),
    }


def _receipt(receipt: FileReceipt) -> Json:
    # `name`, not `path` as on the command line: gradio_client takes whatever has a path for a file to download.
    return {
        "name": encodable(receipt.path),
        "status": receipt.status,
        "content_id": receipt.content_id,
        "reason": str(receipt.reason) if receipt.reason else None,
    }
