"""Checks docs/python-api.md and its notebook: every example runs, in order, over drawn pictures."""

import json
import os
import re
import sys
import zipfile
from importlib.util import find_spec
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image

from testing.pages import blocks
from testing.pictures import samples
from testing.program import ROOT, ForkedProgram
from testing.skipping import skip_or_fail

PAGE = ROOT / "docs" / "python-api.md"
NOTEBOOK = ROOT / "docs" / "python-api.ipynb"


@pytest.fixture
def folder(tmp_path):
    """Makes the files that the page speaks of."""
    drawn = samples()
    (tmp_path / "holiday").mkdir()
    for name, data in drawn.items():
        (tmp_path / "holiday" / name).write_bytes(data)
    beach = Image.open(BytesIO(drawn["a sunny beach.png"])).convert("RGB")
    beach.save(tmp_path / "beach.jpg")
    with zipfile.ZipFile(tmp_path / "album.zip", "w") as album:
        album.writestr("grey.png", picture("grey"))
    (tmp_path / "pink.png").write_bytes(picture("pink"))
    (tmp_path / "photos.csv").write_text("filepath,stars\npink.png,5\n")
    (tmp_path / "notes.txt").write_text("text")
    return tmp_path


def picture(colour: str) -> bytes:
    buffer = BytesIO()
    Image.new("RGB", (64, 48), colour).save(buffer, "PNG")
    return buffer.getvalue()


def test_every_example_of_the_page_runs(folder):
    examples = blocks("python", PAGE)
    assert len(examples) >= 11
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("CLIP_", "MILVUS_", "EDITS"))}
    out, err = folder / "out", folder / "err"
    program = ForkedProgram(["-c", "\n".join(examples)], folder, kept, out, err)
    try:
        assert program.wait(300) == 0, err.read_text()
    finally:
        program.kill()
    printed = out.read_text()
    for line in ("sunset over the sea.png", "60 pictures", "notes.txt This is plain text"):
        assert line in printed
    told = re.findall(r"^ *print\(.*\)  # (?!such as )(.+)$", "\n".join(examples), flags=re.MULTILINE)
    assert len(told) >= 4
    assert [line for line in told if line not in printed.splitlines()] == []
    assert str(folder / "photos-index" / "images") in printed


def test_the_notebook_runs_from_the_first_cell_to_the_last(tmp_path, monkeypatch):
    if not (find_spec("nbclient") and find_spec("ipykernel")):
        skip_or_fail("nbclient and ipykernel are not installed")
    import nbformat
    from nbclient import NotebookClient

    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    notebook.cells[1].source = f"import os; os.chdir({str(tmp_path)!r})\n" + notebook.cells[1].source.replace(
        "Path.cwd(), *Path.cwd().parents", f"Path({str(ROOT)!r})"
    )
    NotebookClient(notebook, timeout=300, kernel_name="python3").execute(cwd=str(tmp_path))
    shown = json.dumps([cell.get("outputs", []) for cell in notebook.cells])
    assert "60" in shown and "sunset over the sea.png" in shown and "data:image/jpeg;base64," in shown
    assert "<progress" in shown


def test_the_notebook_is_kept_without_outputs():
    cells = json.loads(NOTEBOOK.read_text("utf-8"))["cells"]
    assert not any(cell.get("outputs") or cell.get("execution_count") for cell in cells)


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
def test_logging_and_signals_stay_those_of_the_program(tmp_path):
    code = """
import logging, signal
before = (logging.getLogger().handlers[:], logging.getLogger().level, signal.getsignal(signal.SIGINT))
from app import open_library
with open_library(clip_model="small", data_dir="index") as library:
    assert len(library) == 0 and list(library.pictures()) == []
assert before == (logging.getLogger().handlers[:], logging.getLogger().level, signal.getsignal(signal.SIGINT))
print("the same")
"""
    out, err = tmp_path / "out", tmp_path / "err"
    program = ForkedProgram(["-c", code], tmp_path, dict(os.environ), out, err)
    try:
        assert program.wait(120) == 0, Path(err).read_text()
    finally:
        program.kill()
    assert out.read_text() == "the same\n"
