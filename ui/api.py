"""The public endpoints: searching, asking for the status, and adding where EDITS allows it."""

from typing import Any, NamedTuple

import gradio as gr
from gradio import FileData
from gradio.events import api

from library.errors import LikenessError
from library.image_library import ImageLibrary
from library.ingest.receipts import FileReceipt
from library.records import Record
from library.search.query import Query
from library.search.relevance import Relevance
from library.search.request import SearchRequest
from ui.handlers.library import Handlers
from ui.views import Json, relevance_view, status_view

NO_PARTS: list[Json] = []  # what an endpoint is called without
ADDITIONS_AT_ONCE = 4  # a lane of their own: each waits until its run is over


def add_public_api(library: ImageLibrary, handlers: Handlers) -> None:
    """Called inside the page's Blocks."""

    def search(
        text: str = "",
        limit: int = 24,
        nprobe: int | None = None,
        exact: bool = False,
        min_score: float = -1.0,
        image: FileData | None = None,
        where: list[dict[str, Any]] | None = None,
        match: str = "all",
        sort: str = "score",
        offset: int = 0,
        parts: list[dict[str, Any]] = NO_PARTS,
    ) -> list[dict[str, Any]]:
        """Find the pictures that texts describe or that resemble pictures, each with a weight, best first.

        With conditions alone, list the pictures that meet them.

        Args:
            text: what the picture shows, in words
            limit: how many pictures, 1 to 200
            nprobe: how many clusters of the index are searched; leave it out to let the collection choose
            exact: compare with every picture instead of using the index
            min_score: leave out pictures with a lower cosine similarity, -1 to 1
            image: an uploaded picture that the results resemble
            where: conditions, each with a field, an operator (=, !=, <, <=, >, >=, between, one of, starts with) and a
                value, a list for between and one of
            match: all or any of the conditions
            sort: score, name, added (newest first) or size (largest first)
            offset: how many of the first results are left out
            parts: up to 16 of {"text": …}, {"image": an uploaded picture} or {"content_id": …}, each with its "weight"
                if that is not 1, negative for what is to be left out, and pictures with a "crop" if only a part of
                them counts: left, top, width and height as fractions
        Returns:
            one entry per picture: content_id, img_path, name, score where something was searched for, and how far it
            stands out from what queries that mean nothing find: relevance ("stands out", "likely" or "weak"), z and
            percentile, null where nothing can be said
        """
        try:
            asked = SearchRequest.parse(
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
            )
            query = asked.query(handlers.uploaded_bytes)
            return [_entry(each) for each in found(library, query)]
        except LikenessError as error:
            raise gr.Error(str(error), print_exception=False) from None

    def status() -> Json:
        """How many pictures there are, and the state of the model and of the vector index.

        Returns:
            pictures, model and index
        """
        return status_view(library.status())

    def add(files: list[FileData]) -> Json:
        """Take in uploaded files and wait until that is done.

        Args:
            files: one or many uploaded pictures
        Returns:
            how many are new, updated, duplicate, rejected and skipped; files: a receipt for each with its name, status,
            content_id and reason
        """
        try:
            run = handlers.start(files)
        except LikenessError as error:
            raise gr.Error(str(error), print_exception=False) from None
        run.over.wait()
        if run.problem and run.total != len(run.receipts):
            raise gr.Error(run.problem, print_exception=False)
        return Json(run.counts().items()) | {"files": [_receipt(receipt) for receipt in run.receipts]}

    api(search, api_name="search", concurrency_id="search")
    api(status, api_name="status", concurrency_id="status")
    api(add, api_name="add", concurrency_id="add", concurrency_limit=ADDITIONS_AT_ONCE)


class Found(NamedTuple):
    record: Record
    score: float | None = None  # where something was searched for
    relevance: Relevance | None = None


def found(library: ImageLibrary, query: Query) -> list[Found]:
    """What a search finds; where nothing is asked but a filter or an order, what matches."""
    if query.only_lists:
        listing = library.listed(query.where, query.order, query.offset, query.limit)
        return [Found(record) for record in listing.records]
    answer = library.search(query)
    return [Found(hit.record, hit.score, answer.relevance.get(hit.record.content_id)) for hit in answer.hits]


def _entry(found: Found) -> Json:
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
        "name": receipt.path,
        "status": receipt.status,
        "content_id": receipt.content_id,
        "reason": receipt.reason,
    }
