"""Defines the endpoint that says where in a picture a query is found: for programs, and for the page's heat maps."""

from typing import Any

from gradio import FileData
from gradio.events import api

from library.image_library import ImageLibrary
from library.images import parse_content_id
from library.search.heat import Heat
from library.search.heat_maps import PartHeat
from library.search.parts import Crop
from library.search.request import SearchRequest
from ui.endpoints import NO_PARTS, WEIGHTS, answered, described
from ui.uploaded_files import UploadedFiles
from ui.views import Json

MAPS_AT_ONCE = 2  # each takes the cores for a tenth of a second


def add_why_api(library: ImageLibrary, uploaded: UploadedFiles) -> None:
    """Adds the endpoint to the page; to be called inside its Blocks."""
    endpoint = WhyApi(library, uploaded)
    api(endpoint.why, api_name="why", concurrency_id="why", concurrency_limit=MAPS_AT_ONCE)


class WhyApi:
    """Answers why a picture matched, and keeps nothing of who asks."""

    def __init__(self, library: ImageLibrary, uploaded: UploadedFiles) -> None:
        self._library = library
        self._uploaded = uploaded

    @described(
        "Say where in a picture of the library each part of a query is found: a heat map for each text and picture.",
        "one entry per part that has a weight: part, its place among the parts, weight, and found: values, rows of"
        " numbers from 0 to 1 for the patches that the model sees, 1 where the part is found most, and box, what of the"
        " picture they cover: left, top, width and height as fractions; for a picture also own, the same over that"
        " picture, where the found one is; null for a text",
        {
            "content_id": "the picture of the library to look at",
            "text": "what was searched for, in words",
            "image": "an uploaded picture that was searched with",
            "parts": f'up to 16 of {{"text": …}}, {{"image": an uploaded picture}} or {{"content_id": …}}, {WEIGHTS}',
            "model": "one of the models on offer by its name, in place of the one that answers",
        },
    )
    def why(
        self,
        content_id: str,
        text: str = "",
        image: FileData | None = None,
        parts: list[dict[str, Any]] = NO_PARTS,
        model: str = "",
    ) -> list[dict[str, Any]]:
        def look() -> list[Json]:
            id = parse_content_id(content_id)
            asked = SearchRequest.parse(text=text, image=image, parts=parts, model=model)
            places = [place for place, part in enumerate(asked.parts) if part.weight]
            request = asked.without_idle_parts()
            with self._uploaded.held(request.parts):
                maps = self._library.heat_maps.of(id, request.query(self._uploaded.read))
            return [_entry(place, each) for place, each in zip(places, maps, strict=True)]

        return answered(look)


def _entry(place: int, heat: PartHeat) -> Json:
    return {
        "part": place,
        "weight": heat.part.weight,
        "found": _heat(heat.found),
        "own": _heat(heat.own) if heat.own else None,
    }


def _heat(heat: Heat) -> Json:
    return {"values": heat.values.astype(float).round(2).tolist(), "box": _box(heat.box)}


def _box(box: Crop) -> list[float]:
    return [round(each, 4) for each in (box.left, box.top, box.width, box.height)]
