"""Opens file systems by URL, and explains their failures."""

import errno
import os
from http import HTTPStatus
from typing import Any, TypeVar

from db.sources.addresses import S3_SCHEMES
from library.errors import LikenessError, UnknownStore
from library.images import MAX_FILE_BYTES, check_bytes
from library.messages import Message, message
from library.messages.reasons import reason_of
from library.running.proxies import Proxy, web_proxy

CONNECT_TIMEOUT = 3
READ_TIMEOUT = 5  # counts from the last byte sent or received
ATTEMPTS = 2
PACKAGES = {
    **dict.fromkeys(S3_SCHEMES, "-r requirements-s3.txt"),
    **dict.fromkeys(("gs", "gcs"), "gcsfs"),
    **dict.fromkeys(("az", "abfs", "abfss", "adl"), "adlfs"),
    **dict.fromkeys(("sftp", "ssh"), "paramiko"),
    "smb": "smbprotocol",
    "git": "pygit2",
    "oci": "ocifs",
    "oss": "ossfs",
    "webdav": "webdav4",
    "libarchive": "libarchive-c",
    "dropbox": "dropboxdrivefs",
    "gdrive": "gdrive_fsspec",
}
OF_NETWORK = (errno.ECONNREFUSED, errno.ECONNRESET, errno.ETIMEDOUT, errno.ENETUNREACH, errno.EHOSTUNREACH)
AWS = "https://s3.amazonaws.com"

E = TypeVar("E", bound=LikenessError)


def file_system(url: str, named_by: str = "", refusal: type[LikenessError] = UnknownStore) -> tuple[Any, str]:
    """Returns the file system and the path within it; `named_by` is the setting that holds the URL, if one does.

    Connects only when first used. Raises a `refusal` for what no installed package reaches.
    """
    import fsspec  # nothing for who has no bucket

    scheme, named = url.partition("://")[0], f"{named_by}={url}" if named_by else url
    try:
        kind = fsspec.get_filesystem_class(scheme)
    except ValueError:
        raise refusal("unknown_scheme", named=named, scheme=scheme) from None
    except ImportError as error:
        how = f"pip install {PACKAGES[scheme]}" if scheme in PACKAGES else reason_of(error)
        raise refusal("store_needs_package", named=named, how=how) from None
    options = _s3_options() if scheme in S3_SCHEMES else {}
    try:
        options = options or kind._get_kwargs_from_urls(url)
        files = kind(skip_instance_cache=True, use_listings_cache=False, **options)
    except (TypeError, AttributeError):  # an argument that stands nowhere in the address
        raise refusal("address_incomplete", named=named, scheme=scheme) from None
    except Exception as error:  # some connect at once, and raise whatever their service makes them
        raise refusal("address_not_opened", named=named, reason=reason_of(error)) from error
    if scheme in S3_SCHEMES:
        files.retries = 1  # botocore tries again already
    return files, str(kind._strip_protocol(url))


def read_whole(files: Any, key: str) -> bytes:
    """Returns the bytes of an object, whatever size a listing gave it. Raises RejectedImage for more than any picture
    needs, of which no more are read, and whatever its kind of bucket raises."""
    try:
        data = bytes(files.cat_file(key, end=MAX_FILE_BYTES + 1))
    except Exception as error:
        if HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE not in _statuses(error):
            raise
        return b""  # an empty object has no first byte
    check_bytes(len(data))
    return data


def _statuses(error: Exception) -> list[object]:
    """Returns the status of an answer, as each package names it."""
    said = answer(error).get("ResponseMetadata", {}).get("HTTPStatusCode")
    return [said, *(getattr(error, name, None) for name in ("status", "code", "status_code"))]


def _s3_options() -> dict[str, Any]:
    region = os.environ.get("AWS_REGION")  # botocore itself reads only AWS_DEFAULT_REGION
    return {
        "client_kwargs": {"region_name": region} if region else {},
        "config_kwargs": {
            "connect_timeout": CONNECT_TIMEOUT,
            "read_timeout": READ_TIMEOUT,
            "retries": {"mode": "standard", "total_max_attempts": ATTEMPTS},
        },
        "max_concurrency": 1,  # else every read asks for the size first
    }


def failure(kind: type[E], error: Exception, place: Message, named_by: str = "") -> E:
    """Returns the error that says what went wrong with `place`, and what to do; `named_by` as for `file_system`."""
    said = answer(error)
    if isinstance(error, FileNotFoundError):
        return kind("bucket_missing", place=place, setting=named_by or message("its_address"))
    if type(error).__name__ == "NoCredentialsError":
        return kind("bucket_wants_credentials", place=place)
    details = said.get("ResponseMetadata", {})
    if not details.get("RequestId") and (proxy := _proxy_before(place)):  # a service gives each of its answers an ID
        return kind("bucket_silent_by_proxy", place=place, variable=proxy.variable, proxy=proxy.address)
    if isinstance(error, PermissionError) or details.get("HTTPStatusCode") == 403:
        return kind("bucket_refused", place=place)
    if said:
        return kind("bucket_failed", place=place, reason=reason_of(error))
    if status := getattr(error, "status", None):  # of the web
        return kind("place_answers", place=place, status=str(status))
    if _is_s3(place):
        return kind("bucket_silent", place=place)
    return kind("place_silent", place=place, reason=_reason_of(error))


def _reason_of(error: Exception) -> str | Message:
    """Returns the reason as the system says it, where the package around it has words of its own."""
    number = getattr(error, "errno", None)
    return reason_of(OSError(number, os.strerror(number)) if number in OF_NETWORK else error)


def answer(error: Exception) -> dict[str, Any]:
    """Returns what the service said, where it said anything."""
    return getattr(error.__cause__, "response", None) or {}


def _proxy_before(place: Message) -> Proxy | None:
    """Returns the proxy before a service of S3; what other services heed is not known here."""
    if not _is_s3(place):
        return None
    endpoint = os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL") or AWS
    return web_proxy(endpoint, heeds_all=False)


def _is_s3(place: Message) -> bool:
    return str(place.values.get("url", "")).partition("://")[0] in S3_SCHEMES
