"""Replaces what Milvus Lite uses of faiss: index files appear whole, and few vectors are clustered silently."""

import os
import threading
from typing import Any

from milvus_lite.index import faiss_ivf_flat


def replace_faiss() -> None:
    """Lets Milvus Lite, and nothing else in this process, use faiss as this module has it."""
    if not isinstance(faiss_ivf_flat.faiss, LiteFaiss):
        faiss_ivf_flat.faiss = LiteFaiss(faiss_ivf_flat.faiss)


class LiteFaiss:
    """Replaces the module faiss in what it prints and in how it writes a file.

    faiss prints from C++, where no log can hold it back, that a small library has few vectors for its clusters. And
    Milvus Lite reads an index file as soon as its name is there, though another of its threads may still write it.
    """

    def __init__(self, faiss: Any) -> None:
        self._faiss = faiss
        self._writing = threading.Lock()  # two threads may write one file, with the same content

    def __getattr__(self, name: str) -> Any:
        return getattr(self._faiss, name)

    def IndexIVFFlat(self, *arguments: Any) -> Any:
        """Returns an index that asks for one vector a cluster instead of 39."""
        index = self._faiss.IndexIVFFlat(*arguments)
        index.cp.min_points_per_centroid = 1
        return index

    def write_index(self, index: Any, path: str) -> None:
        """Writes the index beside its file, and gives it the name when it is whole."""
        with self._writing:
            self._faiss.write_index(index, f"{path}.partial")
            os.replace(f"{path}.partial", path)
