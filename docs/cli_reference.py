"""Writes docs/cli.md, the reference of the command line, from the commands themselves.

python -m docs.cli_reference
"""

import inspect
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args, get_type_hints

import typer

from commands.main import commands

PAGE = Path(__file__).with_name("cli.md")
PROGRAM = "python app.py"
WIDTH = 120
PLACEHOLDERS = {str: "TEXT", int: "INTEGER", float: "NUMBER", Path: "PATH"}
INTRODUCTION = """\
# Command line

`python -m docs.cli_reference` generates this page; `python app.py COMMAND --help` prints the same. The settings come
from the environment: see [Configuration](configuration.md).

Exit codes: 0; 1, some files were rejected, and the receipt says which; 2, wrong usage or settings, or a pack that is
refused; 3, Milvus, the image store, a source or the model is out of reach; 130, stopped. Ctrl-C or SIGTERM ends
`ingest`, `watch`, `reindex`, `import` and `restore` after the batch in hand; the same command later does the rest. They
may be killed at any moment without losing a picture. `--yes` answers the questions of `doctor --fix`, `drop` and `trash
empty`, which nobody can where there is no terminal.

A command goes through the app that has the library open, where one runs: [beside the
app](operations.md#commands-beside-the-app). One that encodes no picture, such as `search` by words or `status`, needs
no torch where the app has run before: it takes the text tower that [the engine](architecture.md#the-engine) has kept.
On a terminal a sign turns on stderr until a command prints anything.
"""


def main() -> None:
    PAGE.write_text(reference(), encoding="utf-8")


def reference() -> str:
    """Returns the whole page in Markdown."""
    program: Any = typer.main.get_command(commands)
    named = sorted(commands_of(program))
    listing = [
        f"| [`{name}`](#{name.replace(' ', '-')}) | {in_cell(joined(command.help).split('. ')[0].rstrip('.'))} |"
        for name, command in named
    ]
    start = section("Without a command", PROGRAM, program)
    sections = [line for name, command in named for line in section(name, f"{PROGRAM} {name}", command)]
    lines = [INTRODUCTION, "| command | |", "|---|---|", *listing, "", *start, *sections]
    return "\n".join(lines).rstrip() + "\n"


def commands_of(group: Any, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Yields every command with its name, those of a group with the group's before it."""
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from commands_of(command, f"{prefix}{name} ")
        else:
            yield f"{prefix}{name}", command


def section(title: str, path: str, command: Any) -> list[str]:
    """Returns the heading, the usage, the help and the table of parameters of one command."""
    hints = get_type_hints(command.callback, include_extras=True)
    defaults = inspect.signature(command.callback).parameters
    shown = [each for each in command.params if each.name in hints]
    arguments = [placeholder(each, hints) for each in shown if not is_option(each)]
    rows = [row(each, hints, defaults[each.name].default) for each in shown]
    table = ["| | default | |", "|---|---|---|", *rows, ""] if rows else []
    usage = " ".join([path, "[OPTIONS]", *arguments])
    return [f"## {title}", "", "```", usage, "```", "", *textwrap.wrap(joined(command.help), WIDTH), "", *table]


def row(parameter: Any, hints: dict[str, Any], default: object) -> str:
    if is_option(parameter):
        value = placeholder(parameter, hints)
        names = " or ".join(f"`{name} {value}`" if value else f"`{name}`" for name in spellings(parameter))
    else:
        names = f"`{placeholder(parameter, hints)}`"
    return f"| {names} | {default_shown(parameter, default)} | {in_cell(joined(parameter.help))} |"


def default_shown(parameter: Any, default: object) -> str:
    """Returns the default of a parameter as its cell shows it: for some the help describes it in place of the value."""
    if default is inspect.Parameter.empty:
        return "required"
    told = parameter.show_default if isinstance(parameter.show_default, str) else default
    return "" if told in (None, "", False) else f"`{told}`"


def is_option(parameter: Any) -> bool:
    return bool(parameter.param_type_name == "option")


def spellings(option: Any) -> list[str]:
    return [*option.opts, *option.secondary_opts]


def placeholder(parameter: Any, hints: dict[str, Any]) -> str:
    """Returns what a user replaces: the type of an option's value, nothing for a flag, the name of an argument."""
    annotation = get_args(hints[parameter.name])[0]
    kinds = {annotation, *get_args(annotation)}
    if is_option(parameter):
        inner = {kind for each in kinds for kind in (each, *get_args(each))}
        return next((word for kind, word in PLACEHOLDERS.items() if kind in inner), "")
    repeated = "…" if any(str(kind).startswith("list") for kind in kinds) else ""
    name = (parameter.metavar or parameter.name).upper() + repeated
    return name if parameter.required else f"[{name}]"


def joined(text: str | None) -> str:
    return " ".join((text or "").split())


def in_cell(text: str) -> str:
    return text.replace("|", "\\|")


if __name__ == "__main__":
    main()
