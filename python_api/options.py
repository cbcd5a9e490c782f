"""Names the settings that `open_library` takes, with their types, so that an editor completes and checks them."""

from os import PathLike
from typing import Literal, TypedDict

Place = str | PathLike[str]
Places = Place | list[str] | tuple[str, ...]
Texts = str | list[str] | tuple[str, ...]


class Options(TypedDict, total=False):
    """Holds settings by their names in lower case; docs/configuration.md says what each does. None is not given."""

    data_dir: Place | None
    image_store: Place | None
    milvus_uri: str | None
    milvus_token: str | None
    milvus_db: str | None
    milvus_release_after: Literal["never"] | float | None
    clip_model: Place | None
    clip_text_model: Place | None
    clip_others: Places | None
    model_release_after: Literal["never"] | float | None
    clip_device: str | None
    clip_dtype: Literal["auto", "float32", "bfloat16", "float16"] | None
    clip_engine: Literal["auto", "torch", "onnx"] | None
    edits: Literal["all", "add", "none"] | None
    demo: bool | None
    demo_quota: int | None
    demo_ttl: float | None
    demo_address_quota: int | None
    demo_disk: int | None
    trash_days: int | None
    sources_allowed: Places | None
    auth: Texts | None
    mcp: bool | None
    metrics: bool | None
    queue: int | None
    log_names: bool | None
    decode_apart: bool | None
    lite_accelerated: bool | None
    log_level: str | None
    allowed_hosts: Texts | None
    gradio_server_name: str | None
    gradio_server_port: int | None
    gradio_root_path: str | None
    gradio_share: bool | None
    forwarded_allow_ips: Texts | None
