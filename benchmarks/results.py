"""Writes tables: their options, their rows, and their sections in RESULTS.md."""

import os
import platform
import re
import statistics
import subprocess
import textwrap
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Annotated

import torch
import typer

ROOT = Path(__file__).parent.parent
RESULTS = Path(__file__).with_name("RESULTS.md")
TITLES = (
    *("Tower", "Engines", "Accuracy", "Preparing", "Ingest", "Peers", "Memory", "Rows"),
    *("Query", "Filters", "Relevance", "Families", "Heat", "Page", "Startup", "Lite", "Versions"),
)
PACKAGES = ("torch", "transformers", "pillow", "pymilvus", "milvus-lite", "gradio")
HEADINGS = ("measured", "", "compared with", "", "ratio", "must reach", "")
MISSED = "**missed**"
WIDTH = 120  # of lines in Markdown, but for tables

Photos = Annotated[Path, typer.Option(envvar="PHOTOS_DIR", help="A folder of photos; the default is PHOTOS_DIR.")]
Quick = Annotated[bool, typer.Option(help="Small sizes, to see that it runs; the figures mean nothing.")]
Results = Annotated[Path, typer.Option(help="The file that keeps the tables.")]
Cache = Annotated[Path, typer.Option(help="Where pictures, the model and the peers' environments are kept.")]
CACHE = Path.home() / ".cache" / "likeness-benchmarks"


@dataclass(frozen=True)
class Row:
    """Holds one comparison of a table. A row without a limit only informs."""

    measured: str
    figure: str
    compared_with: str
    other: str
    ratio: float
    at_least: float | None = None
    at_most: float | None = None

    @property
    def is_missed(self) -> bool:
        too_small = self.at_least is not None and self.ratio < self.at_least
        return too_small or (self.at_most is not None and self.ratio > self.at_most)

    @property
    def cells(self) -> list[str]:
        limit = f"{self.at_least:g}" if self.at_least is not None else ""
        limit = f"at most {self.at_most:g}" if self.at_most is not None else limit
        verdict = (MISSED if self.is_missed else "reached") if limit else ""
        return [self.measured, self.figure, self.compared_with, self.other, readable(self.ratio), limit, verdict]


@dataclass(frozen=True)
class Table:
    title: str
    rows: Sequence[Row]
    notes: Sequence[str] = field(default_factory=list)

    def __str__(self) -> str:
        lines = [line(HEADINGS), line(["---", "---:", "---", "---:", "---:", "---:", "---"])]
        lines += [line(row.cells) for row in self.rows]
        return "\n".join([*lines, "", *map(entry, self.notes)]).strip()


def publish(table: Table, results: Path, quick: bool) -> None:
    """Prints the table and puts it in place of the last one of that title."""
    print(f"## {table.title}\n\n{table}\n", flush=True)
    when = f"Measured at commit {commit()}{', **quick: small sizes, the figures mean nothing**' if quick else ''}."
    text = results.read_text(encoding="utf-8") if results.exists() else ""
    results.write_text(with_section(text, introduction(), table.title, f"{when}\n\n{table}"), encoding="utf-8")


def with_section(text: str, introduction: str, title: str, body: str) -> str:
    """Returns the text with that section new, and every other section as it was."""
    sections = sections_of(text) | {title: body.strip()}
    known = [name for name in TITLES if name in sections]
    order = [*known, *(name for name in sections if name not in known)]
    return "\n\n".join([introduction.strip(), *(f"## {name}\n\n{sections[name]}" for name in order)]) + "\n"


def sections_of(text: str) -> dict[str, str]:
    parts = re.split(r"^## (.+)$", text, flags=re.MULTILINE)
    return {name.strip(): body.strip() for name, body in zip(parts[1::2], parts[2::2], strict=True)}


def introduction() -> str:
    how = (
        "Medians of one run each, by `python -m benchmarks.all` or, for one table, its module. Every table names the "
        "commit at which it was measured; compare figures of different commits by their ratios only. Machine:"
    )
    return "\n".join(["# Measured", "", textwrap.fill(how, WIDTH), "", *machine()])


def machine() -> list[str]:
    instructions = [name for name in ("avx2", "avx512", "avx512_bf16", "amx_tile", "vnni") if _has(name)]
    versions = ", ".join(f"{name} {version(name)}" for name in PACKAGES)
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    described = [
        f"{_processor()}, {os.cpu_count()} cores, {memory:.0f} GiB of memory, no GPU used",
        f"torch finds {torch.backends.cpu.get_cpu_capability()}: {', '.join(instructions) or 'nothing special'}",
        f"{_system()}, Python {platform.python_version()}, {versions}",
    ]
    return list(map(entry, described))


def _has(name: str) -> bool:
    return bool(getattr(torch.cpu, f"_is_{name}_supported", bool)())


def _processor() -> str:
    try:
        described = Path("/proc/cpuinfo").read_text()
    except OSError:
        return platform.processor() or platform.machine()
    found = re.search(r"^model name\s*: (.*)$", described, flags=re.MULTILINE)
    return found[1] if found else platform.machine()


def _system() -> str:
    try:
        return platform.freedesktop_os_release()["PRETTY_NAME"]
    except OSError:
        return platform.platform(terse=True)


def commit() -> str:
    """Returns the commit that is measured; the tables themselves may have changed since."""
    changes = [line for line in _git("status", "--porcelain").splitlines() if not line.endswith(RESULTS.name)]
    return f"{_git('rev-parse', '--short', 'HEAD') or 'unknown'}{' with changes' if changes else ''}"


def _git(*arguments: str) -> str:
    return subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True).stdout.strip()


def medians(rounds: int, *measures: Callable[[], float]) -> list[float]:
    """Returns the median of each measure, taken in turn, so that what disturbs the machine meets all of them."""
    taken = [[measure() for measure in measures] for _ in range(rounds)]
    return [statistics.median(figures) for figures in zip(*taken, strict=True)]


def seconds(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def readable(figure: float) -> str:
    if figure >= 100:
        return f"{figure:,.0f}"
    return f"{figure:.1f}" if figure >= 10 else f"{figure:.2f}"


def per_second(rate: float, what: str = "images") -> str:
    return f"{readable(rate)} {what}/s"


def entry(text: str) -> str:
    """Returns the entry of a list in Markdown."""
    return textwrap.fill(text, WIDTH, initial_indent="- ", subsequent_indent="  ", break_on_hyphens=False)


def line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
