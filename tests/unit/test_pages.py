"""Checks the README and docs/: links lead somewhere, tables are complete, what is named is there."""

import re
from importlib.util import find_spec

import pytest

from docs import cli_reference
from settings import Settings
from testing.app_server import ROOT
from testing.pages import PAGES, anchors, blocks, links, read, shell_commands


def test_the_readme_is_short():
    assert len(read("README.md").splitlines()) <= 200


@pytest.mark.parametrize("page", [*PAGES, *(ROOT / "encoders").rglob("README.md")], ids=lambda page: page.name)
def test_every_link_leads_to_a_file_and_its_heading(page):
    for link in links(page):
        name, _, anchor = link.partition("#")
        target = (page.parent / name).resolve() if name else page
        assert target.exists(), link
        assert not anchor or anchor in anchors(target), link


def test_every_page_is_listed_in_the_index():
    index = ROOT / "docs" / "README.md"
    listed = {(index.parent / link).resolve() for link in links(index)}
    assert {page for page in PAGES if page != index} <= listed


def test_the_reference_of_the_command_line_is_as_the_code():
    assert read("docs/cli.md") == cli_reference.reference(), "run python -m docs.cli_reference"


def test_the_lines_of_a_page_are_short_but_for_tables_and_code():
    for page in PAGES:
        text = re.sub(r"(^```|\A---$).*?^(```|---)$", "", page.read_text("utf-8"), flags=re.MULTILINE | re.DOTALL)
        assert [line for line in text.splitlines() if len(line) > 120 and not line.startswith("|")] == [], page.name


def test_every_benchmark_is_described():
    described = "\n".join(page.read_text(encoding="utf-8") for page in PAGES)
    for path in (ROOT / "benchmarks").glob("*.py"):
        if f"python -m benchmarks.{path.stem}" in path.read_text(encoding="utf-8"):
            assert re.search(rf"\bbenchmarks\.{path.stem}\b|`{path.stem}`", described), path.name


def test_the_settings_table_is_complete():
    listed = re.findall(r"^\| `([A-Z_]+)` \|", read("docs/configuration.md"), flags=re.MULTILINE)
    assert sorted(listed) == sorted(name.upper() for name in Settings.model_fields)


def test_every_file_and_module_that_a_command_names_is_there():
    files = set(re.findall(r"(?<![\w./])[\w.-]+\.(?:example|py|txt|yml)\b", shell_commands()))
    modules = set(re.findall(r"python -m ((?:benchmarks|docs)\.\w+)", shell_commands()))
    assert {"docker-compose.milvus.yml", ".env.example", "app.py"} <= files
    assert {"benchmarks.all", "docs.cli_reference"} <= modules
    for name in files:
        assert (ROOT / name).is_file(), name
    for module in modules:
        assert find_spec(module), module


def test_every_path_within_the_project_that_a_sentence_names_is_there():
    text = "\n".join(page.read_text(encoding="utf-8") for page in PAGES if page.name != "CHANGELOG.md")
    rooms = "|".join(path.name for path in ROOT.iterdir() if path.is_dir() and not path.name.startswith("."))
    named = set(re.findall(rf"`((?:{rooms})/[\w./-]*)`", text))
    assert {"library/ports.py", "ui/words/"} <= named
    assert [name for name in named if not (ROOT / name).exists()] == []


def test_every_command_is_one_of_the_program():
    named = set(re.findall(r"\bpython app\.py ([a-z]\w*)", shell_commands()))
    known = set(re.findall(r"^## (\w+)(?: \w+)?$", read("docs/cli.md"), flags=re.MULTILINE))
    assert {"ingest", "search", "reindex", "watch"} <= named <= known


def test_every_docker_command_names_the_compose_file():
    docker = re.findall(r"docker compose .*", shell_commands())
    assert len(docker) >= 4
    assert all(command.startswith("docker compose -f docker-compose.milvus.yml ") for command in docker)


def test_every_variable_of_the_server_can_be_set():
    text = read("docs/milvus.md") + read("docs/container.md")
    example = read(".env.example")
    settable = {name.upper() for name in Settings.model_fields} & set(re.findall(r"[A-Z_]+(?==)", example))
    compose = set(re.findall(r"\$\{([A-Z_]+):", read("docker-compose.milvus.yml")))
    milvus_itself = {"COMMON_SECURITY_AUTHORIZATIONENABLED"}
    named = set(re.findall(r"\b[A-Z]+(?:_[A-Z]+)+\b|(?<=`)[A-Z]+(?=`)", text))
    assert compose <= named <= settable | compose | milvus_itself


@pytest.mark.parametrize("name", ["README.md", "docs/architecture.md"])
def test_the_drawing_of_the_tree_shows_what_there_is(name):
    [drawing] = [block for block in blocks("", ROOT / name) if block.startswith("app.py")]
    folder = ""
    drawn = set()
    for indent, entry in re.findall(r"^( *)(\S+)", drawing, flags=re.MULTILINE):
        if not indent:
            folder = entry
            drawn.add(entry.rstrip("/"))
        path = ROOT / (folder if indent else "") / entry
        assert path.exists(), entry
    there = {path.parent.name for path in ROOT.glob("*/*.py")} | {path.name for path in ROOT.glob("*.py")}
    assert there - {"testing"} <= drawn


def test_every_protection_has_a_test_that_is_there():
    named = re.findall(r"`(tests/[\w/]+\.py)::(test_\w+)`", read("docs/security.md"))
    rows = [line for line in read("docs/security.md").splitlines() if line.startswith("| ")]
    assert len(named) == len(rows) - 4 > 30  # a heading for each of the four tables
    assert [name for file, name in named if f"\ndef {name}(" not in (ROOT / file).read_text(encoding="utf-8")] == []
