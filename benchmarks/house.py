"""Compares the size of the code with an earlier commit: files, lines, functions, classes, import cycles, README.

python -m benchmarks.house [--since 58a2aee]
"""

import io
import statistics
import subprocess
import tarfile
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import typer

from testing.app_server import ROOT
from testing.structure import circles, product

Figures = dict[str, str]


def main(since: Annotated[str, typer.Option(help="The commit to compare with.")] = "58a2aee") -> None:
    with tempfile.TemporaryDirectory() as folder:
        unpack(since, Path(folder))
        before, after = figures(Path(folder)), figures(ROOT)
    print(f"|  | {since} | now |\n| --- | --- | --- |")
    for name, figure in after.items():
        print(f"| {name} | {before[name]} | {figure} |")


def unpack(commit: str, folder: Path) -> None:
    archive = subprocess.run(["git", "archive", commit], cwd=ROOT, capture_output=True, check=True).stdout
    with tarfile.open(fileobj=io.BytesIO(archive)) as files:
        files.extractall(folder, filter="data")


def figures(root: Path) -> Figures:
    sources = product(root)
    files = {source.name: source.lines for source in sources}
    functions = {name: lines for source in sources for name, lines in source.functions().items()}
    classes = {name: lines for source in sources for name, lines in source.classes().items()}
    methods = {name: count for source in sources for name, count in source.public_methods().items()}
    return {
        "files of the product": str(len(files)),
        "lines of the product": f"{sum(files.values()):,}",
        "file, median": median(files.values()),
        "file, largest": largest(files),
        "function, median": median(functions.values()),
        "function, largest": largest(functions),
        "functions over 40 lines": str(sum(lines > 40 for lines in functions.values())),
        "class, median": median(classes.values()),
        "class, largest": largest(classes),
        "public methods of one class, most": largest(methods),
        "public methods of ImageLibrary": of("ImageLibrary", methods),
        "public methods of MilvusCollection": of("MilvusCollection", methods),
        "circles of files": str(len(circles(sources))),
        "lines of README.md": str(len((root / "README.md").read_text("utf-8").splitlines())),
        "`type: ignore`s": str(sum(source.text.count("type: ignore") for source in sources)),
    }


def median(values: Iterable[int]) -> str:
    return f"{statistics.median(values):g}"


def largest(values: dict[str, int]) -> str:
    name = max(values, key=lambda each: values[each])
    return f"{values[name]} ({name})"


def of(name: str, methods: dict[str, int]) -> str:
    return next((str(count) for each, count in methods.items() if each.endswith(f" {name}")), "0")


if __name__ == "__main__":
    typer.run(main)
