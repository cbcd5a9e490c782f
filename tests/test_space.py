"""The app as a Hugging Face Space, with ZeroGPU and without, driven in Chromium."""

import os
import re
import shutil
from collections.abc import Iterator
from datetime import timedelta
from importlib.metadata import version
from io import BytesIO

import httpx
import pytest
from huggingface_hub import SpaceHardware
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.version import Version
from PIL import Image

from settings import Settings
from tests.browser import PHONE, WIDE, Browser, cards, counts, loaded, names, search, upload, wait_for_cards
from tests.conftest import ROOT, skip_or_fail
from tests.space import Space, digests, front_matter, parsed, shown_commands, uploaded

SAMPLES = 60
OF_THE_HUB = ("huggingface.co", "fonts.googleapis.com")  # Gradio's own page asks there on a Space


@pytest.fixture(scope="module")
def space(tmp_path_factory) -> Iterator[Space]:
    """On ZeroGPU."""
    yield from _started(tmp_path_factory.mktemp("zero"), zero=True)


@pytest.fixture(scope="module")
def space_on_cpu(tmp_path_factory) -> Iterator[Space]:
    yield from _started(tmp_path_factory.mktemp("cpu"), zero=False)


def _started(folder, zero: bool) -> Iterator[Space]:
    if shutil.which("node") is None:
        skip_or_fail("Node is not installed")
    if os.getuid() == 0 and shutil.which("setpriv") is None:
        skip_or_fail("setpriv is not installed: nobody can run the app but root")
    space = Space(folder, zero)
    code = digests(space.code)
    try:
        yield space.wait()
        assert digests(space.code) == code
    finally:
        space.stop()
    assert space.process.returncode == 0, space.log.read_text()
    assert "Traceback" not in space.log.read_text()


def test_the_sample_pictures_are_there_at_the_first_visit(space, browser):
    page = browser.open(space.url)
    wait_for_cards(page, 48)
    page.locator(".lk-run[data-state=done]").wait_for()
    loaded(page, "#results .lk-card img")
    assert counts(page)[0].startswith(str(SAMPLES))
