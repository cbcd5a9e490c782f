"""Replaces the package `spaces` of a ZeroGPU Space, and notes how it is called.

As with that one, a decorated function runs on a thread of a forked worker, its arguments and its result pass pickled,
and the launch of the page is where the Space learns what was decorated. No GPU is lent: torch finds the processor.
"""

import json
import multiprocessing
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import wraps
from pathlib import Path
from typing import Any

import gradio

FORK = multiprocessing.get_context("fork")
DURATION = 60

Task = Callable[..., Any]


def GPU(task: Task | None = None, *, duration: int = DURATION) -> Any:
    if task is None:
        return lambda task: GPU(task, duration=duration)
    name = f"{task.__module__}.{task.__qualname__}"
    _note(decorated=name, duration=duration)

    @wraps(task)
    def lent(*arguments: Any, **options: Any) -> Any:
        given, found = FORK.SimpleQueue(), FORK.SimpleQueue()
        worker = FORK.Process(target=_work, args=(task, given, found), daemon=True)
        worker.start()
        given.put((arguments, options))
        is_well, result = found.get()
        worker.join()
        _note(called=name, worker=worker.pid, well=is_well)
        if not is_well:
            raise gradio.Error(result)
        return result

    return lent


def gradio_auto_wrap(task: Task) -> Task:
    """Returns the function unchanged; Gradio calls this for its own functions."""
    return task


def _work(task, given, found):
    arguments, options = given.get()
    with ThreadPoolExecutor(1) as executor:
        try:
            result = True, executor.submit(task, *arguments, **options).result()
        except Exception as error:
            result = False, repr(error)
    found.put(result)


def _note(**what):
    with Path(os.environ["SPACES_NOTES"]).open("a", encoding="utf-8") as notes:
        notes.write(json.dumps(what) + "\n")


def _note_launch(launch):
    @wraps(launch)
    def noted(*arguments: Any, **options: Any) -> Any:
        _note(launched=os.getpid(), uid=os.getuid())
        return launch(*arguments, **options)

    return noted


gradio.Blocks.launch = _note_launch(gradio.Blocks.launch)  # type: ignore[method-assign]
_note(imported=os.getpid())
