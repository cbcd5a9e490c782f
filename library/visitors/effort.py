"""Bounds what each visitor of the demo may have decoded within an hour: how many files, and how long that takes."""

import math
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from library.decoders.direct import Decoder
from library.errors import RejectedImage
from library.images import WORKING_SIDE, Picture
from library.work import counted

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

    def __init__(self, quota: int, seconds: float = MOST_SECONDS, clock: Callable[[], float] = time.monotonic) -> None:
        """`quota` is how many pictures each visitor may have."""
        self._most_files = FILES_A_PICTURE * quota
        self._most_seconds = seconds
        self._clock = clock
        self._counting = threading.Lock()
        self._visitors: OrderedDict[str, _Spent] = OrderedDict()

    def begin(self, visitor: str, files: int) -> None:
        """Counts files that a visitor tries. Raises RejectedImage where the visitor has reached the limit."""
        with self._counting:
            spent = self._of(visitor)
            if spent.files >= self._most_files or spent.seconds >= self._most_seconds:
                minutes = math.ceil((spent.since + HOUR - self._clock()) / 60)
                seconds = round(self._most_seconds)
                raise RejectedImage("visitor_used_up", files=self._most_files, seconds=seconds, minutes=minutes)
            spent.files += files

    def spend(self, visitor: str, seconds: float) -> None:
        """Counts seconds of the processor that decoding for a visitor took."""
        with self._counting:
            self._of(visitor).seconds += seconds

    def _of(self, visitor: str) -> _Spent:
        now = self._clock()
        found = self._visitors.pop(visitor, None)
        if found is None or now - found.since > HOUR:
            found = _Spent(now)
        self._visitors[visitor] = found
        while len(self._visitors) > KEPT_VISITORS:
            self._visitors.popitem(last=False)
        return found


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

    def thumbnail(self, data: bytes) -> bytes:
        with counted(self._begun(files=0)):
            return self._decoder.thumbnail(data)

    def preview(self, data: bytes) -> bytes:
        with counted(self._begun(files=0)):
            return self._decoder.preview(data)

    def close(self) -> None:
        pass  # who opened the decoder closes it

    def _begun(self, files: int = 1) -> Callable[[float], None]:
        """Looking at a picture that is there is no file that is tried."""
        visitor = self._visitor()
        self._effort.begin(visitor, files)
        return lambda seconds: self._effort.spend(visitor, seconds)
