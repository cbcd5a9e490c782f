"""Ends a script that never closes its library in order, with everything kept."""

import subprocess
import sys

from app import open_library
from testing.app_server import ROOT

SCRIPT = """
from app import open_library
library = open_library(clip_model="small", data_dir={data!r})
print(library.add({picture!r}, progress=False))
"""


def test_a_script_that_does_not_close_its_library_ends_in_order(tmp_path, picture):
    (tmp_path / "red.png").write_bytes(picture("red"))
    script = SCRIPT.format(data=str(tmp_path / "data"), picture=str(tmp_path / "red.png"))
    ended = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert (ended.returncode, ended.stderr) == (0, "") and "1 new" in ended.stdout
    with open_library(clip_model="small", data_dir=tmp_path / "data") as library:
        assert library.add(tmp_path / "red.png", progress=False).counts["duplicate"] == 1


def test_a_program_that_ends_while_a_model_is_measured_ends_in_order():
    script = (
        "import torch\n"
        "from library.running import background\n"
        "def measure():\n"
        "    while True:\n"
        "        background.check_end()\n"
        "        torch.rand(300, 300) @ torch.rand(300, 300)\n"
        "background.begin(measure, 'engine')\n"
        "raise SystemExit(3)\n"
    )
    ended = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert (ended.returncode, ended.stderr) == (3, "")
