"""The public endpoints: searching and asking for the status. Nothing here changes anything."""

from typing import Any

import gradio as gr
from gradio.events import api

from library.errors import LikenessError
from library.image_library import ImageLibrary
from library.search import Query
from ui import checks
from ui.views import Json, status_view


def add_public_api(library: ImageLibrary) -> None:
    """Called inside the page's Blocks."""

    def search(
        text: str, limit: int = 24, nprobe: int | None = None, exact: bool = False, min_score: float = -1.0
    ) -> list[dict[str, Any]]:
        """Find the pictures that a text describes, best first.

        Args:
            text: what the picture shows, in words
            limit: how many pictures, 1 to 200
            nprobe: how many clusters of the index are searched; leave it out to let the collection choose
            exact: compare with every picture instead of using the index
            min_score: leave out pictures with a lower cosine similarity, -1 to 1
        Returns:
            one entry per picture: content_id, img_path, name and score
        """
        try:
            hits = library.search(_query(text, limit, nprobe, exact, min_score)).hits
        except LikenessError as error:
            raise gr.Error(str(error), print_exception=False) from None
        return [
            {
                "content_id": hit.record.content_id,
                "img_path": hit.record.img_path,
                "name": hit.record.name,
                "score": hit.score,
            }
            for hit in hits
        ]

    def status() -> Json:
        """How many pictures there are, and the state of the model and of the vector index.

        Returns:
            pictures, model and index
        """
        return status_view(library.status())

    api(search, api_name="search", concurrency_id="search")
    api(status, api_name="status", concurrency_id="status")


def _query(text: Any, limit: Any, nprobe: Any, exact: Any, min_score: Any) -> Query:
    """A client need not keep to the types that the endpoint asks for."""
    return Query(
        text=checks.text(text),
        limit=checks.whole(limit, "limit"),
        nprobe=None if nprobe is None else checks.whole(nprobe, "nprobe"),
        exact=exact is True,
        min_score=checks.number(min_score, "minimum score"),
    )
