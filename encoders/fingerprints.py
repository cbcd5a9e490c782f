"""Tells apart two sets of weights under one name, without loading either."""

import hashlib
from pathlib import Path

FINGERPRINTED = ("*.json", "*.safetensors", "*.bin", "*.txt", "*.model")


def folder_fingerprint(folder: Path) -> str:
    """Returns the SHA-256 over configuration, tokenizer and weights. Raises OSError."""
    digest = hashlib.sha256()
    for file in sorted(file for pattern in FINGERPRINTED for file in folder.glob(pattern)):
        digest.update(f"{file.name}\0{file.stat().st_size}\0".encode())
        with file.open("rb") as content:
            digest.update(hashlib.file_digest(content, "sha256").digest())
    return digest.hexdigest()


def cached_fingerprint(model: str) -> str | None:
    """Returns the commit of a model of the hub whose configuration is in the cache; None where it is not."""
    from huggingface_hub import try_to_load_from_cache

    found = try_to_load_from_cache(model, "config.json")
    # The cache of the hub keeps every file under snapshots/<commit>.
    return Path(found).parent.name if isinstance(found, str) else None
