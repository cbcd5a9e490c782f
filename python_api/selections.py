"""Reads which pictures a Python program deletes, and what it wants of near-duplicates."""

from collections.abc import Iterable, Mapping
from typing import get_args

from library.errors import InvalidSelection
from library.images import ContentId, parse_content_id
from library.ingest.selection import SELECTION
from library.ingest.storing import Near
from library.messages import message
from library.messages.arguments import ARGUMENTS
from python_api.hits import Hit
from python_api.trash import TrashedPicture


def ids_of(given: object) -> list[ContentId]:
    """Returns the content ID of each picture, once. Raises InvalidSelection, and InvalidContentId for a text."""
    if isinstance(given, str | Hit | TrashedPicture):
        return [_id("pictures", given)]
    if not isinstance(given, Iterable) or isinstance(given, Mapping | bytes):
        raise SELECTION.impossible("pictures", given, message("allowed_hits"))
    return list(dict.fromkeys(_id(f"pictures[{place}]", each) for place, each in enumerate(given)))


def folder_of(given: object) -> str:
    """Returns the path of a folder. Raises InvalidArgument."""
    return ARGUMENTS.path("folder", given, message("allowed_path"))


def near_of(given: object, dry_run: bool) -> Near:
    """Returns what to do with near-duplicates. Raises InvalidSelection, also for anything but "take" in a dry run."""
    near: Near = ARGUMENTS.choice("near_duplicates", given, get_args(Near))
    if dry_run and near != "take":
        raise InvalidSelection("near_duplicates_with_dry_run", near=f"near_duplicates={near!r}", dry_run="dry_run=True")
    return near


def _id(name: str, given: object) -> ContentId:
    if isinstance(given, Hit | TrashedPicture):
        return given.content_id
    if isinstance(given, str):
        return parse_content_id(given)
    raise SELECTION.impossible(name, given, message("allowed_hits"))
