"""Replaces what Milvus Lite uses of faiss: whole index files, silent clusters, bits for rows, an nprobe each."""

import os
import threading
from collections.abc import Callable
from functools import wraps
from typing import Any

import numpy as np
from milvus_lite.index import faiss_ivf_flat
from milvus_lite.index.scalar import ScalarInvertedIndex


def replace_faiss() -> None:
    """Lets Milvus Lite, and nothing else in this process, write its indexes as this module does."""
    if not isinstance(faiss_ivf_flat.faiss, LiteFaiss):
        faiss_ivf_flat.faiss = LiteFaiss(faiss_ivf_flat.faiss)
        ScalarInvertedIndex.save = written_whole(ScalarInvertedIndex.save)


def written_whole(write: Callable[[Any, str], None]) -> Callable[[Any, str], None]:
    """Returns a function that writes an index beside its file, and gives it the name when it is whole.

    Milvus Lite reads an index file as soon as its name is there, though another of its threads may still write it.
    """
    writing = threading.Lock()  # two threads may write one file, with the same content

    @wraps(write)
    def write_whole(index: Any, path: str) -> None:
        with writing:
            write(index, f"{path}.partial")
            os.replace(f"{path}.partial", path)

    return write_whole


class SharedIndex:
    """Gives every thread an nprobe of its own.

    Milvus Lite sets that of the index before each search. faiss reads it more than once, so that another search made
    the answer poorer, or made faiss read what is not there.
    """

    def __init__(self, faiss: Any, index: Any) -> None:
        self.whole = index
        self._faiss = faiss
        self._own = threading.local()

    def __getattr__(self, name: str) -> Any:
        return getattr(self.whole, name)

    @property
    def nprobe(self) -> int:
        return int(getattr(self._own, "nprobe", self.whole.nprobe))

    @nprobe.setter
    def nprobe(self, clusters: int) -> None:
        self._own.nprobe = clusters

    def search(self, vectors: Any, top_k: int, *, params: Any = None) -> Any:
        """Returns distances and rows, as faiss does."""
        return self.whole.search(vectors, top_k, params=params or self._faiss.SearchParametersIVF(nprobe=self.nprobe))


class LiteFaiss:
    """Replaces the module faiss in how it writes a file, chooses rows and shares an index, and in what it prints.

    faiss prints from C++, where no log can hold it back, that a small library has few vectors for its clusters.
    """

    def __init__(self, faiss: Any) -> None:
        self._faiss = faiss
        self.write_index = written_whole(lambda index, path: faiss.write_index(index.whole, path))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._faiss, name)

    def IDSelectorBatch(self, rows: Any) -> Any:
        """Returns a selector of these rows that looks one bit up for each, where faiss's own searches a set."""
        chosen = np.zeros(int(rows.max()) + 1, dtype=bool)
        chosen[rows] = True
        return self._faiss.IDSelectorBitmap(np.packbits(chosen, bitorder="little"))

    def IndexIVFFlat(self, *arguments: Any) -> Any:
        """Returns an index that asks for one vector a cluster instead of 39."""
        index = self._faiss.IndexIVFFlat(*arguments)
        index.cp.min_points_per_centroid = 1
        return SharedIndex(self._faiss, index)

    def read_index(self, path: str) -> Any:
        """Returns the index that a file holds."""
        return SharedIndex(self._faiss, self._faiss.read_index(path))
