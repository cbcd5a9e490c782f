import re
import subprocess
import sys
from pathlib import Path

import pytest

from allowed_values import ALLOWED
from settings import Settings, SettingsError, load_settings
from testing.app_server import ROOT


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch, tmp_path):
    for name in Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.chdir(tmp_path)


def load(monkeypatch, **environment: str) -> Settings:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    return load_settings()


def test_everything_has_a_default(monkeypatch):
    settings = load(monkeypatch)
    assert (str(settings.data_dir), settings.uses_lite) == ("data", True)
    assert settings.clip_model == "openai/clip-vit-base-patch32"
    assert (settings.clip_device, settings.clip_dtype) == ("auto", "auto")


@pytest.mark.parametrize(
    ("given", "root"),
    [
        ("", "{here}/data/images"),
        ("pictures", "{here}/pictures"),
        ("/tmp/pictures", "/tmp/pictures"),
        ("file:///tmp/our%20pictures", "/tmp/our pictures"),
    ],
)
def test_pictures_are_kept_in_a_folder(monkeypatch, tmp_path, given, root):
    assert load(monkeypatch, IMAGE_STORE=given).image_root == Path(root.format(here=tmp_path))


def test_pictures_are_kept_behind_a_url(monkeypatch):
    assert load(monkeypatch, IMAGE_STORE="s3://bucket/our pictures").image_root == "s3://bucket/our pictures"


def test_dotenv_is_read_and_the_environment_wins(monkeypatch, tmp_path):
    (tmp_path / ".env").write_text("CLIP_MODEL=small\nMILVUS_DB=one\n")
    settings = load(monkeypatch, MILVUS_DB="two")
    assert (settings.clip_model, settings.milvus_db) == ("small", "two")


def test_the_example_names_only_what_there_is():
    lines = (ROOT / ".env.example").read_text().splitlines()
    names = {line.lstrip("# ").split("=")[0].lower() for line in lines if "=" in line}
    assert names - {"minio_root_user", "minio_root_password"} <= set(Settings.model_fields)
    assert names >= set(Settings.model_fields) - {"gradio_share"}


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({}, 30),
        ({"MILVUS_URI": "http://localhost:19530"}, 600),
        ({"MILVUS_RELEASE_AFTER": "0"}, 0),
        ({"MILVUS_RELEASE_AFTER": "2.5"}, 2.5),
        ({"MILVUS_RELEASE_AFTER": "never"}, None),
        ({"MILVUS_RELEASE_AFTER": ""}, 30),
    ],
)
def test_release_after(monkeypatch, environment, expected):
    assert load(monkeypatch, **environment).release_after == expected


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({}, "all"),
        ({"GRADIO_SERVER_NAME": "127.0.0.2"}, "all"),
        ({"GRADIO_SERVER_NAME": "localhost"}, "all"),
        ({"GRADIO_SERVER_NAME": "0.0.0.0"}, "add"),
        ({"GRADIO_SERVER_NAME": "example.org"}, "add"),
        ({"GRADIO_SHARE": "True"}, "add"),
        ({"GRADIO_SERVER_NAME": "0.0.0.0", "EDITS": "all"}, "all"),
        ({"EDITS": "none"}, "none"),
    ],
)
def test_visitors_from_elsewhere_only_add(monkeypatch, environment, expected):
    assert load(monkeypatch, **environment).allowed_edits == expected


@pytest.mark.parametrize(("given", "level"), [("DEBUG", "debug"), ("Info", "info"), ("", None)])
def test_a_log_level_is_read_in_any_case(monkeypatch, given, level):
    assert load(monkeypatch, LOG_LEVEL=given).log_level == level


@pytest.mark.parametrize(
    ("name", "value", "allowed"),
    [
        ("IMAGE_STORE", "s3:bucket", "s3://bucket/folder"),
        ("IMAGE_STORE", "s3://", "s3://bucket/folder"),
        ("IMAGE_STORE", "s3://key:secret@bucket", "s3://bucket/folder"),
        ("IMAGE_STORE", "file://pictures", "a folder"),
        ("IMAGE_STORE", "/dev/null/pictures", "a folder"),
        ("MILVUS_URI", "./milvus.db", "http://host:port"),
        ("MILVUS_URI", "localhost:19530", "http://host:port"),
        ("MILVUS_URI", "http://localhost:65536", "http://host:port"),
        ("MILVUS_RELEASE_AFTER", "-1", "never"),
        ("MILVUS_RELEASE_AFTER", "soon", "never"),
        ("MILVUS_RELEASE_AFTER", "inf", "never"),
        ("CLIP_DEVICE", "tpu", "cuda"),
        ("CLIP_DTYPE", "int8", "bfloat16"),
        ("CLIP_ENGINE", "openvino", "onnx"),
        ("EDITS", "some", "all, add or none"),
        ("MCP", "perhaps", "true or false"),
        ("LOG_LEVEL", "loud", "debug, info, warning or error"),
        ("GRADIO_SERVER_PORT", "99999", "65535"),
        ("DATA_DIR", "/dev/null/data", "a folder"),
    ],
)
def test_a_bad_value_is_named_with_what_is_allowed(monkeypatch, name, value, allowed):
    with pytest.raises(SettingsError) as raised:
        load(monkeypatch, **{name: value})
    message = str(raised.value)
    assert name in message and value in message and allowed in message and "\n" not in message


