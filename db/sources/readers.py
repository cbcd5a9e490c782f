"""Reads a file wherever it lies: on disk, at a web address, in a bucket, within an archive."""

from collections.abc import Callable
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Any

from db.sources.addresses import checked_place
from db.sources.archives.items import items_in_archive
from db.sources.archives.names import clean_member, ways_to_write
from db.sources.buckets import failure, file_system, read_whole
from db.sources.local_files import ANYWHERE, LocalFiles, read_regular
from library.decoding.archive_kinds import is_archive
from library.errors import RejectedImage
from library.images import check_bytes
from library.messages import message
from library.messages.reasons import reason_of
from library.running.proxies import web_proxy

WEB = ("http://", "https://")
URL_TIMEOUT = 20.0  # seconds
OF_PROXIES = (403, 407, 502, 503, 504)  # what a proxy answers itself


class SourceReader:
    """Reads files by path or URL, with one connection for each kind of bucket. Safe to call from several threads."""

    def __init__(self, files: LocalFiles = ANYWHERE) -> None:
        self._files = files
        self._systems: dict[str, Any] = {}

    def read(self, place: str) -> bytes:
        """Returns the bytes at `place`: a path, a URL, or either of an archive with a path below it.

        Raises OSError, and RejectedImage for what is too large, unreadable or in no known kind of bucket.
        """
        return self._read(checked_place(place, RejectedImage))

    def _read(self, place: str) -> bytes:
        if place.startswith(WEB):
            return fetched(place)
        try:
            return self._object(place) if "://" in place else self._from_disk(Path(place))
        except (FileNotFoundError, NotADirectoryError):
            archive = _archive_around(place)
            if archive is None:
                raise
        return self._member(place, archive)

    def _from_disk(self, path: Path) -> bytes:
        if path.is_dir():
            raise RejectedImage("folder_in_place_of_picture")
        return read_regular(path, files=self._files)

    def _member(self, place: str, archive: str) -> bytes:
        below = clean_member(place[len(archive) :])
        ways = ways_to_write(below)  # its encoding may have been named by the user, and is known here no longer
        for item in items_in_archive(archive, self._opener(archive), sidecars=False, encoding=ways):
            if item.path == f"{archive}/{below}":
                return item.read()
        raise FileNotFoundError(f"{PurePosixPath(archive).name} holds it no longer")

    def _opener(self, archive: str) -> Callable[[], Any]:
        if "://" in archive:
            return partial(self._system(archive).open, archive, "rb")
        return partial(self._files.open, Path(archive))

    def _object(self, url: str) -> bytes:
        files = self._system(url)
        try:
            return read_whole(files, url)
        except RejectedImage:
            raise
        except FileNotFoundError:
            if url.startswith("memory:"):
                raise RejectedImage("memory_without", url=url) from None
            raise
        except Exception as error:  # each kind of bucket has a family of exceptions of its own
            if isinstance(error, OSError) and not isinstance(error, PermissionError):
                raise
            raise failure(RejectedImage, error, message("source_at", url=url)) from error

    def _system(self, url: str) -> Any:
        scheme = url.partition("://")[0]
        if scheme not in self._systems:
            self._systems[scheme] = file_system(url, refusal=RejectedImage)[0]
        return self._systems[scheme]


def _archive_around(place: str) -> str | None:
    """Returns the part of the place up to the first name of an archive."""
    parts = place.split("/")
    ends = (end for end in range(1, len(parts)) if is_archive(parts[end - 1]))
    return next(("/".join(parts[:end]) for end in ends), None)


def fetched(url: str) -> bytes:
    """Returns the bytes at a web address. Raises RejectedImage, also for more than any picture needs, of which no more
    are read."""
    import httpx  # takes longer than most commands that read no address

    try:
        with httpx.stream("GET", url, timeout=URL_TIMEOUT, follow_redirects=True) as response:
            if response.is_error:
                raise _refusal(url, response.status_code)
            data = bytearray()
            for chunk in response.iter_bytes():
                data += chunk
                check_bytes(len(data))
            return bytes(data)
    except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:  # the last: a proxy of no kind that httpx knows
        raise _unread(url, error) from None


def _refusal(url: str, status: int) -> RejectedImage:
    proxy = web_proxy(url)
    if proxy and status in OF_PROXIES and url.startswith("http://"):  # of HTTPS a proxy sees no answer
        variable, address = proxy.variable, proxy.address
        return RejectedImage("address_answers_by_proxy", status=str(status), variable=variable, proxy=address)
    return RejectedImage("address_answers", status=str(status))


def _unread(url: str, error: Exception) -> RejectedImage:
    import httpx

    reason = reason_of(error)
    if proxy := web_proxy(url):
        variable, address = proxy.variable, proxy.address
        return RejectedImage("address_not_read_by_proxy", reason=reason, variable=variable, proxy=address)
    if isinstance(error, httpx.ConnectError):
        return RejectedImage("address_silent", reason=reason)
    return RejectedImage("address_not_read", reason=reason)
