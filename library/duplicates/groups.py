"""Finds near-duplicates: the same picture in another format, size or quality, or with a little of its edges cut off.

The index is searched for the nearest rows of each picture, many pictures in one call. A pair from `THRESHOLD` cosine on
is a candidate, and its thumbnails decide. Vectors tell what a picture shows, not which picture it is: among photos and
their copies, seven of eight pairs from 0.93 on were two motorbikes, faces or planes, while from 0.95 on copies cut at
the edges began to be lost. So the threshold only has to be low enough to propose nearly all copies, and 0.93 is, for
the small CLIP; `python -m benchmarks.duplicates` prints what comes of it. Lower, more pairs have to be looked at.

Pairs join into groups. A picture is compared with at most `DEEPER` others: where more are as near as that, the
group is still one, through those that are nearest to several of them.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from hashlib import sha256
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from library.duplicates.decisions import Decisions
from library.duplicates.detail import Detail, rank_of
from library.duplicates.enlarged import Verdict
from library.duplicates.thumbnails import ThumbnailSignatures
from library.errors import IndexUnavailable, InvalidQuery
from library.images import ContentId
from library.ports import LoadedCollection, Vectors
from library.records import Record
from library.validation import is_number, shown

THRESHOLD = 0.93
NEAREST = 10  # with the picture itself
DEEPER = 100
AT_ONCE = 200  # pictures

NO_DETAILS: Mapping[ContentId, Detail] = {}
NONE_UNSURE: frozenset[ContentId] = frozenset()
MOST_HELD = 3  # pictures of the same size that a larger one is compared with
NONE_ENLARGED: Mapping[ContentId, ContentId] = {}

Reason = Literal["pixels", "enlarged", "unsure", "detail", "bytes", "age"]
OnProgress = Callable[[int, int], None]


@dataclass(frozen=True)
class Pair:
    """Holds two near-duplicates with the similarity of their vectors."""

    one: ContentId
    other: ContentId
    score: float


@dataclass(frozen=True)
class Group:
    """Holds near-duplicates of each other, the best one first: that of the most pixels, then of the most detail.

    A picture that was only enlarged has no more pixels than the one that holds as much, and comes after it.
    """

    records: tuple[Record, ...]
    pairs: tuple[Pair, ...]  # those that were found; the others are near each other through them
    details: Mapping[ContentId, Detail] = field(default_factory=dict, compare=False)  # where pixels do not decide
    enlarged: Mapping[ContentId, ContentId] = field(default_factory=dict, compare=False)  # with the one that it holds
    unsure: frozenset[ContentId] = field(default=NONE_UNSURE, compare=False)  # may be enlarged, and supersede none

    @property
    def ids(self) -> list[ContentId]:
        return [record.content_id for record in self.records]

    @property
    def score(self) -> float:
        return max(pair.score for pair in self.pairs)

    @cached_property
    def key(self) -> str:
        """Returns a short name that is the same for the same pictures."""
        return sha256("".join(sorted(self.ids)).encode()).hexdigest()[:16]

    @property
    def reason(self) -> Reason:
        """Returns why the first is the best."""
        best, second = self.records[:2]
        if self.enlarged.get(second.content_id) == best.content_id:
            return "enlarged"
        if best.content_id in self.unsure and _pixels(best) > min(map(_pixels, self.records)):
            return "unsure"
        if _pixels(best) != _pixels(second):
            return "pixels"
        if self._rank(best) != self._rank(second):
            return "detail"
        return "bytes" if best.bytes != second.bytes else "age"

    def score_of(self, id: ContentId) -> float:
        """Returns the similarity to the nearest of the others."""
        return max(pair.score for pair in self.pairs if id in (pair.one, pair.other))

    def detail_of(self, record: Record) -> float | None:
        """Returns the share of a picture's size that its detail fills; None where pixels decide."""
        detail = self.details.get(record.content_id)
        return detail.share if detail else None

    def enlarged_from(self, record: Record) -> Record | None:
        """Returns the picture that holds as much in fewer pixels, where this one was only enlarged."""
        held = self.enlarged.get(record.content_id)
        return next((each for each in self.records if each.content_id == held), None)

    def redundant(self) -> dict[ContentId, ContentId]:
        """Returns each near-duplicate of a better picture, with that one; those linked only by a third stay."""
        others: dict[ContentId, set[ContentId]] = defaultdict(set)
        for pair in self.pairs:
            others[pair.one].add(pair.other)
            others[pair.other].add(pair.one)
        kept: list[ContentId] = []
        found: dict[ContentId, ContentId] = {}
        for id in self.ids:
            better = next((each for each in kept if each in others[id] and each not in self.unsure), None)
            if better:
                found[id] = better
            else:
                kept.append(id)
        return found

    def without(self, ids: Iterable[ContentId]) -> list["Group"]:
        """Returns the groups that remain without these pictures."""
        gone = set(ids)
        pairs = [pair for pair in self.pairs if not {pair.one, pair.other} & gone]
        records = {record.content_id: record for record in self.records}
        return grouped(pairs, records, self.details, self.enlarged, self.unsure)

    def _rank(self, record: Record) -> tuple[float, float]:
        return rank_of(self.details.get(record.content_id))


