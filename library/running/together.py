"""Does in one go what several threads ask for at the same time."""

import copy
import threading
from collections import deque
from collections.abc import Callable, Hashable, Sequence
from typing import Any, Generic, TypeVar

Q = TypeVar("Q")
A = TypeVar("A")

MOST = 64


class Together:
    """Answers questions of one kind in batches. Safe to call from several threads.

    Whoever comes first is answered at once and alone. Those who come meanwhile wait for each other, and the first of
    them answers them all. So nobody waits while nothing is going on, and nothing is kept for later.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._lines: dict[Hashable, deque[_Turn[Any, Any]]] = {}  # who waits for each kind that is being answered

    def ask(
        self,
        kind: Hashable,
        question: Q,
        answer: Callable[[Sequence[Q]], Sequence[A]],
        most: int = MOST,
        of_all: type[Exception] | tuple[type[Exception], ...] = (),
    ) -> A:
        """Returns the answer to one question, from one call of `answer` for up to `most` of that kind, in their order.

        Where `answer` fails for several, each asks again alone, so that nobody fails for another's question; an error
        of the types `of_all` is everybody's.
        """
        turn: _Turn[Q, A] = _Turn(question)
        self._line_up(kind, turn)
        try:
            turn.called.wait()
        except BaseException:
            self._leave(kind, turn)
            raise
        if turn.batch:
            try:
                _answer(turn.batch, answer, of_all)
            finally:
                self._call_next(kind, most)
        return turn.result() if turn.is_answered else answer([question])[0]

    def _line_up(self, kind: Hashable, turn: "_Turn[Any, Any]") -> None:
        with self._lock:
            if kind in self._lines:
                self._lines[kind].append(turn)
            else:
                self._lines[kind] = deque()
                turn.lead([turn])

    def _call_next(self, kind: Hashable, most: int) -> None:
        """Lets the first who wait have their turn, the first of them for all."""
        with self._lock:
            line = self._lines[kind]
            if line:
                batch = [line.popleft() for _ in range(min(most, len(line)))]
                batch[0].lead(batch)
            else:
                del self._lines[kind]

    def _leave(self, kind: Hashable, turn: "_Turn[Any, Any]") -> None:
        """Takes somebody out of the line who no longer waits, and hands on what they were to do for others."""
        with self._lock:
            if not turn.batch:
                if turn in self._lines.get(kind, ()):
                    self._lines[kind].remove(turn)
                return
            self._lines[kind].extendleft(reversed(turn.batch[1:]))
        self._call_next(kind, len(turn.batch))


class _Turn(Generic[Q, A]):
    """Holds one question, and what became of it."""

    def __init__(self, question: Q) -> None:
        self.question = question
        self.called = threading.Event()
        self.batch: list[_Turn[Q, A]] = []  # what this one answers for all; empty where another does
        self.is_answered = False
        self._answer: list[A] = []
        self._error: Exception | None = None

    def lead(self, batch: "list[_Turn[Q, A]]") -> None:
        self.batch = batch
        self.called.set()

    def receive(self, answer: A) -> None:
        self._answer, self.is_answered = [answer], True
        self.called.set()

    def fail(self, error: Exception) -> None:
        self._error, self.is_answered = error, True
        self.called.set()

    def result(self) -> A:
        if self._error:
            raise self._error
        return self._answer[0]


def _answer(
    batch: Sequence[_Turn[Q, A]],
    answer: Callable[[Sequence[Q]], Sequence[A]],
    of_all: type[Exception] | tuple[type[Exception], ...],
) -> None:
    """Answers a batch; those who are called without an answer ask alone."""
    try:
        answers = answer([turn.question for turn in batch])
        for turn, each in zip(batch, answers, strict=True):
            turn.receive(each)
    except of_all as error:
        for turn in batch:
            turn.fail(_same(error))
    except Exception:
        if len(batch) == 1:
            raise
    finally:
        for turn in batch:
            turn.called.set()


def _same(error: Exception) -> Exception:
    """Returns a copy of an error for another thread to raise, where its traceback goes on."""
    same = copy.copy(error).with_traceback(error.__traceback__)
    same.__cause__ = error.__cause__
    return same
