"""Imitates a storage bucket of the Hugging Face Hub: the real file system of huggingface_hub over an API in memory."""

import io
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from huggingface_hub import BucketFile, HfFileSystem
from huggingface_hub.errors import BucketNotFoundError

BUCKET = "me/pictures"


class HubApi:
    """Keeps the files of one bucket in memory, and answers the calls of the file system."""

    files: dict[str, tuple[bytes, datetime]]

    def __init__(self) -> None:
        self.files = {}

    def bucket_info(self, bucket_id: str) -> None:
        if bucket_id != BUCKET:
            raise BucketNotFoundError(f"no bucket {bucket_id}", response=None)  # type: ignore[arg-type]

    def list_bucket_tree(self, bucket_id: str, prefix: str, recursive: bool) -> Iterator[Any]:
        start = f"{prefix}/" if prefix else ""
        for path, (data, moment) in sorted(self.files.items()):
            if path == prefix or (path.startswith(start) and (recursive or "/" not in path.removeprefix(start))):
                described = {"size": len(data), "xetHash": "", "uploadedAt": f"{moment:%Y-%m-%dT%H:%M:%S.%fZ}"}
                yield BucketFile(type="file", path=path, **described)

    def batch_bucket_files(
        self, bucket_id: str, add: Sequence[tuple[Any, str]] = (), delete: Sequence[str] = ()
    ) -> None:
        for source, path in add:
            data = source if isinstance(source, bytes) else Path(source).read_bytes()
            self.files[path] = (data, datetime.now(UTC))
        for path in delete:
            self.files.pop(path, None)


class HubFiles(HfFileSystem):
    """Behaves as the file system of huggingface_hub, but calls the API in memory instead of the network."""

    hub = HubApi()

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._api = self.hub  # type: ignore[assignment]

    def _open(self, path: str, mode: str = "rb", **options: Any) -> Any:  # type: ignore[override]
        if "r" not in mode:
            return super()._open(path, mode, **options)
        self.info(path)  # a file that is not there is told as the real one tells it
        return io.BytesIO(self.hub.files[self.resolve_path(path).path][0])
