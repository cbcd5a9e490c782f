"""Bounds what each visitor of the demo, and each address, may have decoded within an hour: how many files, how long."""

import math
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from library.decoders.direct import Decoder
from library.errors import RejectedImage
from library.images import WORKING_SIDE, Grey, Picture
from library.running.work import counted

FILES_A_PICTURE = 10  # files that may be tried for each picture that a visitor may have
MOST_SECONDS = 120.0  # of the processor; an ordinary photo takes some hundredths of one
HOUR = 3600.0
KEPT_VISITORS = 10_000


@dataclass
class _Spent:
    since: float
    files: int = 0
    seconds: float = 0.0


class Effort:
    """Counts the files and the seconds of decoding of each visitor within an hour, whatever became of the files."""

    def __init__(
        self,
        quota: int,
        seconds: float = MOST_SECONDS,
        clock: Callable[[], float] = time.monotonic,
        address_quota: int | None = None,
    ) -> None:
        """Takes how many pictures each visitor may have, `quota`, and all of one address, `address_quota`."""
        together = max(quota, address_quota or quota)
        self._most = (FILES_A_PICTURE * quota, seconds)
        self._most_together = (FILES_A_PICTURE * together, seconds * together / quota)
        self._clock = clock
        self._counting = threading.Lock()
        self._visitors: OrderedDict[str, _Spent] = OrderedDict()
        self._addresses: OrderedDict[str, _Spent] = OrderedDict()
        self._address_of: OrderedDict[str, str] = OrderedDict()  # by visitor, where they were seen last

    def locate(self, visitor: str, address: str) -> None:
        """Notes where a visitor is, who may be one of many there."""
        with self._counting:
            self._address_of[visitor] = address
            _limit(self._address_of, visitor)

    def begin(self, visitor: str, tried: int) -> None:
        """Counts files that a visitor tries. Raises RejectedImage where the visitor, or all of their address, have
        reached the limit."""
        with self._counting:
            spent = self._spent(visitor)
            files, seconds = self._most
            if minutes := self._wait(spent[0], self._most):
                raise RejectedImage("visitor_used_up", files=files, seconds=round(seconds), minutes=minutes)
            files, seconds = self._most_together
            if minutes := self._wait(spent[-1], self._most_together):
                raise RejectedImage("address_used_up", files=files, seconds=round(seconds), minutes=minutes)
            for each in spent:
                each.files += tried

    def spend(self, visitor: str, seconds: float) -> None:
        """Counts seconds of the processor that decoding for a visitor took."""
        with self._counting:
            for each in self._spent(visitor):
                each.seconds += seconds

    def _wait(self, spent: _Spent, most: tuple[int, float]) -> int:
        """Returns the minutes until more may be spent; 0 where there is something left."""
        files, seconds = most
        is_left = spent.files < files and spent.seconds < seconds
        return 0 if is_left else math.ceil((spent.since + HOUR - self._clock()) / 60)

    def _spent(self, visitor: str) -> list[_Spent]:
        """Returns what a visitor has spent, then what all of their address have, where that is known."""
        found = [self._of(self._visitors, visitor)]
        address = self._address_of.get(visitor)
        return [*found, self._of(self._addresses, address)] if address else found

    def _of(self, kept: OrderedDict[str, _Spent], name: str) -> _Spent:
        now = self._clock()
        found = kept.get(name)
        if found is None or now - found.since > HOUR:
            found = kept[name] = _Spent(now)
        _limit(kept, name)
        return found


def _limit(kept: OrderedDict[str, Any], latest: str) -> None:
    kept.move_to_end(latest)
    while len(kept) > KEPT_VISITORS:
        kept.popitem(last=False)


class MeteredDecoder:
    """Decodes for one visitor, until that visitor has reached the limit."""

    def __init__(self, decoder: Decoder, effort: Effort, visitor: Callable[[], str]) -> None:
        self._decoder = decoder
        self._effort = effort
        self._visitor = visitor

    def decode(self, data: bytes, short_side: int = WORKING_SIDE) -> Picture:
        with counted(self._begun()):
            return self._decoder.decode(data, short_side)

    def with_thumbnail(self, data: bytes, short_side: int = WORKING_SIDE) -> tuple[Picture, bytes]:
        with counted(self._begun()):
            return self._decoder.with_thumbnail(data, short_side)

    def grey(self, data: bytes) -> Grey:
        with counted(self._begun(tried=0)):
            return self._decoder.grey(data)

    def thumbnail(self, data: bytes) -> bytes:
        with counted(self._begun(tried=0)):
            return self._decoder.thumbnail(data)

    def preview(self, data: bytes) -> bytes:
        with counted(self._begun(tried=0)):
            return self._decoder.preview(data)

    def close(self) -> None:
        pass  # who opened the decoder closes it

    def _begun(self, tried: int = 1) -> Callable[[float], None]:
        """Counts a file that is tried; a look at a stored picture is none."""
        visitor = self._visitor()
        self._effort.begin(visitor, tried)
        return lambda seconds: self._effort.spend(visitor, seconds)
