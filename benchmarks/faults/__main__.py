"""Breaks the program in every way at random moments, and prints what was lost, doubled or wrong after it recovered.

python -m benchmarks.faults [--trials 18] [--server-trials 8] [--only NAME]
"""

import random
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from benchmarks.faults.commands import COMMANDS
from benchmarks.faults.kills import Operation, tried
from benchmarks.faults.place import Place
from benchmarks.faults.results import Results, print_heading, print_line
from benchmarks.faults.uploads import upload_kills
from benchmarks.faults.watches import Watch
from testing.milvus_server import MilvusServer

Fault = Callable[[Place, random.Random, int], Results]


def _killed(kind: type[Operation], place: Place, chance: random.Random, trials: int) -> Results:
    return tried(kind(place, chance), trials)


KILLS: dict[str, Fault] = {"upload": upload_kills}
KILLS |= {
    kind.name.split()[-1 if kind.name.startswith(("bulk", "emptying")) else 0]: partial(_killed, kind)
    for kind in (*COMMANDS, Watch)
}


def main(
    trials: Annotated[int, typer.Option(help="How often each fault is made with Milvus Lite.")] = 18,
    server_trials: Annotated[int, typer.Option(help="How often on a server, where each takes longer.")] = 8,
    only: Annotated[list[str] | None, typer.Option(help=f"One of {', '.join(KILLS)}; else all.")] = None,
    seed: Annotated[int, typer.Option(help="Another one gives other moments.")] = 0,
) -> None:
    print_heading()
    with tempfile.TemporaryDirectory() as folder, _server(Path(folder), server_trials) as server:
        made = partial(_made, Path(folder), only or list(KILLS), seed)
        with ThreadPoolExecutor(2) as both:  # a server mostly waits
            parts = [both.submit(made, None, trials)] if trials else []
            parts += [both.submit(made, server, server_trials)] if server else []
            done = [each for part in parts for each in part.result()]
    print(f"\n{sum(each.kills for each in done)} kills\n")
    print("\n".join(line for each in done for line in each.details) or "nothing was wrong")
    if not all(each.verdict.is_good for each in done):
        raise typer.Exit(1)


def _made(folder: Path, names: list[str], seed: int, server: MilvusServer | None, trials: int) -> list[Results]:
    done: list[Results] = []
    for name in names:
        place = Place(folder / f"{name}, {'server' if server else 'Lite'}", server)
        done.append(KILLS[name](place, random.Random(f"{seed} {name}"), trials))
        print_line(done[-1].cells)
    return done


@contextmanager
def _server(folder: Path, trials: int) -> Iterator[MilvusServer | None]:
    with ExitStack() as stack:
        yield stack.enter_context(MilvusServer(folder / "milvus")) if trials else None


if __name__ == "__main__":
    typer.run(main)
