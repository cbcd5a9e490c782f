"""Runs the app as a Hugging Face Space, with ZeroGPU and without, driven in Chromium."""

import os
import shutil
import tomllib
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

import gradio
import httpx
import pytest
from huggingface_hub import SpaceHardware
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.version import Version
from PIL import Image

from settings import Settings
from testing.app_server import ROOT, ForkedServer
from testing.browser import PATIENCE, counts, loaded, names, overhang, search, upload
from testing.pictures import samples
from testing.program import run_forked
from testing.skipping import skip_or_fail
from testing.space import NO_HUB, Space, digests, front_matter, others_reach, parsed, shown_commands, uploaded
from testing.tiny_clip import put_preloaded

pytestmark = pytest.mark.filterwarnings("ignore")

SAMPLES = 60

# https://huggingface.co/docs/hub/spaces-config-reference names these fields and colours; any repository has a license.
FIELDS = {
    *("title", "emoji", "colorFrom", "colorTo", "sdk", "python_version", "sdk_version", "suggested_hardware"),
    *("suggested_storage", "app_file", "app_build_command", "app_port", "base_path", "fullWidth", "header", "models"),
    *("short_description", "datasets", "tags", "thumbnail", "pinned", "hf_oauth", "hf_oauth_scopes", "license"),
    *("hf_oauth_expiration_minutes", "disable_embedding", "startup_duration_timeout", "custom_headers"),
    "preload_from_hub",
}
COLOURS = {"red", "yellow", "green", "blue", "indigo", "purple", "pink", "gray"}


@pytest.fixture(scope="module")
def space(tmp_path_factory) -> Iterator[Space]:
    """Runs a Space on ZeroGPU."""
    if shutil.which("node") is None:
        skip_or_fail("Node is not installed")
    if os.getuid() == 0 and shutil.which("setpriv") is None:
        skip_or_fail("setpriv is not installed: nobody can run the app but root")
    if os.getuid() == 0 and not others_reach(Path(gradio.__file__)):
        skip_or_fail("Gradio is installed in a folder of root's own: a virtual environment elsewhere is needed")
    space = Space(tmp_path_factory.mktemp("zero"))
    code = digests(space.code)
    try:
        yield space.wait()
        assert digests(space.code) == code
    finally:
        space.stop()
    assert space.process.returncode == 0, space.log.read_text()
    assert "Traceback" not in space.log.read_text()


def note(space, name):
    return [each[name] for each in space.notes if name in each]


def wait_for_samples(page):
    page.locator("#header", has_text=f"{SAMPLES} pictures").wait_for(timeout=4 * PATIENCE)


# With ZeroGPU


def test_the_sample_pictures_are_there_at_the_first_visit(space, browser):
    page = browser.open(space.url)
    wait_for_samples(page)
    loaded(page, "#results .lk-card img")
    assert set(names(page)) <= set(samples())


def test_words_find_pictures_and_the_page_is_as_wide_as_a_phone(space, phone):
    page = phone.open(space.url)
    search(page, "red balloons")
    assert "red balloons" in names(page)[0]
    assert overhang(page) <= 0


def test_a_picture_is_taken_in_and_can_be_viewed(space, browser, tmp_path):
    path = tmp_path / "a grey one.png"
    Image.new("RGB", (64, 48), "grey").save(path)
    page = browser.open(space.url)
    upload(page, path)
    assert counts(page) == ["1 new"]
    page.locator("#results .lk-card", has_text=path.name).locator(".lk-open").click()
    loaded(page, "dialog[open] img")


def test_the_page_comes_from_node(space):
    answer = httpx.get(space.url, headers={"Accept": "text/html"})
    assert answer.headers["x-sveltekit-page"] == "true"
    assert 'class="gradio-container' in answer.text
    assert any("node" in child for child in space.children)


def test_the_styles_outweigh_gradio_s_own(space, browser):
    page = browser.open(space.url)
    width = "element => getComputedStyle(element).borderTopWidth"
    assert page.get_by_role("button", name="Library").evaluate(width) == "1px"


def test_the_app_runs_as_somebody_else_than_root(space):
    assert space.user != 0
    assert note(space, "uid") == [space.user]


def test_encoding_is_decorated_and_nothing_else(space, browser):
    search(browser.open(space.url), "a rainbow")
    kinds = [next(iter(each)) for each in space.notes]
    assert kinds[:3] == ["imported", "decorated", "launched"]
    assert note(space, "decorated") == ["encoders.zerogpu_encoder.ZeroGpuEncoder._towers_on.<locals>.run"]
    assert set(kinds[3:]) == {"called"}
    assert all(each["well"] for each in space.notes if "called" in each)
    assert space.process.pid not in note(space, "worker")


# Without ZeroGPU


