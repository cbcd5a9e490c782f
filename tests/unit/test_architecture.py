"""Holds the walls of the house: what each room does without, and how its docstrings open."""

import ast
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from functools import cache
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

from testing.app_server import ROOT

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
    "encoders": set(),
    "db": set(),
    "ui": set(),
    "python_api": {"db"},
    "commands": {"settings", "environment", "runtime", "server", "db", "encoders"},
    ".": ROOMS,
}
VENDORS = {  # all that is imported beside the rooms and the standard library
    "library": {"numpy", "PIL", "pi_heif"},
    "encoders": {
        *("filelock", "httpx", "huggingface_hub", "numpy", "onnx", "onnxruntime", "PIL", "safetensors"),
        *("sentence_transformers", "tokenizers", "torch", "transformers"),
    },
    "db": {
        *("charset_normalizer", "filelock", "fsspec", "grpc", "httpx", "milvus_lite", "numpy", "pyarrow", "pydantic"),
        *("pymilvus", "watchfiles"),
    },
    "ui": {"anyio", "brotli", "gradio", "httpx", "numpy", "prometheus_client", "python_multipart", "starlette"},
    "python_api": {"numpy", "PIL", "rich"},
    "commands": {"filelock", "rich", "typer"},
    ".": {"dotenv", "filelock", "gradio", "pydantic", "pydantic_settings"},
}
WRITERS = {  # the files that may write others; all else of the rooms writes through the first of them
    "library/running/atomic.py",
    "db/files/hit_files.py",  # a file that the user named, query by query
    "db/files/pack_writer.py",  # into a folder that gets its name at the end
    "library/decoders/worker.py",  # the kernel's choice of whom to kill
    "library/exports/receipt_file.py",  # line by line, so that a kill leaves what was done
}
ERRORS = ROOT / "library" / "errors.py"  # where a class is the sentence that its error says
NO_VERBS = {"As", "Columns", "Fields", "Files", "Hits", "Items", "Its", "Jobs", "Milvus", "Models", "Pages", "Paths"}
NO_VERBS |= {"Phones", "Pictures", "Queries", "Results", "Rows", "Scores", "Sidecars", "States", "Tables", "Texts"}
NO_VERBS |= {"This", "Thumbnails", "Values", "Vectors", "Visitors", "Words"}
AFTER_NOUNS = {"are", "do", "have", "of", "were"}  # "Names of files" is no sentence, "Names a file" is one


@cache
def imports(path: Path) -> set[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    names = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    names |= {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and not node.level}
    return {name.split(".")[0] for name in names}


def files_in(folder: str) -> Iterator[Path]:
    return ROOT.glob("*.py") if folder == "." else (ROOT / folder).rglob("*.py")


@pytest.mark.parametrize("room", MAY_IMPORT)
def test_a_room_stays_within_its_walls(room):
    allowed = {room, "library", *MAY_IMPORT[room], *VENDORS[room], *sys.stdlib_module_names}
    paths = [*files_in(room)]
    assert paths
    for path in paths:
        assert imports(path) <= allowed, path


def test_no_room_is_allowed_what_it_does_not_import():
    for room, vendors in VENDORS.items():
        assert vendors <= set().union(*map(imports, files_in(room))), room


def test_every_folder_of_code_has_its_walls():
    beside = {"benchmarks", "docs", "testing", "tests", "training"}
    assert {path.parent.name for path in ROOT.glob("*/*.py")} <= {*MAY_IMPORT, *beside}


@pytest.mark.parametrize("folder", MAY_IMPORT)
def test_what_runs_needs_neither_tests_nor_benchmarks_nor_documentation(folder):
    for path in files_in(folder):
        assert not imports(path) & {"benchmarks", "docs", "testing"}, path


@pytest.mark.parametrize("folder", ["benchmarks", "testing", "docs", "training", *MAY_IMPORT])
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
        *(path for room in (*MAY_IMPORT, "testing", "docs") for path in files_in(room)),
    ]
    for path in paths:
        assert "training" not in imports(path), path


def test_a_file_opens_with_one_sentence():
    for path in (path for folder in MAY_IMPORT for path in files_in(folder) if path.read_text(encoding="utf-8")):
        docstring = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))
        assert docstring and docstring.splitlines()[0].endswith("."), path


def docstrings(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        documented = isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        if documented and (docstring := ast.get_docstring(node)):
            yield docstring


@pytest.mark.parametrize("folder", ["benchmarks", "testing", "docs", "training", "tests", *MAY_IMPORT])
def test_a_docstring_opens_with_a_verb(folder):
    for path in {*files_in(folder)} - {ERRORS}:
        for docstring in docstrings(path):
            first, second = docstring.split()[:2]
            assert re.fullmatch("[A-Z][a-z]+s,?", first) and first.rstrip(",") not in NO_VERBS, f"{path}: {docstring}"
            assert first == "Tells" or second not in AFTER_NOUNS, f"{path}: {docstring}"


def test_a_public_class_or_function_says_what_it_is_for():
    for path in (path for folder in MAY_IMPORT for path in files_in(folder)):
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            documented = isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
            if documented and not node.name.startswith("_"):
                assert ast.get_docstring(node), f"{path}: {node.name}"


def writes_a_file(call: ast.Call) -> bool:
    """Tells whether a call is `write_text`, `write_bytes` or an `open` for writing."""
    name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
    given = [*call.args, *(keyword.value for keyword in call.keywords if keyword.arg == "mode")]
    modes = [each.value for each in given if isinstance(each, ast.Constant) and isinstance(each.value, str)]
    return name in ("write_text", "write_bytes") or (
        name == "open" and any(re.fullmatch("[rwxabt+]{1,3}", mode) and set(mode) & set("wxa+") for mode in modes)
    )


def test_files_are_written_by_the_writers_only():
    found = set()
    for path in (path for room in ("library", "db", "encoders", "ui") for path in files_in(room)):
        calls = (node for node in ast.walk(ast.parse(path.read_text("utf-8"))) if isinstance(node, ast.Call))
        if any(map(writes_a_file, calls)):
            found.add(str(path.relative_to(ROOT)))
    assert found == WRITERS


def test_what_is_imported_is_required_by_name():
    sources = [path for room in MAY_IMPORT for path in files_in(room)]
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
