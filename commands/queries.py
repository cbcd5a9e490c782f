"""What the search command is given, as the parts of a query: files, and weights behind a caret."""

import re
from collections.abc import Sequence
from pathlib import Path

from library.errors import InvalidQuery
from library.images import check_bytes
from library.search.parts import Crop, Part, PicturePart, TextPart, clean_text, parse_library_part, parse_weighted

CROPPED = re.compile(r"(.+)#((?:[^,#]*,){3}[^,#]*)", flags=re.DOTALL)


def parts_given(
    text: str = "", texts: Sequence[str] = (), images: Sequence[str] = (), likes: Sequence[str] = ()
) -> tuple[Part, ...]:
    """`text` is taken as it is; the others may end in ^weight, pictures in #left,top,width,height before it.

    Raises InvalidQuery or InvalidContentId.
    """
    parts: list[Part] = [TextPart(text)] if clean_text(text) else []
    parts += [TextPart(*parse_weighted(each)) for each in texts]
    parts += [_picture(each) for each in images]
    parts += [parse_library_part(each) for each in likes]
    return tuple(parts)


def _picture(given: str) -> PicturePart:
    path, weight = parse_weighted(given)
    cropped = CROPPED.fullmatch(path)
    name, crop = (cropped[1], Crop.parse(cropped[2])) if cropped else (path, None)
    return PicturePart(_bytes_of(Path(name).expanduser()), weight, crop)


def _bytes_of(image: Path) -> bytes:
    try:
        check_bytes(image.stat().st_size)
        return image.read_bytes()
    except OSError as error:
        raise InvalidQuery(f"{image} cannot be read: {error.strerror}.") from None
