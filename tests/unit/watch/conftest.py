"""Makes a folder in memory with a watcher, over a library whose database and store can go away."""

import pytest

from testing.watching import DatabaseThatGoes, Folder, Looking, StoreThatGoes


@pytest.fixture
def database() -> DatabaseThatGoes:
    return DatabaseThatGoes()


@pytest.fixture
def store() -> StoreThatGoes:
    return StoreThatGoes()


@pytest.fixture
def folder() -> Folder:
    return Folder()


@pytest.fixture
def watch(library, folder):
    """Returns a function: watch(delete=True) makes look(seconds), which waits, looks, and gives one line each."""
    return lambda *args, **options: Looking(library, folder, *args, **options)
