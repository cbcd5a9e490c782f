"""Defines the options that several commands share, and those that are numbers."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, NoReturn

import typer

from commands.exit_codes import EXIT_USAGE
from commands.session import fail
from library.errors import InvalidArgument
from library.messages import Message
from library.messages.arguments import Arguments
from library.validation import read_number
from runtime import printable

AsJson = Annotated[bool, typer.Option("--json", help="Prints JSON.")]
InPlace = Annotated[bool, typer.Option(help="Stores no originals: they are read from where they are.")]
WithSidecars = Annotated[
    bool, typer.Option("--sidecars/--no-sidecars", help="Keeps what Takeout's JSON and XMP beside a picture say of it.")
]
Encoding = Annotated[str, typer.Option(help="The encoding of a table, or of names in archives; inferred if not given.")]
Model = Annotated[str, typer.Option(help="A model by its name or folder, instead of CLIP_MODEL.")]


@dataclass(frozen=True)
class _Typed(Arguments):
    """Checks an option, which is shown as it was typed; a bad one ends the program with one sentence."""

    typed: str

    def impossible(self, name: str, value: object, allowed: Message) -> NoReturn:
        given = f"{name} {printable(self.typed[:80])}"
        fail(str(self.kind("argument_impossible", given=given, allowed=allowed)), EXIT_USAGE)


def whole(option: str, help: str, least: int | None = None, most: int | None = None) -> Any:
    """Returns an option that is a whole number within a range; anything else ends the program with one sentence."""

    def parse(text: str) -> int:
        return _Typed(InvalidArgument, text).whole(option, _read(int, text), least, most)

    return typer.Option(option, help=help, parser=parse, metavar="INTEGER")


def number(option: str, help: str) -> Any:
    """Returns an option that is a number; anything else ends the program with one sentence."""

    def parse(text: str) -> float:
        return _Typed(InvalidArgument, text).finite(option, _read(float, text))

    return typer.Option(option, help=help, parser=parse, metavar="NUMBER")


def of_search(option: str, help: str, kind: str = "INTEGER") -> Any:
    """Returns an option that is a number of a search, read as an address is: `SearchRequest` says what is wrong."""
    return typer.Option(option, help=help, parser=read_number, metavar=kind)


def _read(kind: Callable[[str], float], text: str) -> object:
    try:
        return kind(text)
    except ValueError:
        return text
