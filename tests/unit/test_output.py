"""Prints into every encoding, and reports where nothing can be printed."""

import json
import os
import re
import sys
from io import BytesIO, StringIO, TextIOWrapper
from pathlib import Path

import pytest
import typer

from commands.output import confirm, echo, echo_json, echo_program
from commands.printing import counted
from runtime import replace_what_cannot_be_written

TEXT = "Zoë 색 \N{RED APPLE} \udce9"


@pytest.fixture
def written(monkeypatch):
    """Returns a function that makes the output one of an encoding, and tells what was printed on it."""

    def use(encoding, errors="strict"):
        raw = BytesIO()
        monkeypatch.setattr(sys, "stdout", TextIOWrapper(raw, encoding, errors))
        replace_what_cannot_be_written()
        return raw.getvalue

    return use


@pytest.mark.parametrize(
    ("encoding", "errors", "shown"),
    [
        ("ascii", "strict", "Zo? ? ? ?"),
        ("ascii", "surrogateescape", "Zo? ? ? ?"),
        ("cp1252", "strict", "Zoë ? ? ?"),
        ("utf-8", "strict", "Zoë 색 \N{RED APPLE} ?"),
        ("ascii", "backslashreplace", r"Zo\xeb \uc0c9 \U0001f34e \udce9"),
    ],
)
def test_characters_that_an_encoding_lacks_are_replaced(written, encoding, errors, shown):
    printed = written(encoding, errors)
    echo(TEXT)
    assert printed().decode(encoding) == shown + "\n"


@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "utf-8"])
def test_json_loses_nothing(written, encoding):
    printed = written(encoding)
    echo_json({"name": TEXT})
    assert json.loads(printed().decode(encoding)) == {"name": TEXT}


def test_a_program_stays_the_same_program(written):
    printed = written("ascii")
    echo_program('text = "Zoë"\n')
    names: dict[str, str] = {}
    exec(printed(), names)
    assert names["text"] == "Zoë"


def test_an_output_on_a_full_disk_is_told_in_one_sentence(monkeypatch, capfd):
    own = os.dup(1)
    try:
        with open("/dev/full", "w") as full:
            monkeypatch.setattr(sys, "stdout", full)
            with pytest.raises(typer.Exit) as ended:
                echo("red")
            os.dup2(os.open(os.devnull, os.O_WRONLY), full.fileno())
    finally:
        os.dup2(own, 1)
        os.close(own)
    assert ended.value.exit_code == 3
    assert capfd.readouterr().err == "The output cannot be written: No space left on device.\n"


def test_what_would_steer_the_terminal_is_replaced_and_in_json_escaped(written):
    output = written("utf-8")
    echo("a\x1b[31m\x07\n\x9bb")
    echo_json("\x07\x9bé")
    sys.stdout.flush()
    assert output().decode() == 'a\ufffd[31m\ufffd\n\ufffdb\n"\\u0007\\u009bé"\n'


def test_a_count_stands_with_one_or_with_many():
    assert [counted(number, "picture") for number in (0, 1, 2_000)] == ["0 pictures", "1 picture", "2,000 pictures"]
    assert [counted(number, "query", "queries") for number in (1, 2)] == ["1 query", "2 queries"]


class Interrupted(StringIO):
    """Gives Ctrl-C for a line."""

    def readline(self, *_):
        raise KeyboardInterrupt


@pytest.mark.parametrize(
    ("typed", "code", "said"),
    [
        (None, 1, "Nothing was done. Nobody is there to answer: give --yes to have it done without a question."),
        (StringIO(), 1, "Nothing was done. Nobody is there to answer: give --yes to have it done without a question."),
        (StringIO("what\nn\n"), 1, "Nothing was done."),
        (Interrupted(), 130, "Nothing was done."),
    ],
)
def test_a_question_without_yes_for_an_answer_ends_the_command_with_a_sentence(monkeypatch, capsys, typed, code, said):
    monkeypatch.setattr(sys, "stdin", typed)
    with pytest.raises(typer.Exit) as ended:
        confirm("Do it?", "Nothing was done.")
    assert ended.value.exit_code == code
    assert capsys.readouterr().err.splitlines()[-1] == said


def test_every_command_that_asks_takes_yes_for_the_answer_and_asks_in_one_way():
    for path in (Path(__file__).parents[2] / "commands").glob("*.py"):
        code = path.read_text()
        assert not re.search(r"typer\.(confirm|prompt)|\binput\(", code), path
        assert '"--yes"' in code or "import confirm" not in code, path
