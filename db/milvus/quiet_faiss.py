"""Keeps faiss from writing to the terminal that a small library has few vectors for its clusters."""

from typing import Any

from milvus_lite.index import faiss_ivf_flat


def cluster_few_silently() -> None:
    """Lets the index of Milvus Lite, and nothing else in this process, cluster as few vectors as there are.

    faiss prints its advice from C++, where no log can hold it back.
    """
    if not isinstance(faiss_ivf_flat.faiss, _Faiss):
        faiss_ivf_flat.faiss = _Faiss(faiss_ivf_flat.faiss)


class _Faiss:
    """Replaces the module faiss by one whose IVF_FLAT index asks for one vector a cluster instead of 39."""

    def __init__(self, faiss: Any) -> None:
        self._faiss = faiss

    def __getattr__(self, name: str) -> Any:
        return getattr(self._faiss, name)

    def IndexIVFFlat(self, *arguments: Any) -> Any:
        index = self._faiss.IndexIVFFlat(*arguments)
        index.cp.min_points_per_centroid = 1
        return index
