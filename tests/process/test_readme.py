"""The README is true: its commands run, its output is the real one, its table is complete."""

import os
import re
import shlex

import pytest

from settings import Settings
from testing.app_server import ROOT, ForkedServer
from testing.program import run_program

README = (ROOT / "README.md").read_text(encoding="utf-8")


def sessions() -> list[tuple[str, list[str]]]:
    """Commands and the lines that follow them, from the console blocks."""
    found: list[tuple[str, list[str]]] = []
    for block in re.findall(r"```console\n(.*?)```", README, flags=re.DOTALL):
        for line in block.splitlines():
            if line.startswith("$ "):
                found.append((line[2:], []))
            else:
                found[-1][1].append(line)
    return found


def without_figures(lines: list[str]) -> list[str]:
    """Scores and precision differ between processors."""
    return [re.sub(r"\b0\.\d{3}\b|\b\d+\.\d+\.\d+\b|\b(bfloat16|float32)\b", "*", line) for line in lines]


def test_every_shown_command_prints_what_is_shown(tmp_path):
    assert len(sessions()) >= 4
    for command, shown in sessions():
        assert command.startswith("python app.py ")
        environment = os.environ | {"DATA_DIR": str(tmp_path), "CLIP_MODEL": "small"}
        result = run_program(_arguments(command), ROOT, environment)
        assert result.returncode == 0, result.stderr
        assert without_figures(result.stdout.splitlines()) == without_figures(shown), command


def _arguments(command: str) -> list[str]:
    return [quoted or plain for quoted, plain in re.findall(r'"([^"]*)"|(\S+)', command)][2:]


def commands() -> str:
    """All that are shown without being run here: in the shell blocks and within sentences."""
    blocks = re.findall(r"```sh\n(.*?)```", README, flags=re.DOTALL)
    return "\n".join([*blocks, *re.findall(r"`((?:cp|docker|pip|python) [^`]+)`", README)])


def starts() -> list[dict[str, str]]:
    """The settings of every start of the page that needs no service besides."""
    blocks = "\n".join(re.findall(r"```sh\n(.*?)```", README, flags=re.DOTALL))
    lines = re.findall(r"^((?:[A-Z_]+=.* )?)python app\.py$", blocks, flags=re.MULTILINE)
    settings = [dict(part.split("=", 1) for part in shlex.split(line)) for line in lines]
    return [each for each in settings if each and "IMAGE_STORE" not in each]


@pytest.mark.parametrize("settings", starts(), ids=str)
def test_the_page_starts_with_the_settings_shown(settings, tmp_path):
    assert len(starts()) >= 3
    server = ForkedServer(tmp_path, **settings).wait()
    server.stop()
    log = server.log.read_text()
    assert "open http://127.0.0.1" in log and "Traceback" not in log


def test_every_file_that_a_command_names_is_there():
    files = set(re.findall(r"(?<![\w./])[\w.-]+\.(?:example|py|txt|yml)\b", commands()))
    modules = set(re.findall(r"python -m (benchmarks\.\w+)", commands()))
    assert {"docker-compose.milvus.yml", ".env.example", "app.py"} <= files
    assert modules
    for name in [*files, *(module.replace(".", "/") + ".py" for module in modules)]:
        assert (ROOT / name).is_file(), name


def test_every_docker_command_names_the_compose_file():
    docker = re.findall(r"docker compose .*", commands())
    assert len(docker) >= 4
    assert all(command.startswith("docker compose -f docker-compose.milvus.yml ") for command in docker)


def test_every_variable_of_the_server_can_be_set():
    section = README.split("\n## Milvus as a server\n")[1].split("\n## ")[0]
    example = (ROOT / ".env.example").read_text(encoding="utf-8")
    settable = {name.upper() for name in Settings.model_fields} & set(re.findall(r"[A-Z_]+(?==)", example))
    compose = set(re.findall(r"\$\{([A-Z_]+):", (ROOT / "docker-compose.milvus.yml").read_text(encoding="utf-8")))
    milvus_itself = {"COMMON_SECURITY_AUTHORIZATIONENABLED"}
    named = set(re.findall(r"\b[A-Z]+(?:_[A-Z]+)+\b|(?<=`)[A-Z]+(?=`)", section))
    assert compose <= named <= settable | compose | milvus_itself


def test_the_settings_table_is_complete():
    listed = set(re.findall(r"^\| `([A-Z_]+)` \|", README, flags=re.MULTILINE))
    assert listed == {name.upper() for name in Settings.model_fields}


@pytest.mark.parametrize("link", sorted(set(re.findall(r"\]\(((?!http)[^)#]+)\)", README))))
def test_every_linked_file_is_there(link):
    assert (ROOT / link).is_file()


def test_the_drawing_of_the_tree_shows_what_there_is():
    [drawing] = re.findall(r"```\n(app\.py.*?)```", README, flags=re.DOTALL)
    for name in re.findall(r"^(\S+)", drawing, flags=re.MULTILINE):
        assert (ROOT / name).exists(), name
