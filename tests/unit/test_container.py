"""Checks the image of the app: what goes in, who runs it, and how it is watched."""

import re
import subprocess

import pytest

from testing.app_server import ROOT

FILE = ROOT / "Dockerfile"
TEXT = FILE.read_text(encoding="utf-8")
IGNORED = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
COPIED = {name for names in re.findall(r"^COPY (.+) \S+$", TEXT, flags=re.MULTILINE) for name in names.split()}


def lint(text: str) -> str:
    result = subprocess.run(["hadolint", "-"], input=text, capture_output=True, text=True)
    return result.stdout if result.returncode else ""


@pytest.mark.process
def test_the_linter_finds_nothing():
    assert lint(TEXT) == ""


@pytest.mark.process
@pytest.mark.parametrize(
    ("written", "instead", "rule"),
    [
        ("python:3.12-slim", "python:latest", "DL3007"),
        ("pip install --no-cache-dir", "pip install", "DL3042"),
        ("WORKDIR /app", "WORKDIR app", "DL3000"),
    ],
)
def test_what_the_linter_is_for_is_found(written, instead, rule):
    assert written in TEXT
    assert rule in lint(TEXT.replace(written, instead))


def test_the_code_that_runs_is_copied_and_nothing_else():
    code = {path.name for path in ROOT.glob("*.py")} | {path.parent.name for path in ROOT.glob("*/__init__.py")}
    code -= {"tests", "testing", "training", "benchmarks", "docs"}
    assert {"app.py", "library", "ui", "db", "encoders"} <= code
    assert code == COPIED - {"requirements.txt", "constraints.txt", "pyproject.toml"}
    assert IGNORED[0] == "*" and {line[1:] for line in IGNORED if line.startswith("!")} == COPIED


def test_it_runs_as_somebody_who_owns_only_the_data():
    last_user = re.findall(r"^USER (\S+)$", TEXT, flags=re.MULTILINE)[-1]
    assert last_user not in ("root", "0")
    assert f"--owner {last_user}" in TEXT and "/data" in TEXT


def test_it_is_watched_by_the_health_endpoint():
    from ui.health import PATH

    assert re.search(rf"^HEALTHCHECK (?:.|\\\n)*{PATH}", TEXT, flags=re.MULTILINE)
    assert "GRADIO_SERVER_PORT=7860" in TEXT and "EXPOSE 7860" in TEXT
