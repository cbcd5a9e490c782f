"""Serves the app for `benchmarks.visitors`: as it is, or with each search for itself as before searches were joined."""

import sys
from collections.abc import Callable, Hashable, Sequence
from functools import partial
from typing import Any, TypeVar

from runtime import prepare_process

EARLIER_TURNS = 4

Q = TypeVar("Q")
A = TypeVar("A")


def main(together: bool) -> None:
    prepare_process()
    from app import build
    from library.running.together import Together
    from server import serve
    from settings import load_settings
    from ui import lanes

    class Apart(Together):
        """Answers each question by itself."""

        def ask(
            self, kind: Hashable, question: Q, answer: Callable[[Sequence[Q]], Sequence[A]], *_: Any, **__: Any
        ) -> A:
            return answer([question])[0]

    if not together:
        lanes.SEARCHING["concurrency_limit"] = lanes.SEARCHES_AT_ONCE = EARLIER_TURNS
    serve(load_settings(), partial(build, together=None if together else Apart()))


if __name__ == "__main__":
    main(together=sys.argv[1] == "together")
