"""Picks the hits or pictures of one page, in their order."""

from collections.abc import Callable, Collection, Iterable
from dataclasses import replace
from typing import TypeVar

from library.images import ContentId
from library.ports import Hit, LoadedCollection, Vector
from library.records import Record
from library.search.query import MAX_DEPTH, Query, SortOrder

FIRST_LOOK = 1_000  # hits

T = TypeVar("T")


def page_of(index: LoadedCollection, vector: Vector, query: Query) -> tuple[list[Hit], bool]:
    """Returns the hits of one page, and whether another one follows; pictures of the query are no hits.

    In any other order than that of the scores, all that reach a minimum score are sorted. Without one every picture
    matches somehow: the pages follow the scores, and each of them is sorted.
    """
    left_out = query.pictures
    if query.order != "score" and query.min_score > -1:
        hits = arranged(_ranked(_that_reach(index, vector, query, left_out)), query.order, _record)
        return hits[query.offset : query.offset + query.limit], len(hits) > query.offset + query.limit
    found = _hits(index, vector, query, left_out, query.offset, query.limit + 1)
    good = _ranked([hit for hit in found if hit.score >= query.min_score], query.offset)
    shown = good[: query.limit]
    return shown if query.order == "score" else arranged(shown, query.order, _record), len(good) > query.limit


def arranged(items: Iterable[T], order: SortOrder, record: Callable[[T], Record]) -> list[T]:
    """Returns the items sorted: names from A to Z, else newest or largest first; what is equal in a fixed order."""
    fixed = sorted(items, key=lambda item: record(item).img_path)
    if order == "name":
        return sorted(fixed, key=lambda item: (record(item).name.casefold(), record(item).name))
    if order == "size":
        return sorted(fixed, key=lambda item: record(item).bytes, reverse=True)
    return sorted(fixed, key=lambda item: record(item).added, reverse=True)


def _that_reach(index: LoadedCollection, vector: Vector, query: Query, left_out: Collection[ContentId]) -> list[Hit]:
    """Returns all hits with the least score of the query, as far down as Milvus goes."""
    depth = FIRST_LOOK
    while True:
        hits = _hits(index, vector, query, left_out, 0, depth)
        if len(hits) < depth or hits[-1].score < query.min_score or depth == MAX_DEPTH:
            return [hit for hit in hits if hit.score >= query.min_score]
        depth = min(4 * depth, MAX_DEPTH)


def _hits(
    index: LoadedCollection, vector: Vector, query: Query, left_out: Collection[ContentId], offset: int, limit: int
) -> list[Hit]:
    if not left_out:
        return index.search(vector, limit, query.nprobe, query.exact, query.where, offset)
    # What is left out may lie anywhere before the page.
    found = index.search(vector, offset + limit + len(left_out), query.nprobe, query.exact, query.where)
    return [hit for hit in found if hit.record.content_id not in left_out][offset : offset + limit]


def _ranked(hits: Iterable[Hit], offset: int = 0) -> list[Hit]:
    return [replace(hit, rank=rank) for rank, hit in enumerate(hits, offset + 1)]


def _record(hit: Hit) -> Record:
    return hit.record
