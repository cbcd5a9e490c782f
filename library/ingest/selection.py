"""Selects which items of a source are imported, and adds metadata to them."""

import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

from library.errors import InvalidSelection, RejectedImage
from library.ingest.items import CountedItems, Item, total_of
from library.ingest.record_limits import can_be_kept, check_value
from library.messages import message
from library.messages.arguments import Arguments
from library.records import Metadata

SELECTION = Arguments(InvalidSelection)


@dataclass(frozen=True)
class Shard:
    """Selects the `number`-th of `count` parts of a source: machines that import one each need no other link."""

    number: int
    count: int

    @classmethod
    def parse(cls, text: str) -> "Shard":
        """Parses the third of eight parts from 3/8. Raises InvalidSelection for anything else."""
        match = re.fullmatch(r"([0-9]{1,6})/([0-9]{1,6})", text, flags=re.ASCII)
        shard = cls(int(match[1]), int(match[2])) if match else cls(0, 0)
        if not 1 <= shard.number <= shard.count:
            raise InvalidSelection("shard_impossible", text=repr(text[:40]))
        return shard

    def holds(self, item: Item) -> bool:
        """Returns whether the item belongs to this part, by its path below the source, wherever that is mounted."""
        path = item.source.partition("/")[2] or item.source
        digest = hashlib.sha256(path.encode("utf-8", "surrogateescape")).digest()
        return int.from_bytes(digest[:8]) % self.count == self.number - 1


@dataclass(frozen=True)
class Selection:
    """Selects the part of the items that is wanted. `limit` counts the files that are not skipped anyway.

    Raises InvalidSelection.
    """

    limit: int | None = None
    shard: Shard | None = None
    metadata: Metadata = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.limit is not None:
            object.__setattr__(self, "limit", SELECTION.whole("limit", self.limit, 1))
        object.__setattr__(self, "metadata", as_metadata(self.metadata))

    def of(self, items: Iterable[Item]) -> Iterable[Item]:
        """Returns the selected items: a list where it was given one, else nothing is listed before it is asked for."""
        selected = self._selected(items)
        if isinstance(items, Sequence):
            return list(selected)
        is_part = self.shard is not None or self.limit is not None
        return selected if is_part else CountedItems(selected, partial(total_of, items))

    def _selected(self, items: Iterable[Item]) -> Iterator[Item]:
        left = self.limit
        for item in items:
            if self.shard and not self.shard.holds(item):
                continue
            if left is not None and not item.skip:
                left -= 1
            yield replace(item, metadata={**item.metadata, **self.metadata}) if self.metadata else item
            if left == 0:
                return


def as_metadata(given: object, name: str = "metadata") -> Metadata:
    """Returns metadata as JSON holds them. Raises InvalidSelection, in which `name` names the argument."""
    if not isinstance(given, Mapping):
        raise SELECTION.impossible(name, given, message("allowed_metadata"))
    return {_field(name, field): _value(f"{name}[{field!r}]", value) for field, value in given.items()}


def _field(name: str, field: object) -> str:
    if isinstance(field, str) and can_be_kept(field):
        return field
    allowed = message("allowed_kept_text") if isinstance(field, str) else message("kind_text")
    raise SELECTION.impossible(f"a name in {name}", field, allowed)


def _value(name: str, value: object) -> object:
    try:
        check_value(value, name)
    except RejectedImage as error:
        is_text = error.message.code == "metadata_not_text"
        allowed = message("allowed_kept_text") if is_text else message("allowed_metadata_value")
        raise SELECTION.impossible(name, value, allowed) from None
    return json.loads(json.dumps(value, ensure_ascii=False))
