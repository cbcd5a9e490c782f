"""Makes the handlers of the page over a library of fakes."""

import pytest

from ui.handlers.page import PageHandlers


@pytest.fixture
def uploads(tmp_path):
    return tmp_path


@pytest.fixture
def handlers(library, worker, uploads):
    return PageHandlers.build(library, worker, "all", uploads)