def test_without_zerogpu_the_processor_encodes(tmp_path, browser):
    server = ForkedServer(tmp_path, SPACE_ID="someone/likeness", EDITS="", HF_ENDPOINT=NO_HUB).wait()
    try:
        page = browser.open(server.url)
        wait_for_samples(page)
        search(page, "a rainbow")
        assert "rainbow" in names(page)[0]
        assert ", cpu, " in server.log.read_text()
    finally:
        server.stop()


# What the README and its page in docs/ say


def test_the_front_matter_is_complete_and_true():
    said = front_matter()
    assert said["sdk"] == "gradio" and (ROOT / said["app_file"]).is_file()
    assert said["models"] == [Settings.model_fields["clip_model"].default]
    assert Version(said["python_version"]) in SpecifierSet(_project()["requires-python"])
    assert Version(said["sdk_version"]) in _requirement("gradio").specifier
    assert Version(said["sdk_version"]) == Version(version("gradio"))
    assert said["suggested_hardware"] in [each.value for each in SpaceHardware]
    assert said.keys() <= FIELDS and {said["colorFrom"], said["colorTo"]} <= COLOURS
    assert len(said["short_description"]) <= 60
    assert {"title", "emoji", "tags", "license", "colorFrom", "colorTo"} <= said.keys()


def test_the_torch_that_zerogpu_has_is_the_newest_that_its_python_is_given():
    environment = {"python_version": ".".join(front_matter()["python_version"].split(".")[:2])}
    [torch] = [each for each in _requirements("torch") if each.marker is None or each.marker.evaluate(environment)]
    fits = [
        version for version in ("2.7.1", "2.8.0", "2.9.1", "2.10.0", "2.11.0", "2.12.0") if version in torch.specifier
    ]
    assert fits == ["2.8.0", "2.9.1", "2.10.0", "2.11.0"]


def test_what_is_preloaded_suffices_to_load_the_model(tmp_path):
    [line] = front_matter()["preload_from_hub"]
    model, files = line.split()
    assert model == Settings.model_fields["clip_model"].default
    folder = tmp_path / "hub" / f"models--{model.replace('/', '--')}"
    put_preloaded(folder, files.split(","))
    code = f"from encoders.loading import load_encoder; print(load_encoder({model!r}).info.dim)"
    environment = {**os.environ, "HF_HOME": str(tmp_path), "HF_ENDPOINT": NO_HUB}
    result = run_forked(["-c", code], ROOT, environment)
    assert result.stdout.strip() == "16", result.stderr


def test_the_commands_are_ones_that_the_hub_understands():
    login, create, upload, bucket, volume = shown_commands()
    assert login == ["hf", "auth", "login"]
    assert parsed(create)["repo_type"] == parsed(upload)["repo_type"] == "space"
    assert parsed(create)["sdk"] == front_matter()["sdk"]
    assert parsed(create)["repo_id"] == parsed(upload)["repo_id"] == parsed(volume)["space_id"]
    assert list(parsed(volume)["volume"]) == [f"hf://buckets/{parsed(bucket)['bucket_id']}:/data"]


def test_tests_benchmarks_data_and_secrets_stay_here():
    here = [
        ".env",
        "data/milvus.db/x",
        "venv/bin/python",
        ".venv/bin/python",
        "ui/__pycache__/page.cpython-312.pyc",
        "node_modules/typescript/bin/tsc",
    ]
    there = [
        "app.py",
        "README.md",
        "pyproject.toml",
        "requirements.txt",
        "ui/assets/js/page/start.js",
        "encoders/small/model.safetensors",
    ]
    tests = ["tests/process/test_space.py", "benchmarks/all.py", "testing/zerogpu/spaces.py", "training/small/train.py"]
    assert all((ROOT / name).is_file() for name in there + tests)
    assert uploaded([*here, *there, *tests]) == set(there)


@pytest.mark.parametrize(("space_id", "host"), [("someone/likeness", "0.0.0.0"), ("", "127.0.0.1")])
def test_a_space_listens_to_everybody_at_the_port_that_spaces_have(monkeypatch, space_id, host):
    monkeypatch.setenv("SPACE_ID", space_id)
    for name in ("GRADIO_SERVER_NAME", "GRADIO_SERVER_PORT", "EDITS"):
        monkeypatch.delenv(name, raising=False)
    settings = Settings(_env_file=None)
    assert (settings.gradio_server_name, settings.gradio_server_port) == (host, None)
    assert settings.allowed_edits == ("own" if space_id else "all")
    from gradio.http_server import INITIAL_PORT_VALUE

    assert INITIAL_PORT_VALUE == 7860


def _project():
    return tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def _requirements(name):
    lines = (ROOT / "requirements.txt").read_text().splitlines()
    return [each for each in (Requirement(line.split("#")[0]) for line in lines) if each.name == name]


def _requirement(name):
    [found] = _requirements(name)
    return found
