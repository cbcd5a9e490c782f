"""File systems by URL: how they are opened, and what their failures mean."""

import os
from typing import Any

import fsspec

from library.errors import UnknownStore

CONNECT_TIMEOUT = 3
READ_TIMEOUT = 5  # counts from the last byte sent or received
ATTEMPTS = 2


def file_system(url: str, named_by: str) -> tuple[Any, str]:
    """The file system and the path within it; `named_by` is the setting or argument that holds the URL.

    Connects to nothing yet. Raises UnknownStore.
    """
    scheme = url.partition("://")[0]
    try:
        kind = fsspec.get_filesystem_class(scheme)
    except ValueError:
        raise UnknownStore(
            f"{named_by}={url} is not possible: {scheme} is no kind of store that fsspec knows. "
            "A folder, or a URL such as s3://bucket/folder is expected."
        ) from None
    except ImportError as error:
        how = "pip install -r requirements-s3.txt" if scheme in ("s3", "s3a") else error
        raise UnknownStore(f"{named_by}={url} needs a package that is not installed: {how}") from None
    options = _s3_options() if scheme in ("s3", "s3a") else {}
    files = kind(skip_instance_cache=True, use_listings_cache=False, **options)
    if options:
        files.retries = 1  # botocore tries again already
    return files, str(kind._strip_protocol(url))


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


def advice(error: Exception, named_by: str) -> str:
    said = answer(error)
    if isinstance(error, FileNotFoundError):
        return f"does not exist. Create the bucket, or correct {named_by}."
    if type(error).__name__ == "NoCredentialsError":
        return "asks for credentials. Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY."
    if isinstance(error, PermissionError) or said.get("ResponseMetadata", {}).get("HTTPStatusCode") == 403:
        return (
            "refused access. Check the credentials (AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY) and the bucket's policy."
        )
    if said:
        return f"failed: {error}. Try again; if it stays so, read the log of the service."
    return "does not answer. Check the network and the endpoint (AWS_ENDPOINT_URL), then try again."


def answer(error: Exception) -> dict[str, Any]:
    """What the service said, where it said anything."""
    return getattr(error.__cause__, "response", None) or {}
