"""Cuts a page out of a long list of hits, so that pages that follow each other share none and miss none."""

from collections.abc import Callable, Sequence

from library.ports import Hit
from library.search.filters import Filter
from library.search.query import MAX_DEPTH

# Called with a number of hits, it returns the hits of each vector, in order.
Ask = Callable[[int], list[list[Hit]]]


def stable_page(ask: Ask, offset: int, limit: int, where: Filter | None = None) -> list[list[Hit]]:
    """Returns the hits of each vector from `offset` on; asks deeper until no equal scores are cut apart."""
    needed = offset + limit
    depth = min(needed + 1, MAX_DEPTH)
    while True:
        found = ask(depth)
        kept = [_matching(hits, where) for hits in found]
        ends = all(len(hits) < depth or _parts_at(needed, left) for hits, left in zip(found, kept, strict=True))
        if ends or depth == MAX_DEPTH:
            return [hits[offset:needed] for hits in kept]
        depth = min(2 * depth, MAX_DEPTH)


def in_order(hits: list[Hit]) -> list[Hit]:
    """Sorts hits best first, and those of equal score by their paths: Milvus returns these in any order."""
    return sorted(hits, key=lambda hit: (-hit.score, hit.record.img_path))


def followed_by(first: Sequence[Hit], rest: Sequence[Hit], depth: int) -> list[Hit]:
    """Joins what some clusters hold and what the others hold, so that the pages of the first list stay as they were."""
    known = {hit.record.img_path for hit in first}
    others = [hit for hit in rest if hit.record.img_path not in known]
    return [*first, *others][:depth]


def _matching(hits: list[Hit], where: Filter | None) -> list[Hit]:
    return [hit for hit in hits if where.matches(hit.record)] if where else hits


def _parts_at(place: int, hits: Sequence[Hit]) -> bool:
    return len(hits) > place and hits[place].score != hits[place - 1].score
