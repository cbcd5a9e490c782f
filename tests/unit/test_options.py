"""Holds that an option that is no number ends the program with one sentence."""

import pytest
from typer.testing import CliRunner

import commands.main


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ("search x --limit abc", 'The limit has to be a number, not "abc".'),
        ("search x --limit 2.5", "The limit has to be a whole number, not 2.5."),
        ("search x --limit 201", "The limit is 201: 1 to 200 results are possible."),
        ("search x --nprobe many", 'The nprobe has to be a number, not "many".'),
        ("search x --offset -1", "The offset is -1: 0 or more is possible."),
        ("search x --min-score high", 'The minimum score has to be a number, not "high".'),
        ("ingest x --limit abc", "--limit abc is not possible: a whole number of 1 or more is expected."),
        ("ingest x --limit 0", "--limit 0 is not possible: a whole number of 1 or more is expected."),
        ("ingest x --batch-size 1025", "--batch-size 1025 is not possible: a whole number from 1 to 1024 is expected."),
        ("search x --min-score 1e400", 'The minimum score has to be a number, not "1e400".'),
        ("tune --target 1e400", "--target 1e400 is not possible: a finite number is expected."),
        ("duplicates --threshold low", "--threshold low is not possible: a number is expected."),
        ("evaluate --nprobe 0", "--nprobe 0 is not possible: a whole number of 1 or more is expected."),
        ("tune --k some", "--k some is not possible: a whole number is expected."),
        ("tune --target all", "--target all is not possible: a number is expected."),
    ],
)
def test_an_option_that_is_no_number_is_told_in_one_sentence(arguments, told, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(commands.main.commands, arguments.split())
    assert (result.exit_code, result.output) == (2, f"{told}\n")


def test_what_typer_does_not_understand_is_repeated_in_short():
    for arguments in (["x" * 100_000], ["search", f"--{'x' * 100_000}"]):
        found = CliRunner().invoke(commands.main.commands, arguments)
        assert found.exit_code == 2 and "No such" in found.output and len(found.output) < 2_000