def find_groups(
    records: Sequence[Record],
    index: LoadedCollection,
    thumbnail: Callable[[ContentId], bytes],
    decisions: Decisions,
    detail: Callable[[ContentId], Detail | None] = lambda _: None,
    compared: Callable[[ContentId, ContentId], Verdict] = lambda *_: "larger",
    threshold: float = THRESHOLD,
    on_progress: OnProgress = lambda *_: None,
    should_stop: Callable[[], bool] = lambda: False,
) -> list[Group] | None:
    """Returns the groups, those of the nearest pairs first, or None when it was stopped.

    Raises InvalidQuery, IndexUnavailable or StoreUnavailable.
    """
    check_threshold(threshold)
    signatures = ThumbnailSignatures(thumbnail)

    def are_alike(one: ContentId, other: ContentId) -> bool:
        return not decisions.are_distinct(one, other) and signatures.is_same_image(one, other)

    by_id = {record.content_id: record for record in records}
    pairs = _pairs(by_id, index, are_alike, threshold, on_progress, should_stop)
    if pairs is None:
        return None
    groups = grouped(pairs, by_id)
    enlarged: dict[ContentId, ContentId] = {}
    unsure: set[ContentId] = set()
    for group in groups:
        if should_stop():
            return None
        _note_enlarged(group, compared, enlarged, unsure)
    details = {id: found for group in groups for id in _compared(group, enlarged) if (found := detail(id))}
    return grouped(pairs, by_id, details, enlarged, frozenset(unsure))


def _pairs(
    records: Mapping[ContentId, Record],
    index: LoadedCollection,
    are_alike: Callable[[ContentId, ContentId], bool],
    threshold: float,
    on_progress: OnProgress,
    should_stop: Callable[[], bool],
) -> list[Pair] | None:
    """Returns the pairs of near-duplicates among the records, each once, or None when it was stopped."""
    paths = [record.img_path for record in records.values()]
    pairs: dict[tuple[ContentId, ContentId], Pair] = {}
    for start in range(0, len(paths), AT_ONCE):
        if should_stop():
            return None
        on_progress(start, len(paths))
        for pair in _near(index, index.vectors(paths[start : start + AT_ONCE]), threshold):
            ids = (pair.one, pair.other)
            if ids not in pairs and records.keys() >= {*ids} and are_alike(*ids):
                pairs[ids] = pair
    on_progress(len(paths), len(paths))
    return list(pairs.values())


def check_threshold(threshold: object) -> None:
    """Raises InvalidQuery for anything but a similarity above 0, at most 1."""
    if not is_number(threshold) or not 0 < threshold <= 1:
        raise InvalidQuery("threshold_impossible", threshold=shown(threshold))


def grouped(
    pairs: Sequence[Pair],
    records: Mapping[ContentId, Record],
    details: Mapping[ContentId, Detail] = NO_DETAILS,
    enlarged: Mapping[ContentId, ContentId] = NONE_ENLARGED,
    unsure: frozenset[ContentId] = NONE_UNSURE,
) -> list[Group]:
    """Returns the disjoint groups of what the pairs connect, the nearest first."""
    root: dict[ContentId, ContentId] = {}

    def root_of(id: ContentId) -> ContentId:
        while (above := root.setdefault(id, id)) != id:
            root[id] = root[above]
            id = above
        return id

    for pair in pairs:
        root[root_of(pair.one)] = root_of(pair.other)
    members: dict[ContentId, list[Pair]] = defaultdict(list)
    for pair in pairs:
        members[root_of(pair.one)].append(pair)
    groups = [_group(each, records, details, enlarged, unsure) for each in members.values()]
    return sorted(groups, key=lambda group: (-group.score, group.key))


