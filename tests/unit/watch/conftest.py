"""A folder in memory with a watcher, over a library whose database and store can go away."""

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
    """watch(delete=True) -> look(seconds) lets them pass, looks, and gives what one line would tell."""
    return lambda *args, **options: Looking(library, folder, *args, **options)
