"""Tests what a command that runs in the app is told when the app ends."""

import socket
import threading
import time

from commands.exit_codes import EXIT_UNAVAILABLE
from commands.host import CommandHost
from commands.relay import FOLDER, SECRET, Line, address_of
from commands.terminal import current
from library.messages import message

AS_LONG_AS_A_COMMAND_NEEDS_TO_END = 0.1  # seconds


def connected(data_dir):
    to_app = socket.socket(socket.AF_UNIX)
    to_app.connect(address_of(data_dir / FOLDER))
    line = Line(to_app)
    line.send(secret=(data_dir / FOLDER / SECRET).read_text())
    line.receive()
    line.send(argv=["watch"], cwd="/")
    return line


def test_a_command_that_ends_by_itself_once_it_is_stopped_is_told_that_the_app_has_stopped(tmp_path):
    runs, is_told = threading.Event(), threading.Event()

    def stop():
        is_told.set()
        time.sleep(AS_LONG_AS_A_COMMAND_NEEDS_TO_END)

    def run(argv):
        with current().stopping(stop):
            runs.set()
            is_told.wait(10)
        return 0

    host = CommandHost(tmp_path, run, {})
    host.start()
    line = connected(tmp_path)
    assert runs.wait(10)
    host.close()
    assert line.receive() == {"err": f"{message('app_stopped')}\n"}
    assert line.receive() == {"exit": EXIT_UNAVAILABLE}
