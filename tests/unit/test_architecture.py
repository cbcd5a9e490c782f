"""Holds the walls of the house: what each room does without, and how its docstrings open."""

import ast
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

from testing.app_server import ROOT

VENDORS = {
    "botocore",
    "fastapi",
    "httpx",
    "huggingface_hub",
    "s3fs",
    "gradio",
    "pyarrow",
    "pymilvus",
    "torch",
    "transformers",
    "starlette",
    "fsspec",
    "grpc",
    "mcp",
    "prometheus_client",
    "sentence_transformers",
    "typer",
    "watchfiles",
}
ROOMS = {
    "allowed_values",
    "public_demo",
    "ui",
    "db",
    "encoders",
    "settings",
    "environment",
    "runtime",
    "server",
    "commands",
    "python_api",
    "app",
}
MAY_IMPORT = {
    "library": set(),
    "encoders": {"httpx", "huggingface_hub", "sentence_transformers", "torch", "transformers"},
    "db": {"pyarrow", "pymilvus", "grpc", "fsspec", "httpx", "watchfiles"},
    "ui": {"gradio", "httpx", "prometheus_client", "starlette"},
    "python_api": {"db"},
    "commands": {"typer", "settings", "environment", "runtime", "server", "db", "encoders"},
}
ERRORS = ROOT / "library" / "errors.py"  # where a class is the sentence that its error says
NO_VERBS = {"As", "Columns", "Fields", "Files", "Hits", "Items", "Its", "Jobs", "Milvus", "Models", "Pages", "Paths"}
NO_VERBS |= {"Phones", "Pictures", "Queries", "Results", "Rows", "Scores", "Sidecars", "States", "Tables", "Texts"}
NO_VERBS |= {"This", "Thumbnails", "Values", "Vectors", "Visitors", "Words"}
AFTER_NOUNS = {"are", "do", "have", "of", "were"}  # "Names of files" is no sentence, "Names a file" is one


def imports(path: Path) -> set[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    names = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    names |= {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    return {name.split(".")[0] for name in names}


def files_in(folder: str) -> Iterator[Path]:
    return ROOT.glob("*.py") if folder == "." else (ROOT / folder).rglob("*.py")


@pytest.mark.parametrize("room", MAY_IMPORT)
def test_a_room_stays_within_its_walls(room):
    forbidden = (VENDORS | ROOMS) - MAY_IMPORT[room] - {room}
    for path in (ROOT / room).rglob("*.py"):
        assert not imports(path) & forbidden, path


def test_every_folder_of_code_has_its_walls():
    beside = {"benchmarks", "docs", "testing", "tests", "training"}
    assert {path.parent.name for path in ROOT.glob("*/*.py")} <= {*MAY_IMPORT, *beside}


@pytest.mark.parametrize("folder", [".", *MAY_IMPORT])
def test_what_runs_needs_neither_tests_nor_benchmarks_nor_documentation(folder):
    for path in files_in(folder):
        assert not imports(path) & {"benchmarks", "docs", "testing"}, path


@pytest.mark.parametrize("folder", [".", "benchmarks", "testing", "docs", "training", *MAY_IMPORT])
def test_only_tests_import_tests(folder):
    for path in files_in(folder):
        assert "tests" not in imports(path), path


def test_every_file_of_the_root_is_a_room_and_is_checked_for_types():
    files = {path.stem for path in ROOT.glob("*.py")}
    assert files <= ROOMS
    assert files == {*tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["mypy"]["modules"]}


def test_the_training_code_is_used_by_nothing_that_runs():
    paths = [
        *ROOT.glob("*.py"),
        *(path for room in (*MAY_IMPORT, "testing", "docs") for path in (ROOT / room).rglob("*.py")),
    ]
    for path in paths:
        assert "training" not in imports(path), path


def test_a_file_opens_with_one_sentence():
    for path in [*ROOT.glob("*.py"), *(ROOT / "library").rglob("*.py")]:
        docstring = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))
        assert docstring and docstring.splitlines()[0].endswith("."), path


def docstrings(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        documented = isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        if documented and (docstring := ast.get_docstring(node)):
            yield docstring


@pytest.mark.parametrize("folder", [".", "benchmarks", "testing", "docs", "training", "tests", *MAY_IMPORT])
def test_a_docstring_opens_with_a_verb(folder):
    for path in {*files_in(folder)} - {ERRORS}:
        for docstring in docstrings(path):
            first, second = docstring.split()[:2]
            assert re.fullmatch("[A-Z][a-z]+s,?", first) and first.rstrip(",") not in NO_VERBS, f"{path}: {docstring}"
            assert first == "Tells" or second not in AFTER_NOUNS, f"{path}: {docstring}"


def test_a_public_class_says_what_it_is_for():
    for path in (path for folder in (".", *MAY_IMPORT) for path in files_in(folder)):
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                assert ast.get_docstring(node), f"{path}: {node.name}"


def test_what_is_imported_is_required_by_name():
    sources = [*ROOT.glob("*.py"), *(path for room in MAY_IMPORT for path in (ROOT / room).rglob("*.py"))]
    imported = set().union(*map(imports, sources)) - ROOMS - {"library"} - set(sys.stdlib_module_names)
    files = (ROOT / "requirements.txt", ROOT / "requirements-multilingual.txt")
    lines = [line for file in files for line in file.read_text().splitlines() if not line.startswith("-r ")]
    required = {re.split(r"[<>=]", line)[0].lower() for line in lines}
    distributions = packages_distributions()
    for name in imported:
        assert required & {each.lower().replace("_", "-") for each in distributions[name]}, name
    assert all(re.search(r"<\d", line) for line in lines), "every range has an upper bound"


@pytest.mark.process
def test_nothing_heavy_is_imported_before_the_settings_are_read():
    heavy = "[name for name in ('pymilvus', 'torch', 'gradio') if name in sys.modules]"
    code = f"import sys, app, commands.main; print({heavy})"
    result = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"
