"""Breaks the program in every way at random moments, and prints what was lost, doubled or wrong after it recovered.

python -m benchmarks.faults [--trials 18] [--server-trials 8] [--only NAME]
"""

import random
import tempfile
import traceback
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from benchmarks.faults.backups import Repair, Restore
from benchmarks.faults.buckets import troubled
from benchmarks.faults.clocks import jumping
from benchmarks.faults.commands import Delete, EmptyTrash, Import, Ingest, Rebuild, Reindex
from benchmarks.faults.crowds import on_one_folder, together
from benchmarks.faults.disks import full, full_backup, read_only
from benchmarks.faults.kills import Operation, tried
from benchmarks.faults.ledger import Verdict
from benchmarks.faults.outages import during_ingest, during_searches, frozen, killed
from benchmarks.faults.place import Place
from benchmarks.faults.results import Results, print_heading, print_line
from benchmarks.faults.uploads import upload_kills
from benchmarks.faults.watches import Watch
from testing.milvus_server import MilvusServer

Make = Callable[[Place, random.Random, int], Results]


def _killed(kind: type[Operation], place: Place, chance: random.Random, trials: int) -> Results:
    return tried(kind(place, chance), trials)


@dataclass(frozen=True)
class Fault:
    """Describes a fault: its name, the kinds of Milvus it is tried on, and how often where not `--trials` times."""

    make: Make
    on_lite: bool = True
    on_server: bool = True
    share: float = 1.0


FAULTS: dict[str, Fault] = {
    "upload": Fault(upload_kills),
    "ingest": Fault(partial(_killed, Ingest)),
    "import": Fault(partial(_killed, Import)),
    "reindex": Fault(partial(_killed, Reindex)),
    "rebuild": Fault(partial(_killed, Rebuild)),
    "delete": Fault(partial(_killed, Delete)),
    "trash": Fault(partial(_killed, EmptyTrash)),
    "watch": Fault(partial(_killed, Watch)),
    "restore": Fault(partial(_killed, Restore)),
    "repair": Fault(partial(_killed, Repair)),
    "server-killed": Fault(partial(during_ingest, killed), on_lite=False, share=0.5),
    "server-frozen": Fault(partial(during_ingest, frozen), on_lite=False, share=0.5),
    "server-killed-searches": Fault(partial(during_searches, killed), on_lite=False, share=0.5),
    "server-frozen-searches": Fault(partial(during_searches, frozen), on_lite=False, share=0.5),
    "disk-full": Fault(full, share=0.5),
    "disk-full-backup": Fault(full_backup, share=0.3),
    "disk-read-only": Fault(read_only, share=0.5),
    "s3-500": Fault(partial(troubled, "500"), on_server=False, share=0.3),
    "s3-slow": Fault(partial(troubled, "slow"), on_server=False, share=0.3),
    "s3-cut": Fault(partial(troubled, "cut"), on_server=False, share=0.3),
    "clock": Fault(jumping, on_server=False, share=0.5),
    "crowd": Fault(together, on_lite=False, share=0.4),
    "one-folder": Fault(on_one_folder, on_server=False, share=0.5),
}


def main(
    trials: Annotated[int, typer.Option(help="How often each fault is made with Milvus Lite.")] = 18,
    server_trials: Annotated[int, typer.Option(help="How often on a server, where each takes longer.")] = 8,
    only: Annotated[list[str] | None, typer.Option(help=f"One of {', '.join(FAULTS)}; else all.")] = None,
    seed: Annotated[int, typer.Option(help="Another one gives other moments.")] = 0,
) -> None:
    print_heading()
    with tempfile.TemporaryDirectory() as folder, _server(Path(folder), server_trials) as server:
        made = partial(_made, Path(folder), only or list(FAULTS), seed)
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
        fault = FAULTS[name]
        if not (fault.on_server if server else fault.on_lite):
            continue
        place = Place(folder / f"{name}-{'server' if server else 'lite'}", server)
        try:
            done.append(fault.make(place, random.Random(f"{seed} {name}"), max(1, round(fault.share * trials))))
        except Exception as error:  # the others are made all the same, and what was wrong is printed at the end
            traceback.print_exc()
            done.append(
                Results(name, verdict=Verdict(wrong=[f"{name} was not ended: {type(error).__name__}: {error}"]))
            )
        print_line(done[-1].cells)
    return done


@contextmanager
def _server(folder: Path, trials: int) -> Iterator[MilvusServer | None]:
    with ExitStack() as stack:
        yield stack.enter_context(MilvusServer(folder / "milvus")) if trials else None


if __name__ == "__main__":
    typer.run(main)