@pytest.mark.parametrize(
    ("given", "accounts"),
    [
        ("", {}),
        ("ann:secret", {"ann": "secret"}),
        ("ann:se:cr et, bob: x ", {"ann": "se:cr et", "bob": " x "}),
        ("Zoë:pässwörd", {"Zoë": "pässwörd"}),
    ],
)
def test_accounts_are_read(monkeypatch, given, accounts):
    assert load(monkeypatch, AUTH=given).accounts == accounts


@pytest.mark.parametrize(
    "given", ["hush", "hush:", ":hush", "ann:hush,", ",", " ", "ann:hush,bob", "ann:hush,ann:other", "ann:hush,,bob:x"]
)
def test_malformed_accounts_end_the_program_and_stay_secret(monkeypatch, given):
    with pytest.raises(SettingsError) as raised:
        load(monkeypatch, AUTH=given)
    assert str(raised.value) == "AUTH is not possible: user:password[,user:password…] is expected."
    assert raised.value.__cause__ is None and raised.value.__suppress_context__


def test_passwords_are_not_shown_with_the_settings(monkeypatch):
    settings = load(monkeypatch, AUTH="ann:hush")
    assert "hush" not in f"{settings!r} {settings} {settings.model_dump()} {settings.model_dump_json()}"


def test_a_value_of_two_lines_is_named_on_one(monkeypatch):
    with pytest.raises(SettingsError) as raised:
        load(monkeypatch, EDITS="all\nmore")
    assert "\n" not in str(raised.value)


def test_a_default_folder_that_cannot_be_written_is_replaced(monkeypatch, tmp_path):
    (tmp_path / "data").write_text("a file is in the way")
    settings = load(monkeypatch)
    assert settings.data_dir.is_dir() and settings.data_dir.name.startswith("likeness-")


def test_a_folder_that_no_file_can_be_made_in_is_refused_though_the_superuser_may(monkeypatch):
    with pytest.raises(SettingsError, match="DATA_DIR=/proc/likeness is not possible"):
        load(monkeypatch, DATA_DIR="/proc/likeness")


def test_an_address_and_a_path_beyond_utf8_are_no_data_dir_of_milvus_lite(monkeypatch, tmp_path):
    odd = str(tmp_path / "\udcff")
    for place in ("s3://bucket/data", "file:///data", odd):
        with pytest.raises(SettingsError, match=r"a folder \(a path, in UTF-8\) that can be created"):
            load(monkeypatch, DATA_DIR=place)
    assert str(load(monkeypatch, DATA_DIR=odd, MILVUS_URI="http://localhost:19530").data_dir) == odd


@pytest.mark.process
@pytest.mark.parametrize("source", ["environment", "dotenv"])
def test_a_path_as_milvus_uri_ends_the_program_before_pymilvus_is_imported(tmp_path, source):
    environment = {"PATH": "/usr/bin", "MILVUS_URI": "./milvus.db"} if source == "environment" else {"PATH": "/usr/bin"}
    (tmp_path / ".env").write_text("MILVUS_URI=./milvus.db\n" if source == "dotenv" else "")
    result = subprocess.run(
        [sys.executable, str(ROOT / "app.py"), "status"], env=environment, cwd=tmp_path, capture_output=True, text=True
    )
    assert result.returncode == 2
    assert result.stderr == (
        "MILVUS_URI=./milvus.db is not possible: nothing (Milvus Lite), http://host:port or https://host:port "
        "is expected.\n"
    )


def test_places_of_the_server_are_listed_with_commas(monkeypatch):
    settings = load(monkeypatch, SOURCES_ALLOWED="/srv/photos, s3://bucket/folder,")
    assert settings.source_prefixes == ["/srv/photos", "s3://bucket/folder"]


@pytest.mark.parametrize("given", ["photos", "/srv/photos,photos", "s3://", "s3://user:secret@bucket"])
def test_a_place_of_the_server_is_an_absolute_path_or_a_url(monkeypatch, given):
    with pytest.raises(SettingsError, match="SOURCES_ALLOWED="):
        load(monkeypatch, SOURCES_ALLOWED=given)


def test_blanks_around_the_name_of_a_model_are_left_out():
    assert load_settings(clip_model=" small ", clip_text_model=" other ").clip_model == "small"
    with pytest.raises(SettingsError, match="CLIP_MODEL=   is not possible"):
        load_settings(clip_model="  ")


def test_what_a_setting_may_be_fits_its_sentence():
    plural = re.compile(r"(seconds|hours|days|names|folders|models|whole|addresses)\b")
    assert [each for each in ALLOWED.values() if plural.match(each)] == []