def resembled(
    newcomers: Mapping[ContentId, bytes],
    vectors: Vectors,
    index: LoadedCollection,
    signatures: ThumbnailSignatures,
    decisions: Decisions,
    only_kept: bool,
) -> dict[ContentId, ContentId]:
    """Returns the nearest near-duplicate of each newcomer that has one, in the library or among those before it.

    `newcomers` are thumbnails by content ID, `vectors` theirs in the same order. With `only_kept`, what has one is not
    imported and is no near-duplicate to those after it.
    """
    ids = list(newcomers)
    for id, thumbnail in newcomers.items():
        signatures.see(id, thumbnail)
    found: dict[ContentId, ContentId] = {}
    among = vectors @ vectors.T
    for position, (id, hits) in enumerate(zip(ids, index.nearest(vectors, NEAREST), strict=True)):
        earlier = {ids[at]: float(among[position, at]) for at in range(position)}
        if only_kept:
            earlier = {other: score for other, score in earlier.items() if other not in found}
        scores = {other: score for other, score in (hits | earlier).items() if score >= THRESHOLD and other != id}
        for other in sorted(scores, key=lambda other: -scores[other]):
            if not decisions.are_distinct(id, other) and signatures.is_same_image(id, other):
                found[id] = other
                break
    return found


def _near(
    index: LoadedCollection, vectors: Mapping[ContentId, NDArray[np.float32]], threshold: float
) -> Iterator[Pair]:
    """Returns the pairs of which one is among these, some of them twice."""
    ids = list(vectors)
    hits = _nearest(index, vectors, ids, NEAREST)
    crowded = [id for id in ids if len(hits[id]) == NEAREST and min(hits[id].values()) >= threshold]
    hits |= _nearest(index, vectors, crowded, DEEPER)
    for id in ids:
        for other, score in hits[id].items():
            if other != id and score >= threshold:
                yield Pair(min(id, other), max(id, other), score)


def _nearest(
    index: LoadedCollection, vectors: Mapping[ContentId, NDArray[np.float32]], ids: Sequence[ContentId], limit: int
) -> dict[ContentId, dict[ContentId, float]]:
    if not ids:
        return {}
    found = index.nearest(np.stack([vectors[id] for id in ids]), limit)
    if not any(found):  # each finds itself at least; a server says so while another client loads or releases
        raise IndexUnavailable("milvus_loading")
    return dict(zip(ids, found, strict=True))


def _group(
    pairs: Sequence[Pair],
    records: Mapping[ContentId, Record],
    details: Mapping[ContentId, Detail],
    enlarged: Mapping[ContentId, ContentId],
    unsure: frozenset[ContentId],
) -> Group:
    members = [records[id] for id in {id for pair in pairs for id in (pair.one, pair.other)}]
    ids = {each.content_id for each in members}
    its_enlarged = {large: small for large, small in enlarged.items() if {large, small} <= ids}

    def worst(each: Record) -> tuple[float, bool, float, float, int, str, str]:
        share, step = rank_of(details.get(each.content_id))
        holds = records[its_enlarged.get(each.content_id, each.content_id)]
        is_enlarged = each.content_id in its_enlarged
        return -_pixels(holds), is_enlarged, -share, -step, -each.bytes, each.added, each.content_id

    its_details = {id: details[id] for id in ids if id in details}
    by_score = sorted(pairs, key=lambda pair: -pair.score)
    return Group(tuple(sorted(members, key=worst)), tuple(by_score), its_details, its_enlarged, unsure & ids)


def _note_enlarged(
    group: Group,
    compared: Callable[[ContentId, ContentId], Verdict],
    enlarged: dict[ContentId, ContentId],
    unsure: set[ContentId],
) -> None:
    """Adds the pictures that were only enlarged, with one of the largest that were not and holds as much, and those of
    which that is not sure."""
    largest: list[Record] = []  # that were not enlarged, all of one size
    for record in sorted(group.records, key=lambda each: (_pixels(each), -each.bytes)):
        if not largest or _pixels(largest[0]) == _pixels(record):
            largest.append(record)
            continue
        verdict: Verdict = "larger"
        for held in largest[:MOST_HELD]:
            found = compared(record.content_id, held.content_id)
            verdict = found if found != "larger" else verdict
            if found == "enlarged":
                enlarged[record.content_id] = held.content_id
                break
        if verdict != "enlarged":
            largest = [record]
        if verdict == "unsure" or enlarged.get(record.content_id) in unsure:
            unsure.add(record.content_id)


def _compared(group: Group, enlarged: Mapping[ContentId, ContentId]) -> list[ContentId]:
    """Returns the pictures of which another of the group has as many pixels or holds as much."""
    counts = Counter(map(_pixels, group.records))
    held = {id for pair in enlarged.items() for id in pair}
    return [each.content_id for each in group.records if counts[_pixels(each)] > 1 or each.content_id in held]


def _pixels(record: Record) -> int:
    return record.width * record.height
