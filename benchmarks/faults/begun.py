"""Runs the program so that it makes a file when the work to be broken begins, after its start."""

import os
from collections.abc import Callable
from functools import wraps
from importlib import import_module
from pathlib import Path
from typing import Any

PROGRAM = """
{first}
from benchmarks.faults.begun import tell
tell({target!r})
import app
app.main()
"""


def program(target: str, first: str = "") -> str:
    """Returns code that runs the program, and makes the file BEGUN when it calls `target` (module:Class.method)."""
    return PROGRAM.format(target=target, first=first)


def tell(target: str) -> None:
    module, _, name = target.partition(":")
    owner, _, method = name.partition(".")
    kind = getattr(import_module(module), owner)
    setattr(kind, method, _telling(getattr(kind, method)))


def _telling(work: Callable[..., Any]) -> Callable[..., Any]:
    begun = Path(os.environ["BEGUN"])

    @wraps(work)
    def telling(*arguments: Any, **options: Any) -> Any:
        begun.touch()
        return work(*arguments, **options)

    return telling
