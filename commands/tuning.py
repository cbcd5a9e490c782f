"""Defines the command that compares the index with exact search and chooses how many clusters are searched."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from commands.exit_codes import EXIT_INTERRUPTED
from commands.options import AsJson, number, whole
from commands.output import echo
from commands.printing import counted, print_json
from commands.session import Session, fail, failures_as_exit_codes, interrupt, progress_bars
from commands.terminal import placed
from library.errors import InvalidEvaluation
from library.evaluation.tuning import PICTURE, QUERIES, TARGET, TEXT, K, Tuning, TuningConfig
from library.messages.reasons import reason_of
from library.running.disk import check_regular


def tune(
    context: typer.Context,
    texts: Annotated[Path | None, typer.Option(help="A file with a query on each line.")] = None,
    k: Annotated[int, whole("--k", "How many results are compared.")] = K,
    target: Annotated[float, number("--target", "The recall that texts and pictures should reach.")] = TARGET,
    queries: Annotated[int, whole("--queries", "How many texts and how many pictures are searched with.")] = QUERIES,
    store: Annotated[bool, typer.Option("--store", help="Lets searches use the suggestion from now on.")] = False,
    reset: Annotated[bool, typer.Option("--reset", help="Takes a stored choice back and measures nothing.")] = False,
    as_json: AsJson = False,
) -> None:
    """Compares the index with exact search over a range of nprobe, and suggests one."""
    session: Session = context.obj
    with failures_as_exit_codes():
        config = TuningConfig(k, target, queries, _lines_of(Path(placed(str(texts)))) if texts else ())
        with session.library() as library, interrupt() as interrupted:
            if reset:
                library.tuner.choose_nprobe(None)
                echo("nprobe is chosen automatically again.")
                return
            with progress_bars() as on_progress:
                found = library.tuner.measure(
                    config, lambda done, total: on_progress("Searching", done, total), interrupted.is_set
                )
            if found is None:
                fail("Stopped: nothing was measured.", EXIT_INTERRUPTED)
            if store and found.suggested:
                library.tuner.choose_nprobe(found.suggested.nprobe)
    stored = bool(store and found.suggested)
    if as_json:
        suggested = found.suggested.nprobe if found.suggested else None
        print_json(asdict(found) | {"suggested": suggested, "stored": stored})
    else:
        _print_tuning(found, stored)


def _lines_of(path: Path) -> list[str]:
    """Returns the lines of a file of queries. Raises InvalidEvaluation."""
    try:
        check_regular(path)
        lines = path.read_text(encoding="utf-8-sig", errors="replace").splitlines()
    except OSError as error:
        raise InvalidEvaluation("file_not_read", file=str(path), reason=reason_of(error)) from None
    if not any(line.strip() for line in lines):
        raise InvalidEvaluation("no_text_in_file", file=str(path))
    return lines


def _print_tuning(found: Tuning, stored: bool) -> None:
    came = {"given": "given", "asked": "searched for lately", "pictures": "from the pictures", "everyday": "everyday"}
    texts = ", ".join(f"{count} {came[source]}" for source, count in found.texts_from.items())
    echo(f"{counted(found.rows, 'picture')}, nlist {found.nlist}, {found.backend}")
    asked = f"{counted(found.queries[TEXT], 'text')} ({texts}), {counted(found.queries[PICTURE], 'picture')}"
    echo(f"{asked}; recall@{found.k} beside exact\n")
    echo("nprobe   text recall    ms   picture recall    ms")
    for step in found.steps:
        marks = [
            *(["present"] if step.nprobe == found.present else []),
            *(["suggested"] if step == found.suggested else []),
        ]
        echo(
            f"{step.nprobe:>6}   {step.recall[TEXT]:>11.3f}  {step.milliseconds[TEXT]:>4.1f}   "
            f"{step.recall[PICTURE]:>14.3f}  {step.milliseconds[PICTURE]:>4.1f}  {', '.join(marks)}".rstrip()
        )
    echo(f" exact   {1:>11.3f}  {found.exact[TEXT]:>4.1f}   {1:>14.3f}  {found.exact[PICTURE]:>4.1f}")
    echo(f"\n{found.sentence} {found.gain}".rstrip())
    if stored:
        echo("Stored: searches look into that number of clusters until the index is rebuilt with others.")
