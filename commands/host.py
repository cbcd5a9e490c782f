"""Runs the commands of other processes in the app, which has the library open, while it serves the page."""

import hmac
import logging
import os
import secrets
import socket
import stat
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from commands.exit_codes import EXIT_INTERRUPTED, EXIT_UNAVAILABLE
from commands.relay import FOLDER, IN_USE, SECRET, SOCKET, Line, address_of
from commands.terminal import Stream, Terminal, enter
from library.messages import message
from library.running.work import working_for

logger = logging.getLogger("likeness")

EXIT_UNEXPECTED = 1
CLOSES_WITHIN = 5.0  # seconds in which commands that are told to stop may finish what they have begun

Run = Callable[[list[str]], int | None]  # a command line: returns the code it ends with, None where it is none


class CommandHost:
    """Listens in a folder below DATA_DIR that its owner alone may enter, and runs each command on a thread."""

    def __init__(self, data_dir: Path, run: Run, hello: dict[str, Any]) -> None:
        """Takes what runs a command, and what is told to everybody who has the secret."""
        self._folder = data_dir / FOLDER
        self._run = run
        self._hello = hello
        self._secret = secrets.token_hex(32)
        self._lock = FileLock(self._folder / IN_USE, thread_local=False)
        self._listener: socket.socket | None = None
        self._served: dict[threading.Thread, _Served] = {}
        self._is_closing = False

    def start(self) -> None:
        """Begins to listen; where it cannot, commands go their own ways, and one line says why."""
        if not hasattr(socket, "AF_UNIX"):
            return
        try:
            self._listener = self._listening()
        except Timeout:  # another app has the same folder, beside a Milvus server
            return
        except OSError as error:
            logger.warning("commands cannot go through this app: %s", error)
            return
        threading.Thread(target=self._accept, args=[self._listener], name="commands", daemon=True).start()

    def close(self) -> None:
        """Listens no longer, and stops the commands: each is told that the app has stopped."""
        self._is_closing = True
        if self._listener is None:
            return
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for name in (SOCKET, SECRET):
            with suppress(OSError):
                (self._folder / name).unlink()
        for served in list(self._served.values()):
            served.stop()
        for thread in list(self._served):
            thread.join(CLOSES_WITHIN)
        self._lock.release()
        with suppress(OSError):
            (self._folder / IN_USE).unlink(missing_ok=True)
            self._folder.rmdir()
            self._folder.parent.rmdir()  # of an app that could not begin, and keeps nothing

    def _listening(self) -> socket.socket:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._folder.chmod(0o700)
        self._lock.acquire(timeout=0)
        (self._folder / SOCKET).unlink(missing_ok=True)  # of an app that was killed
        secret = os.open(self._folder / SECRET, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with open(secret, "w", encoding="ascii") as file:
            os.fchmod(file.fileno(), stat.S_IRUSR | stat.S_IWUSR)
            file.write(self._secret)
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        listener.bind(address_of(self._folder))
        (self._folder / SOCKET).chmod(0o600)
        listener.listen()
        return listener

    def _accept(self, listener: socket.socket) -> None:
        while not self._is_closing:
            try:
                connected, _ = listener.accept()
            except OSError:
                return
            served = _Served(Line(connected), self._run)
            thread = threading.Thread(target=self._serve, args=[served], name="command", daemon=True)
            self._served[thread] = served
            thread.start()

    def _serve(self, served: "_Served") -> None:
        try:
            served.serve(self._secret, self._hello)
        finally:
            served.line.close()
            self._served.pop(threading.current_thread(), None)


class _Served:
    """Serves one command: runs it on a thread, while this one hears what is typed at its terminal."""

    def __init__(self, line: Line, run: Run) -> None:
        self.line = line
        self._run = run
        self._sending = threading.RLock()
        self._is_over = False
        self._is_app_stopping = False
        self._typed = threading.Condition()
        self._lines: list[str | None] = []
        self._is_asking = False
        self._is_interrupted = False
        self._terminal: Terminal | None = None

    def serve(self, secret: str, hello: dict[str, Any]) -> None:
        greeting = self.line.receive()
        if greeting is None or not hmac.compare_digest(str(greeting.get("secret")).encode(), secret.encode()):
            return
        self._send(**hello)
        told = self.line.receive()
        if told is None or not isinstance(told.get("argv"), list):
            return
        self._terminal = self._terminal_of(told)
        running = threading.Thread(
            target=self._work, args=[self._terminal, [str(each) for each in told["argv"]]], name="command", daemon=True
        )
        running.start()
        self._listen(self._terminal)
        running.join()

    def stop(self) -> None:
        """Stops the command since the app stops."""
        if self._terminal is None:
            self.line.close()
            return
        self._is_app_stopping = True
        self._terminal.interrupt()
        self._end(EXIT_UNAVAILABLE)

    def _listen(self, terminal: Terminal) -> None:
        """Hears what is typed until the command has ended, or its terminal has gone."""
        while (heard := self.line.receive()) is not None:
            if "line" in heard:
                self._lines.append(heard["line"] if isinstance(heard["line"], str) else None)
            if "interrupt" in heard:
                self._is_interrupted = True
                if not (terminal.interrupt() or self._is_asking):
                    self._end(EXIT_INTERRUPTED)
            with self._typed:
                self._typed.notify_all()
        terminal.interrupt()
        with self._typed:
            self._is_over = True
            self._typed.notify_all()

    def _ask(self, question: str, err: bool) -> str | None:
        """Raises KeyboardInterrupt where the command is interrupted meanwhile."""
        self._is_asking = True
        self._send(**{"err" if err else "out": question, "ask": True})
        with self._typed:
            self._typed.wait_for(lambda: self._lines or self._is_over or self._is_interrupted)
        self._is_asking = False
        if self._is_interrupted:
            raise KeyboardInterrupt
        return self._lines.pop(0) if self._lines else None

    def _work(self, terminal: Terminal, argv: list[str]) -> None:
        enter(terminal)
        try:
            with working_for(secrets.token_hex(4)):
                code = self._run(argv)
            if code is None:
                self._send(own=True)
            else:
                self._end(code)
        except Exception:
            logger.exception("a command failed")
            self._end(EXIT_UNEXPECTED, str(message("unexpected")))
        finally:
            self._is_over = True
            self.line.close()

    def _print(self, stream: str, text: str) -> None:
        self._send(**{stream: text})

    def _end(self, code: int, text: str = "") -> None:
        """Tells how the command has ended, which is always the same where the app stopped it."""
        if self._is_app_stopping:
            code, text = EXIT_UNAVAILABLE, str(message("app_stopped"))
        with self._sending:
            if text:
                self._send(err=f"{text}\n")
            self._send(exit=code)
            self._is_over = True

    def _send(self, **told: Any) -> None:
        """Does nothing where nobody is there any more: a command that was stopped ends what it has begun."""
        with self._sending:
            if self._is_over:
                return
            try:
                self.line.send(**told)
            except OSError:
                self._is_over = True

    def _terminal_of(self, told: dict[str, Any]) -> Terminal:
        def stream(name: str) -> Stream:
            given = told.get(name) or {}
            return Stream(name, self._print, bool(given.get("is_terminal")), str(given.get("encoding") or "utf-8"))

        environment = {str(name): str(value) for name, value in (told.get("environment") or {}).items()}
        columns = int(told.get("columns") or 80)
        return Terminal(str(told.get("cwd")), stream("out"), stream("err"), columns, environment, self._ask)
