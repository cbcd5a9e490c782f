"""Says what each setting may be, and refuses in one sentence what it may not be."""

import os
from typing import Any

from pydantic import SecretStr

from environment import SettingsError
from library.validation import shown
from runtime import printable

ALLOWED = {
    "data_dir": "a folder (a path, in UTF-8) that can be created and written",
    "image_store": "a folder that can be created and written, or a URL such as s3://bucket/folder",
    "clip_model": "the name of a model, or a folder with one,",
    "milvus_uri": "nothing (Milvus Lite), http://host:port or https://host:port",
    "milvus_release_after": "a number of seconds (0 or more) or never",
    "clip_others": "a list of models with commas between",
    "model_release_after": "a number of seconds (0 or more) or never",
    "clip_device": "auto, cpu, cuda, cuda:N or mps",
    "clip_dtype": "auto, float32, bfloat16 or float16",
    "clip_engine": "auto, torch or onnx",
    "edits": "all, add or none",
    "demo": "true or false",
    "demo_quota": "a number of pictures from 1 to 1000",
    "demo_ttl": "a number of hours (more than 0, up to 8760)",
    "demo_address_quota": "a number of pictures from 1 to 1000000",
    "demo_disk": "a number of megabytes from 1 to 100000000",
    "trash_days": "a whole number of days from 0 (no trash) to 36500",
    "sources_allowed": "a list of folders or of URLs such as s3://bucket/folder, with commas between,",
    "auth": "user:password[,user:password…]",
    "mcp": "true or false",
    "decode_apart": "true or false",
    "lite_accelerated": "true or false",
    "metrics": "true or false",
    "queue": "a number of calls from 1 to 10000",
    "log_names": "true or false",
    "allowed_hosts": "a list of names of hosts such as photos.example.org, with commas between,",
    "forwarded_allow_ips": "* or a list of addresses and networks such as 127.0.0.1,172.16.0.0/12",
    "log_level": "debug, info, warning or error",
    "gradio_server_port": "a port from 1 to 65535",
    "gradio_share": "true or false",
}

SECRETS = {"auth", "milvus_token"}
PORT = r"(6553[0-5]|655[0-2]\d|65[0-4]\d\d|6[0-4]\d{3}|[1-5]\d{4}|[1-9]\d{0,3})"
MILVUS_ADDRESS = rf"^(https?://([^/\s]*@)?(\[[^\]\s]+\]|[^/\s:@]+)(:{PORT})?([/?].*)?)?$"
NEVER_EMPTY = {"data_dir", "clip_model"}
FLAGS = {"decode_apart", "lite_accelerated", "demo", "mcp", "metrics", "log_names", "gradio_share"}
LISTS = {"clip_others", "sources_allowed", "auth", "allowed_hosts", "forwarded_allow_ips"}


def may_be_written(name: str, value: object) -> bool:
    """Returns whether the environment could hold this value of a program for the setting."""
    if isinstance(value, str):
        return "\0" not in value and bool(value or name not in NEVER_EMPTY)
    if isinstance(value, bool):
        return name in FLAGS
    return isinstance(value, int | float | SecretStr)


def plain(value: Any) -> Any:
    """Returns a path as text, and all else as it is."""
    return os.fspath(value) if isinstance(value, os.PathLike) else value


def not_possible(field: str, value: object) -> SettingsError:
    """Returns the error that names the setting, what was given unless that is a secret, and what is allowed."""
    written = value if isinstance(value, str) else str(value) if isinstance(value, os.PathLike) else shown(value)
    given = field.upper() if field in SECRETS else f"{field.upper()}={printable(written)}"
    return SettingsError("setting_impossible", given=given, allowed=ALLOWED.get(field, "a text"))
