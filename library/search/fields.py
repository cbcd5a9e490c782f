"""Learns which fields the pictures of the library have, for the filters that people make."""

import threading
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from library.contents.collections import Collections
from library.errors import InvalidFilter
from library.ports import ImageStore, LoadedCollection
from library.records import Record
from library.search.filters import (
    BUILT_IN,
    SHADOWED,
    Draft,
    Filter,
    Match,
    ValueKind,
    check_field,
    metadata_name,
    value_kind,
)

MOST_VALUES = 30
LONGEST_VALUE = 60
NAMED = 12
SAMPLED = 5_000  # rows whose fields are looked at
NEWEST = 100  # pictures whose fields are, too
KEPT_FOR = 300.0  # seconds


@dataclass(frozen=True)
class Field:
    """Describes a field that filters can be about. `values` are all texts that were seen in it; none where there are
    many."""

    name: str
    kinds: tuple[ValueKind, ...]
    values: tuple[str, ...] = ()


class Fields:
    """Learns fields from every record it is shown, and forgets none."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kinds: dict[str, set[ValueKind]] = {name: {kind} for name, kind in BUILT_IN.items()}
        self._values: dict[str, set[str]] = {}

    def note(self, records: Iterable[Record]) -> None:
        """Learns from these records."""
        with self._lock:
            for record in records:
                self._note_value("format", record.format)
                for name, value in record.metadata.items():
                    self._note(name, value)

    def knows(self, name: str) -> bool:
        """Returns whether the field was seen."""
        return name in self._kinds

    def kinds(self) -> Mapping[str, tuple[ValueKind, ...]]:
        """Returns the kinds of values that each field was seen with."""
        return {field.name: field.kinds for field in self.all()}

    def all(self) -> list[Field]:
        """Returns the built-in fields first, then those of the metadata by name."""
        with self._lock:
            names = [*BUILT_IN, *sorted(self._kinds.keys() - BUILT_IN.keys(), key=str.casefold)]
            return [self._field(name) for name in names]

    def _field(self, name: str) -> Field:
        values = sorted(self._values.get(name, ()))
        return Field(name, tuple(sorted(self._kinds[name])), tuple(values) if len(values) <= MOST_VALUES else ())

    def _note(self, name: str, value: object) -> None:
        kind = value_kind(value)
        shown = SHADOWED + name if name in BUILT_IN else name
        if kind is None or not _can_be_named(shown):
            return
        self._kinds.setdefault(shown, set()).add(kind)
        if isinstance(value, str):
            self._note_value(shown, value)

    def _note_value(self, name: str, value: str) -> None:
        values = self._values.setdefault(name, set())
        if len(values) <= MOST_VALUES:  # one more than the most: there are too many
            values.update([value] if len(value) <= LONGEST_VALUE else map(str, range(MOST_VALUES + 1)))


class FieldCatalogue:
    """Keeps what the fields of the library are, and checks filters by it.

    Every method but `check` raises ModelUnavailable, StoreUnavailable or IndexUnavailable.
    """

    def __init__(self, store: ImageStore, collections: Collections) -> None:
        self._store = store
        self._collections = collections
        self._fields = Fields()
        self._pictures = -1  # how many there were when their fields were looked at
        self._looked_at = 0.0

    def all(self) -> list[Field]:
        """Returns what a filter can be about. A field of few pictures may be missing, though a filter finds it."""
        pictures = self._store.count()
        if pictures != self._pictures or time.monotonic() > self._looked_at + KEPT_FOR:
            with self._collections.answering().loaded() as index:
                self._fields.note(index.some(SAMPLED))
            self._fields.note(self._store.find_all(self._store.ids()[:NEWEST]))
            self._pictures, self._looked_at = pictures, time.monotonic()
        return self._fields.all()

    def typed(self, drafts: Sequence[Draft], match: Match = "all") -> Filter | None:
        """Makes a filter of conditions as a person has written them, by what the fields hold. Raises InvalidFilter."""
        if not drafts:
            return None
        if not all(self._fields.knows(draft.field) for draft in drafts):
            self.all()
            with self._collections.answering().loaded() as index:
                for draft in drafts:
                    self._check(index, draft.field)
        kinds = self._fields.kinds()
        return Filter([draft.typed(kinds.get(draft.field, ())) for draft in drafts], match)

    def check(self, index: LoadedCollection, where: Filter) -> None:
        """Raises InvalidFilter for a field that no picture has, and IndexUnavailable."""
        for condition in where.conditions:
            self._check(index, condition.field)

    def _check(self, index: LoadedCollection, field: str) -> None:
        check_field(field)
        name = metadata_name(field)
        if name is None or self._fields.knows(field):
            return
        having = index.some(1, name)
        self._fields.note(having)
        if not having:
            raise unknown_field(field, self.all())


def unknown_field(name: str, fields: Iterable[Field]) -> InvalidFilter:
    """Makes the error that names the fields there are."""
    names = [field.name for field in fields]
    unknown, known, more = repr(name[:80]), ", ".join(names[:NAMED]), len(names) - NAMED
    if more > 0:
        return InvalidFilter("field_unknown_of_many", name=unknown, known=known, more=more)
    return InvalidFilter("field_unknown", name=unknown, known=known)


def _can_be_named(name: str) -> bool:
    try:
        check_field(name)
    except InvalidFilter:
        return False
    return True
