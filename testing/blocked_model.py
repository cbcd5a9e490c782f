"""Keeps a model from being loaded until a test lets it."""

from pathlib import Path

PROGRAM = """
import time
from pathlib import Path
import app
from encoders.sources import ModelLoader
load = ModelLoader._load
def wait_and_load(self, *given):
    while not Path({gate!r}).exists():
        time.sleep(0.05)
    return load(self, *given)
ModelLoader._load = wait_and_load
app.main()
"""


class BlockedModel:
    """Gives the program of an app that loads no model until the file `gate` is there."""

    def __init__(self, gate: Path) -> None:
        self.program = ("-c", PROGRAM.format(gate=str(gate)))
        self._gate = gate

    def let_go(self) -> None:
        self._gate.touch()
