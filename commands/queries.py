"""Reads what the search command is given as the parts of a request: files, and weights behind a caret."""

import re
from collections.abc import Sequence
from pathlib import Path

from commands.terminal import placed
from library.search.parts import Crop, TextPart, clean_text, parse_library_part, parse_weighted
from library.search.request import PartRequest
from library.texts import as_typed

CROPPED = re.compile(r"(.+)#((?:[^,#]*,){3}[^,#]*)", flags=re.DOTALL)


def parts_given(
    text: str | None = None,
    texts: Sequence[str] | None = None,
    images: Sequence[str] | None = None,
    likes: Sequence[str] | None = None,
) -> tuple[PartRequest, ...]:
    """Returns the parts of the request. `text` is taken as it is; the others may end in ^weight, pictures in
    #left,top,width,height before it.

    Raises InvalidQuery or InvalidContentId.
    """
    text = as_typed(text or "")
    words = [PartRequest(text)] if clean_text(text) else []
    return (*words, *map(_text, map(as_typed, texts or ())), *map(_image, images or ()), *map(_like, likes or ()))


def _text(given: str) -> PartRequest:
    part = TextPart(*parse_weighted(given))
    return PartRequest(part.text, weight=part.weight)


def _image(given: str) -> PartRequest:
    path, weight = parse_weighted(given)
    cropped = CROPPED.fullmatch(path)
    name, crop = (cropped[1], Crop.parse(cropped[2])) if cropped else (path, None)
    return PartRequest(image=placed(name), weight=weight, crop=crop, name=Path(name).name)


def _like(given: str) -> PartRequest:
    part = parse_library_part(given)
    return PartRequest(content_id=part.id, weight=part.weight, crop=part.crop)
