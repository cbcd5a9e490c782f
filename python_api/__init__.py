"""Offers the library to Python programs and notebooks; `app.open_library` opens it."""

from python_api.hits import Hit, Hits
from python_api.library import Library
from python_api.receipt import Receipt, RestoredBackup

__all__ = ["Hit", "Hits", "Library", "Receipt", "RestoredBackup"]
