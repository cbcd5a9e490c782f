"""Lets weights go that lie in a file, and reads them again."""

import sys

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import nn

from encoders.engines.resting import MAPPINGS, rest

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells what was written to a mapping")


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "model.safetensors"
    save_file({"weight": torch.arange(1 << 20, dtype=torch.float32).reshape(1024, 1024)}, path)
    return path


def mapped(file) -> nn.Linear:
    layer = nn.Linear(1024, 1024, bias=False)
    layer.weight = nn.Parameter(load_file(file)["weight"])
    layer.weight.sum()  # which brings it into memory
    return layer


def in_memory(file) -> int:
    """Returns how many kB of the file's mappings are in memory."""
    _, *mappings = MAPPINGS.read_text().split(str(file))
    return sum(int(each.partition("\nRss:")[2].split()[0]) for each in mappings)


def test_weights_leave_the_memory_and_come_back(file):
    layer = mapped(file)
    before = in_memory(file)
    rest(layer)
    assert before >= 4096 > in_memory(file)
    assert layer.weight.sum() == mapped(file).weight.sum()


def test_weights_that_were_changed_in_memory_stay(file):
    layer = mapped(file)
    with torch.no_grad():
        layer.weight[0, 0] = 7
    rest(layer)
    assert in_memory(file) >= 4096 and layer.weight[0, 0] == 7


def test_weights_of_no_file_stay():
    layer = nn.Linear(8, 8)
    before = layer.weight.clone()
    rest(layer)
    assert torch.equal(layer.weight, before)
