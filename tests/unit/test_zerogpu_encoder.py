import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from importlib.machinery import ModuleSpec
from types import ModuleType

import numpy as np
import pytest

from encoders import zerogpu
from encoders.loading import load_encoder
from encoders.zerogpu_encoder import BATCH, ZeroGpuEncoder, load_zerogpu
from testing.tiny_clip import save_tiny_clip
from tests.unit.test_clip import noise

TEXTS = ["a red circle", "blue"]


class Spaces(ModuleType):
    """Lends a GPU while `lends` is true, and counts the requests."""

    def __init__(self) -> None:
        super().__init__("spaces")
        self.__spec__ = ModuleSpec("spaces", None)
        self.lends, self.asked = True, []

    def GPU(self, duration):
        def decorated(task):
            def call(kind, inputs):
                self.asked.append((kind, {type(each) for each in inputs.values()}))
                if not self.lends:
                    raise RuntimeError("You have exceeded your quota.")
                return task(kind, inputs)

            return call

        return decorated


@pytest.fixture
def spaces(monkeypatch):
    spaces = Spaces()
    monkeypatch.setitem(sys.modules, "spaces", spaces)
    monkeypatch.setenv("SPACES_ZERO_GPU", "true")
    return spaces


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return str(save_tiny_clip(tmp_path_factory.mktemp("models") / "tiny"))


@pytest.fixture(scope="module")
def plain(model):
    return load_encoder(model, "cpu", "float32")


@pytest.fixture
def lent(spaces, model) -> ZeroGpuEncoder:
    return load_zerogpu(model, "float32")


def test_the_vectors_are_those_of_the_model_itself(lent, plain):
    images = noise(BATCH + 1)
    assert lent.encode_images(images) == pytest.approx(plain.encode_images(images), abs=1e-5)
    assert lent.encode_texts(TEXTS) == pytest.approx(plain.encode_texts(TEXTS), abs=1e-5)
    assert lent.info == plain.info.__class__(**{**vars(plain.info), "device": "zerogpu"})


def test_a_call_passes_arrays_alone(lent, spaces):
    lent.encode_images(noise(2))
    lent.encode_texts(TEXTS)
    assert spaces.asked == [("images", {np.ndarray}), ("texts", {np.ndarray})]


def test_nothing_is_asked_for_nothing(lent, spaces):
    assert lent.encode_texts([]).shape == (0, lent.info.dim)
    assert spaces.asked == []


def test_where_no_gpu_is_lent_the_cpu_encodes_and_does_not_ask_at_once_again(lent, plain, spaces):
    spaces.lends = False
    assert lent.encode_texts(TEXTS) == pytest.approx(plain.encode_texts(TEXTS), abs=1e-5)
    assert lent.encode_images(noise(2)).shape == (2, lent.info.dim)
    assert len(spaces.asked) == 1


@pytest.mark.parametrize(("said", "offered"), [("true", True), ("1", True), ("", False), ("false", False)])
def test_zerogpu_is_where_the_environment_says_so(monkeypatch, spaces, said, offered):
    monkeypatch.setenv("SPACES_ZERO_GPU", said)
    assert zerogpu.is_offered() == zerogpu.can_place() == offered


def test_zerogpu_needs_its_package(monkeypatch):
    monkeypatch.setenv("SPACES_ZERO_GPU", "true")
    monkeypatch.delitem(sys.modules, "spaces", raising=False)
    assert not zerogpu.is_offered()


def test_only_the_main_thread_places_a_model(spaces):
    assert threading.current_thread() is threading.main_thread()
    with ThreadPoolExecutor(1) as executor:
        assert not executor.submit(zerogpu.can_place).result()
