"""Checks the README and docs/: their commands run, and their output is the real one."""

import os
import re
import shlex

from testing.app_server import ROOT, ForkedServer
from testing.pages import PAGES, blocks
from testing.program import run_program


def sessions() -> list[tuple[str, list[str]]]:
    """Returns the commands and the lines that follow them, from the console blocks; the README's come first."""
    found: list[tuple[str, list[str]]] = []
    for line in (line for page in PAGES for block in blocks("console", page) for line in block.splitlines()):
        if line.startswith("$ "):
            found.append((line[2:], []))
        else:
            found[-1][1].append(line)
    return found


def without_figures(lines: list[str]) -> list[str]:
    """Returns the lines without the figures that differ between processors."""
    return [re.sub(r"\b0\.\d{3}\b|\b\d+\.\d+\.\d+\b|\b(bfloat16|float32)\b", "*", line) for line in lines]


def test_every_shown_command_prints_what_is_shown(tmp_path):
    assert len(sessions()) >= 9
    environment = os.environ | {"DATA_DIR": str(tmp_path), "CLIP_MODEL": "small"}
    known: dict[str, list[str]] = {}
    for command, shown in sessions():
        assert command.startswith("python app.py ")
        if command == "python app.py samples" or command not in known:
            result = run_program(shlex.split(command)[2:], ROOT, environment)
            assert result.returncode == 0, result.stderr
            known[command] = result.stdout.splitlines()
        assert without_figures(known[command]) == without_figures(shown), command


def starts() -> list[dict[str, str]]:
    """Returns the settings of every start of the page that needs no service besides."""
    lines = re.findall(r"^((?:[A-Z_]+=.* )?)python app\.py$", "\n".join(blocks("sh")), flags=re.MULTILINE)
    settings = [dict(part.split("=", 1) for part in shlex.split(line)) for line in lines]
    return [each for each in settings if each and "IMAGE_STORE" not in each]


def test_the_page_starts_with_all_settings_shown(tmp_path):
    """Starts the page once with all settings together, since each start takes seconds and none excludes another."""
    names = [name for settings in starts() for name in settings]
    assert {"AUTH", "CLIP_OTHERS", "CLIP_TEXT_MODEL", "MCP"} <= set(names)
    together = {name: value for settings in starts() for name, value in settings.items()}
    server = ForkedServer(tmp_path, EDITS="", **together).wait()
    server.stop()
    log = server.log.read_text()
    assert "open http://127.0.0.1" in log and "Traceback" not in log
