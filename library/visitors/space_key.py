"""Names a visitor's space: whose it is and when it ends, which no later process has to look up elsewhere."""

import hashlib
import re
from dataclasses import dataclass
from datetime import UTC, datetime

from library.images import ContentId
from library.records import id_of

MOST_PICTURES = 1000
WRITTEN = re.compile(r"(\d{13})-([0-9a-f]{24})", flags=re.ASCII)


def id_of_visitor(secret: str) -> str:
    """Returns what stands for a visitor in names and rows, from which nobody can tell the visitor's cookie."""
    return hashlib.sha256(f"visitor {secret}".encode()).hexdigest()[:24]


@dataclass(frozen=True)
class SpaceKey:
    """Names one space. After a reset a visitor's next one has another key, as it ends at another time."""

    visitor: str
    expires: int  # milliseconds since 1970

    @classmethod
    def read(cls, key: str) -> "SpaceKey | None":
        """Returns what a key says; None for any other text."""
        found = WRITTEN.fullmatch(key)
        return cls(found[2], int(found[1])) if found else None

    @property
    def key(self) -> str:
        return f"{self.expires:013d}-{self.visitor}"

    @property
    def expires_at(self) -> datetime:
        return datetime.fromtimestamp(self.expires / 1000, UTC)

    def key_of(self, img_path: str) -> str:
        """Returns the key of a picture's row."""
        return f"{self.key}/{img_path}"

    def path_of(self, row: str) -> str:
        """Returns the path of the picture that a row is of. Raises ValueError for a row of another space."""
        own, _, path = row.partition("/")
        if own != self.key:
            raise ValueError(row)
        return path

    def id_of(self, row: str) -> ContentId:
        return id_of(self.path_of(row))
