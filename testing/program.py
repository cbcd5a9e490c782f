"""The program in a process of its own, as `python app.py` is, but from one that has imported the libraries already."""

import multiprocessing
import os
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Mapping, Sequence
from pathlib import Path

from testing.app_server import ROOT

SLOW_TO_IMPORT = ["torch", "transformers.models.clip", "pymilvus", "milvus_lite", "typer", "rich.progress"]


def run_program(
    arguments: Sequence[object], cwd: Path, environment: Mapping[str, str], timeout: float = 120
) -> subprocess.CompletedProcess[str]:
    """A start takes a second instead of five."""
    command = ["app.py", *map(str, arguments)]
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(SLOW_TO_IMPORT)
    with tempfile.TemporaryDirectory() as folder:
        out, err = Path(folder, "out"), Path(folder, "err")
        process = context.Process(target=_be_the_program, args=(command, str(cwd), dict(environment), out, err))
        process.start()
        process.join(timeout)
        if process.exitcode is None:
            process.kill()
            raise subprocess.TimeoutExpired(command, timeout)
        return subprocess.CompletedProcess(command, process.exitcode, out.read_text(), err.read_text())


def _be_the_program(command: list[str], cwd: str, environment: dict[str, str], out: Path, err: Path) -> None:
    for file, stream in ((out, 1), (err, 2)):
        os.dup2(os.open(file, os.O_WRONLY | os.O_CREAT), stream)
    os.chdir(cwd)
    os.environ.clear()
    os.environ.update(environment)
    sys.argv = command
    sys.path.insert(0, str(ROOT))
    try:
        import app

        app.main()
    except SystemExit:
        raise
    except BaseException:
        traceback.print_exc()
        raise SystemExit(1) from None
