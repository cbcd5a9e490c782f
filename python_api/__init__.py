"""Offers the library to Python programs and notebooks; `app.open_library` opens it."""
