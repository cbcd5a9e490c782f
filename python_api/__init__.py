"""The library for Python programs and notebooks; `app.open_library` opens it."""
