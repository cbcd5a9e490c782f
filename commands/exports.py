"""Writes the results of one search as a file: --out hits.csv, hits.json or hits.zip."""

from collections.abc import Sequence
from pathlib import Path

from commands.output import echo
from commands.printing import clean_path, counted, print_json
from library.errors import InvalidSelection
from library.exports.results import EXPORT_FORMATS, ExportFormat, Result, check_size, written
from library.image_library import ImageLibrary
from library.messages.reasons import reason_of
from library.running.atomic import write_atomically


def format_of(out: Path) -> ExportFormat:
    """Returns the format that the name of the file ends in. Raises InvalidSelection."""
    for kind in EXPORT_FORMATS:
        if out.suffix.lower() == f".{kind}":
            return kind
    expected = ", ".join(f".{kind}" for kind in EXPORT_FORMATS)
    raise InvalidSelection("no_results_file", name=out.name or str(out), suffixes=expected)


def write_results(library: ImageLibrary, results: Sequence[Result], out: Path, as_json: bool) -> None:
    """Writes the file whole or not at all. Raises InvalidSelection or StoreUnavailable."""
    kind = format_of(out)
    check_size(results, kind)
    try:
        write_atomically(out, written(kind, results, library.original))
    except OSError as error:
        raise InvalidSelection("cannot_write", path=str(out), problem=reason_of(error)) from None
    if as_json:
        print_json({"out": str(out), "results": len(results)})
    else:
        echo(f"{clean_path(str(out))}: {counted(len(results), 'result')}")
