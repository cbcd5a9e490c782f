"""Defines the options that several commands share, and those that are numbers."""

import math
from collections.abc import Callable
from typing import Annotated, Any, NoReturn, TypeVar

import typer

from commands.session import EXIT_USAGE, fail
from library.errors import InvalidSelection
from library.messages import Message, message
from runtime import printable

T = TypeVar("T", int, float)

AsJson = Annotated[bool, typer.Option("--json", help="Prints JSON.")]
InPlace = Annotated[bool, typer.Option(help="Stores no originals: they are read from where they are.")]
WithSidecars = Annotated[
    bool, typer.Option("--sidecars/--no-sidecars", help="Keeps what Takeout's JSON and XMP beside a picture say of it.")
]
Encoding = Annotated[str, typer.Option(help="The encoding of a table, or of names in archives; inferred if not given.")]
Model = Annotated[str, typer.Option(help="A model by its name or folder, instead of CLIP_MODEL.")]


def whole(option: str, help: str, least: int | None = None, most: int | None = None) -> Any:
    """Returns an option that is a whole number within a range; anything else ends the program with one sentence."""

    def parse(text: str) -> int:
        number = _read(int, option, text, _whole_within(least, most))
        if (least is not None and number < least) or (most is not None and number > most):
            _refuse(option, text, _whole_within(least, most))
        return number

    return typer.Option(option, help=help, parser=parse, metavar="INTEGER")


def number(option: str, help: str) -> Any:
    """Returns an option that is a number; anything else ends the program with one sentence."""

    def parse(text: str) -> float:
        found = _read(float, option, text, message("allowed_any_number"))
        if not math.isfinite(found):
            _refuse(option, text, message("allowed_finite_number"))
        return found

    return typer.Option(option, help=help, parser=parse, metavar="NUMBER")


def _read(kind: Callable[[str], T], option: str, text: str, allowed: Message) -> T:
    try:
        return kind(text)
    except ValueError:
        _refuse(option, text, allowed)


def _refuse(option: str, text: str, allowed: Message) -> NoReturn:
    given = f"{option} {printable(text[:80])}"
    fail(str(InvalidSelection("argument_impossible", given=given, allowed=allowed)), EXIT_USAGE)


def _whole_within(least: int | None, most: int | None) -> Message:
    if least is None:
        return message("allowed_whole")
    if most is None:
        return message("allowed_from", least=str(least))
    return message("allowed_between", least=str(least), most=str(most))
