"""Measures how many clusters a search has to look into, with vectors of the collection itself."""

import logging
from collections.abc import Mapping

import numpy as np

from db.milvus.clusters import EVERY_CLUSTER, MIN_NPROBE
from db.milvus.loaded import LoadedMilvusCollection
from library.evaluation.tuning import ladder
from library.images import ContentId

logger = logging.getLogger(__name__)

QUERIES = 50
NEAREST = 10
RECALL = 0.99
ALIKE = 1e-5  # scores that differ by less are those of copies, of which either may be found
GROWTH = 1.5  # from so many times the rows on it is measured again


def measured_nprobe(index: LoadedMilvusCollection, rows: int, nlist: int) -> int:
    """Returns the least number of `nlist` clusters that find 0.99 of the ten nearest."""
    vectors = index.sample(QUERIES, rows)
    if not len(vectors):
        return nlist
    exact = index.nearest(vectors, 1 + NEAREST, EVERY_CLUSTER)
    for rung in (rung for rung in ladder(nlist) if MIN_NPROBE <= rung < nlist):
        found = index.nearest(vectors, 1 + NEAREST, rung)
        recall = float(np.mean([_share(one, other) for one, other in zip(found, exact, strict=True)]))
        if recall >= RECALL:
            logger.info("%d of %d clusters find %.3f of the nearest", rung, nlist, recall)
            return rung
    return nlist


def _share(found: Mapping[ContentId, float], exact: Mapping[ContentId, float]) -> float:
    """Returns the share of the nearest that were found, beside the picture itself."""
    least = min(exact.values()) - ALIKE
    nearest = len(exact) - 1
    return min(1.0, (sum(score >= least for score in found.values()) - 1) / nearest) if nearest else 1.0
