"""Imports pymilvus and Arrow without pandas and the like, which take longer than themselves and serve nothing here."""

import sys
from collections.abc import Callable
from importlib import import_module
from importlib.abc import MetaPathFinder
from types import ModuleType
from typing import Any

import pyarrow

LATER = ("pandas", "pandas.api.types", "requests")


class _NoPandas(MetaPathFinder):
    """Says that pandas is not installed."""

    def find_spec(self, fullname: str, path: object, target: object = None) -> None:
        if fullname == "pandas":
            raise ModuleNotFoundError(fullname)


class _Later(ModuleType):
    """Stands for a module while others are imported, and imports it once anything of it is used."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        if sys.modules.get(self.__name__) is self:
            return _of_later(self.__name__, name)
        return getattr(import_module(self.__name__), name)


def _of_later(module: str, name: str) -> Callable[..., Any]:
    def call(*given: Any, **named: Any) -> Any:
        return getattr(import_module(module), name)(*given, **named)

    return call


def import_quickly() -> None:
    """Imports pymilvus for a process of its own, before it has threads, which might import the same modules.

    Nothing is missing afterwards: what was left out is imported where it is used.
    """
    _let_arrow_do_without_pandas()
    later = {name: _Later(name) for name in LATER if name not in sys.modules}
    sys.modules.update(later)
    try:
        from pymilvus.client.utils import SciPyHelper
    finally:
        for name in later:
            del sys.modules[name]
    SciPyHelper._checked = True  # it would import scipy to see whether a vector is one of its sparse ones


def _let_arrow_do_without_pandas() -> None:
    """Has Arrow look for pandas, which it does once before the first array, and again where a data frame is wanted."""
    finder = _NoPandas()
    sys.meta_path.insert(0, finder)
    try:
        pyarrow.array([])
    finally:
        sys.meta_path.remove(finder)
