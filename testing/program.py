"""Runs the program in a process of its own, as `python app.py` is, but forked from one that has imported everything."""

import atexit
import contextlib
import multiprocessing
import os
import signal
import subprocess
import sys
import tempfile
import threading
import traceback
from collections.abc import Mapping, Sequence
from importlib import reload
from io import TextIOWrapper
from multiprocessing import forkserver
from pathlib import Path
from typing import cast

ROOT = Path(__file__).parent.parent


class ForkedProgram:
    """Runs `python app.py` as subprocess.Popen does: a start takes a second of the processor instead of five."""

    def __init__(
        self, command: Sequence[str], cwd: Path, environment: Mapping[str, str], out: Path, err: Path | None = None
    ) -> None:
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload(["testing.preloaded"])
        with contextlib.chdir(ROOT):
            forkserver.ensure_running()
        self.args = list(command)
        self._process = context.Process(target=_run, args=(self.args, str(cwd), dict(environment), out, err or out))
        self._process.start()

    @property
    def pid(self) -> int:
        assert self._process.pid
        return self._process.pid

    @property
    def returncode(self) -> int | None:
        return self._process.exitcode

    def poll(self) -> int | None:
        return self._process.exitcode

    def wait(self, timeout: float | None = None) -> int:
        self._process.join(timeout)
        if self._process.exitcode is None:
            raise subprocess.TimeoutExpired(self.args, timeout or 0)
        return self._process.exitcode

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)


def run_program(
    arguments: Sequence[object], cwd: Path, environment: Mapping[str, str], timeout: float = 120
) -> subprocess.CompletedProcess[str]:
    """Returns what `python app.py` with these arguments printed, and how it ended."""
    return run_forked(["app.py", *map(str, arguments)], cwd, environment, timeout)


def run_forked(
    command: Sequence[str], cwd: Path, environment: Mapping[str, str], timeout: float = 120
) -> subprocess.CompletedProcess[str]:
    """Returns what `python` with these arguments, app.py or -c and a program, printed, and how it ended."""
    with tempfile.TemporaryDirectory() as folder:
        out, err = Path(folder, "out"), Path(folder, "err")
        program = ForkedProgram(command, cwd, environment, out, err)
        try:
            code = program.wait(timeout)
        finally:
            program.kill()
        return subprocess.CompletedProcess(program.args, code, _text(out), _text(err))


def _text(file: Path) -> str:
    return file.read_text(encoding="utf-8", errors="replace")


def _run(command: list[str], cwd: str, environment: dict[str, str], out: Path, err: Path) -> None:
    for file, stream in ((out, 1), (err, 2)):
        os.dup2(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND), stream)
    os.chdir(cwd)
    os.environ.clear()
    os.environ.update(environment)
    sys.path.insert(0, str(ROOT))
    _read_environment_again()
    _end(_exit_code(command))


def _read_environment_again() -> None:
    """Reads the environment again, which the interpreter read at its start and the hub's client at its import."""
    from huggingface_hub import constants, hf_api

    if encoding := os.environ.get("PYTHONIOENCODING"):
        cast(TextIOWrapper, sys.stdout).reconfigure(encoding=encoding)

    tempfile.tempdir = None
    reload(constants)
    hf_api.api.endpoint = constants.ENDPOINT


def _exit_code(command: list[str]) -> int:
    try:
        if command[0] == "-c":
            sys.argv = ["-c", *command[2:]]
            exec(compile(command[1], "<string>", "exec"), {"__name__": "__main__"})
        else:
            sys.argv = command
            import app

            app.main()
    except SystemExit as end:
        if isinstance(end.code, str):
            print(end.code, file=sys.stderr)
            return 1
        return end.code or 0
    except BaseException:
        traceback.print_exc()
        return 1
    return 0


def _end(code: int) -> None:
    """Ends the process as the interpreter does at its end, which multiprocessing skips."""
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)
