"""Which fields the pictures of the library have, as far as it is known."""

import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from library.errors import InvalidFilter
from library.records import Record
from library.search.filters import BUILT_IN, SHADOWED, Kind, check_field, kind_of

MOST_VALUES = 30
LONGEST_VALUE = 60
NAMED = 12


@dataclass(frozen=True)
class Field:
    """`values` are all texts that were seen in it, or none where there are many."""

    name: str
    kinds: tuple[Kind, ...]
    values: tuple[str, ...] = ()


class Fields:
    """Learns from every record it is shown, and forgets nothing."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kinds: dict[str, set[Kind]] = {name: {kind} for name, kind in BUILT_IN.items()}
        self._values: dict[str, set[str]] = {}

    def note(self, records: Iterable[Record]) -> None:
        with self._lock:
            for record in records:
                self._note_value("format", record.format)
                for name, value in record.metadata.items():
                    self._note(name, value)

    def knows(self, name: str) -> bool:
        return name in self._kinds

    def kinds(self) -> Mapping[str, tuple[Kind, ...]]:
        return {field.name: field.kinds for field in self.all()}

    def all(self) -> list[Field]:
        """The built-in ones first, then those of the metadata by name."""
        with self._lock:
            names = [*BUILT_IN, *sorted(self._kinds.keys() - BUILT_IN.keys(), key=str.casefold)]
            return [self._field(name) for name in names]

    def _field(self, name: str) -> Field:
        values = sorted(self._values.get(name, ()))
        return Field(name, tuple(sorted(self._kinds[name])), tuple(values) if len(values) <= MOST_VALUES else ())

    def _note(self, name: str, value: object) -> None:
        kind = kind_of(value)
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


def unknown_field(name: str, fields: Iterable[Field]) -> InvalidFilter:
    names = [field.name for field in fields]
    others = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return InvalidFilter(f"No picture has a field {name[:80]!r}; there are {', '.join(names[:NAMED])}{others}.")


def _can_be_named(name: str) -> bool:
    try:
        check_field(name)
    except InvalidFilter:
        return False
    return True
