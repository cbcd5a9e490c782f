"""Draws vectors in overlapping topics, which an index can sort into clusters as it does those of pictures."""

import numpy as np

DIM, LATENT, TOPICS, NEAREST, BATCH = 512, 64, 1000, 10, 10_000


class Topics:
    """Draws unit vectors of `DIM` numbers in 1,000 topics; the same seed gives the same ones."""

    def __init__(self, seed: int = 0) -> None:
        self._random = np.random.default_rng(seed)
        self._topics = self._normal(TOPICS, LATENT)
        self._spread = self._normal(LATENT, DIM)

    def draw(self, count: int) -> np.ndarray:
        """Returns the next `count` vectors, float32."""
        return np.concatenate([self._drawn(min(BATCH, count - start)) for start in range(0, count, BATCH)])

    def _drawn(self, count: int) -> np.ndarray:
        own = self._topics[self._random.integers(TOPICS, size=count)] + self._normal(count, LATENT)
        vectors: np.ndarray = own @ self._spread + self._normal(count, DIM)
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        return vectors

    def _normal(self, *shape: int) -> np.ndarray:
        return self._random.standard_normal(shape, dtype=np.float32)


def nearest(asked: np.ndarray, vectors: np.ndarray) -> np.ndarray:
    """Returns the numbers of the ten vectors nearest to each of those asked, in no order."""
    scores = np.concatenate(
        [asked @ vectors[start : start + BATCH].T for start in range(0, len(vectors), BATCH)], axis=1
    )
    return np.argpartition(-scores, NEAREST, axis=1)[:, :NEAREST]
