"""Checks the version: stated once, and told at once."""

import tomllib

from typer.testing import CliRunner

from commands.main import commands
from testing.app_server import ROOT


def test_the_version_is_that_of_the_project(monkeypatch):
    monkeypatch.setenv("LOG_LEVEL", "none such")  # no setting is read
    version = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["version"]
    result = CliRunner().invoke(commands, ["--version"])
    assert (result.exit_code, result.output) == (0, f"likeness {version}\n")


def test_the_newest_release_in_the_changelog_is_this_version():
    version = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["version"]
    headings = [line for line in (ROOT / "CHANGELOG.md").read_text("utf-8").splitlines() if line.startswith("## ")]
    assert headings[0] == "## Unreleased"
    assert headings[1].startswith(f"## {version} - ")
