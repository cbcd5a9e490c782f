"""Checks the paths and addresses of pictures before they are opened, so that no other package has to refuse them."""

import os
import re
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname

from library.errors import LikenessError
from library.validation import check_path

S3_SCHEMES = ("s3", "s3a")
WEB_SCHEMES = ("http", "https")
WITHOUT_NAME = ("file", "local", "memory")  # what follows their scheme is a path, which may be empty
BUCKET = re.compile(r"[A-Za-z0-9._-]{1,255}|arn:[^/]+", re.ASCII)


def checked_place(place: str, refusal: type[LikenessError]) -> str:
    """Returns a path as it is and an address with its scheme in lower case. Raises a `refusal` for what nothing can
    be called."""
    check_path(place, refusal)
    scheme, is_url, rest = place.partition("://")
    if not is_url or not scheme or "/" in scheme:
        return place
    scheme, url = scheme.lower(), f"{scheme.lower()}://{rest}"
    name = rest.partition("/")[0]
    if not name and scheme not in WITHOUT_NAME:
        raise refusal("address_without_name", url=url[:120], scheme=scheme)
    if scheme in S3_SCHEMES and not BUCKET.fullmatch(name):
        raise refusal("bucket_name_impossible", url=url[:120], name=name[:120])
    if scheme in WEB_SCHEMES and not _is_web_address(url):
        raise refusal("web_address_impossible", url=url[:120])
    return url


def path_in(place: str) -> str:
    """Returns the path that an address of the scheme file: or local: names; anything else as it is."""
    if place.lower().startswith("local:///"):
        place = f"file{place[len('local') :]}"
    scheme, colon, rest = place.partition(":")
    if scheme.lower() != "file" or not colon:
        return place
    return url2pathname(f"/{rest[2:].partition('/')[2]}" if rest.startswith("//") else rest)


def as_on_disk(folder: Path, path: str, encoding: str) -> str:
    """Returns a path of a table as its file is called, where only that is there: in slashes, if it was written on
    Windows, or byte by byte as the table has it in its `encoding`, since names need not be UTF-8."""
    if "\\" in path and not os.path.lexists(folder / path):
        slashed = path.replace("\\", "/")
        path = slashed if os.path.lexists(folder / slashed) else path
    if path.isascii() or not encoding or os.path.exists(folder / path):
        return path
    try:
        raw = os.fsdecode(path.encode(encoding))
    except UnicodeEncodeError:
        return path
    return raw if os.path.lexists(folder / raw) else path


def _is_web_address(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return bool(parts.hostname) and " " not in parts.netloc and (parts.port is None or parts.port > 0)
    except ValueError:  # a port or brackets that are none
        return False
