"""Checks that settings, commands and addresses of version 0.1.0 are still understood."""

import json

import typer

from commands.main import commands
from settings import load_settings
from testing.app_server import ROOT
from ui.address import filter_in, pairs_of, parts_in

SETTINGS = {
    "data_dir": "photos",
    "image_store": "s3://photos/all",
    "milvus_uri": "http://milvus:19530",
    "milvus_token": "user:word",
    "milvus_db": "photos",
    "milvus_release_after": "never",
    "clip_model": "small",
    "clip_text_model": "texts",
    "clip_others": "a,b",
    "model_release_after": "0",
    "clip_device": "cuda:1",
    "clip_dtype": "float16",
    "edits": "add",
    "sources_allowed": "/srv/photos,s3://photos",
    "auth": "user:word",
    "mcp": "1",
    "log_level": "debug",
    "gradio_server_name": "0.0.0.0",
    "gradio_server_port": "8000",
    "gradio_root_path": "/photos",
    "gradio_share": "1",
}


def test_every_setting_is_read_from_the_environment(monkeypatch):
    for name, value in SETTINGS.items():
        monkeypatch.setenv(name.upper(), value)
    settings = load_settings()
    assert SETTINGS.keys() <= type(settings).model_fields.keys()
    assert (settings.clip_dtype, settings.milvus_release_after, settings.gradio_server_port) == (
        "float16",
        "never",
        8000,
    )


def test_every_command_takes_the_options_that_it_took():
    known = typer.main.get_command(commands).commands
    for name, options in json.loads((ROOT / "tests" / "data" / "commands-0.1.0.json").read_text()).items():
        taken = {option for each in known[name].params for option in [*each.opts, *each.secondary_opts]}
        assert set(options) <= taken, name


def test_an_address_opens_the_search_that_it_opened():
    pairs = pairs_of({"address": f"?q=beach&q=people&w=-0.5&like={'a' * 64}&crop=0,0,0.5,1&where=%5B%5D&match=any"})
    assert parts_in(pairs) == [
        {"text": "beach"},
        {"text": "people", "weight": -0.5},
        {"content_id": "a" * 64, "crop": ["0", "0", "0.5", "1"]},
    ]
    assert filter_in(dict(pairs)["where"]) == []
