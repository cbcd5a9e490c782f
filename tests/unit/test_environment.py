"""Reads .env as editors of all kinds write it, expands paths, and finds variables that are misspelt."""

import codecs
import os
import re
from pathlib import Path

import pytest

from environment import misspelt, read_dotenv
from server import missing
from settings import Settings, SettingsError, load_settings

OURS = [name.upper() for name in Settings.model_fields]

# Of machines, of other programs, and of the libraries that this one rests on.
OF_OTHERS = (Path(__file__).parent / "variables_of_others.txt").read_text().split()
OF_OTHERS_IN_DOTENV = re.findall(
    r"\w+",
    """
    HOST HOSTS PATH PORT EDITOR AUTH_TOKEN AUTHOR MODE MODEL IMAGE DEBUG TZ LANG HOME ROOT DATA DATABASE_URL HF_HOME
    COMPOSE_PROJECT_NAME COMPOSE_FILE COMPOSE_PROFILES MINIO_ROOT_USER MINIO_ROOT_PASSWORD HF_TOKEN PYTHONPATH NO_PROXY
    AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_ENDPOINT_URL AWS_REGION OMP_NUM_THREADS CUDA_VISIBLE_DEVICES HTTPS_PROXY
    GRADIO_TEMP_DIR GRADIO_ANALYTICS_ENABLED GRADIO_SSR_MODE
    """,
)
MISSPELT = re.findall(
    r"\w+",
    """
    EDTIS EIDTS EDIST DEITS EDIT EDITES EDIS EFITS ATUH AUHT AUTHH AUT AURH DMEO DEOM DEMOO DATA_DRI DAT_DIR DIR_DATA
    HOSTS_ALLOWED HOST_ALLOWED ALLOWEDHOSTS MILVUS_TOKEN_ MILVUS_URL MILVUS_RUI CLIP_MODLE CLPI_MODLE LOG_LEVLE edtis
    LEVEL_LOG TRSAH_DAYS QUEEU METRISC MPC IMAGESTORE SORUCES_ALOWED GRADIO_SERVER_PROT FORWARDED_IPS_ALLOW
    """,
)
MISSPELT_IN_DOTENV = ["MILVUS_HOST", "MILVUS_PASSWORD", "LOGLEVEL", "OAUTH", "AUTO", "LGO_LEVLE", "DTA_DRI", "MCPS"]


@pytest.fixture(autouse=True)
def elsewhere(monkeypatch, tmp_path):
    for name in OURS:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))


@pytest.mark.parametrize(
    "written",
    [
        "MILVUS_DB=Zoë\n".encode(),
        codecs.BOM_UTF8 + "MILVUS_DB=Zoë\n".encode(),
        "MILVUS_DB=Zoë\r\n".encode("utf-16"),
        codecs.BOM_UTF16_BE + "MILVUS_DB=Zoë\r\n".encode("utf-16-be"),
        "MILVUS_DB=Zoë\r\n".encode("utf-16-le"),
    ],
    ids=["utf-8", "utf-8 with a mark", "utf-16", "utf-16 of other order", "utf-16 without a mark"],
)
def test_dotenv_is_read_in_the_encodings_of_every_system(tmp_path, written):
    (tmp_path / ".env").write_bytes(written)
    assert load_settings().milvus_db == "Zoë"


@pytest.mark.parametrize(
    ("written", "told"),
    [
        ("# All\nMILVUS_DB=Zoë\n".encode("cp1252"), "is not UTF-8 (line 2)"),
        ("MILVUS_DB=조이\n".encode("cp949"), "is not UTF-8 (line 1)"),
        (b"MILVUS_DB=\0\n", "is no text"),
        (codecs.BOM_UTF16_LE + b"M\0I", "is not UTF-8"),
    ],
)
def test_a_dotenv_in_any_other_encoding_is_refused_in_one_line(tmp_path, written, told):
    (tmp_path / ".env").write_bytes(written)
    with pytest.raises(SettingsError) as raised:
        load_settings()
    assert told in str(raised.value) and ".env" in str(raised.value) and "\n" not in str(raised.value)


def test_a_dotenv_that_is_a_folder_is_named(tmp_path):
    (tmp_path / ".env").mkdir()
    with pytest.raises(SettingsError, match=r"\.env is a folder"):
        load_settings()


def test_without_a_dotenv_nothing_is_read(tmp_path):
    assert read_dotenv(tmp_path / ".env") == {}


@pytest.mark.parametrize(
    ("name", "value", "read"),
    [
        ("DATA_DIR", "~/likeness", "{home}/likeness"),
        ("DATA_DIR", "$HOME/likeness", "{home}/likeness"),
        ("IMAGE_STORE", "${HOME}/pictures", "{home}/pictures"),
        ("IMAGE_STORE", "file://~/pictures", "file://{home}/pictures"),
        ("IMAGE_STORE", "s3://bucket/~$HOME", "s3://bucket/~$HOME"),
        ("CLIP_MODEL", "~/model", "{home}/model"),
        ("CLIP_TEXT_MODEL", "$HOME/texts", "{home}/texts"),
        ("CLIP_OTHERS", "small, ~/model", "small,{home}/model"),
        ("SOURCES_ALLOWED", "~/photos,s3://bucket/$HOME", "{home}/photos,s3://bucket/$HOME"),
    ],
)
@pytest.mark.parametrize("place", ["environment", "dotenv", "argument"])
def test_a_path_of_a_setting_is_expanded(monkeypatch, tmp_path, place, name, value, read):
    given = {}
    if place == "environment":
        monkeypatch.setenv(name, value)
    elif place == "dotenv":
        (tmp_path / ".env").write_text(f"{name}='{value}'\n")
    else:
        given = {name.lower(): value}
    assert str(getattr(load_settings(**given), name.lower())) == read.format(home=tmp_path)


@pytest.mark.parametrize("place", ["environment", "dotenv"])
@pytest.mark.parametrize(
    ("value", "told"),
    [
        ("~nobody-of-this-name/data", "begins with ~nobody-of-this-name, the home folder of no user"),
        ("$NOT_SET/data", "names the variable NOT_SET, which is not set"),
        ("${NOT_SET}/data", "names the variable NOT_SET, which is not set"),
        ("$HOME/${NOT_SET}", "names the variable NOT_SET, which is not set"),
    ],
)
def test_a_path_with_the_name_of_nothing_is_refused(monkeypatch, tmp_path, place, value, told):
    if place == "environment":
        monkeypatch.setenv("DATA_DIR", value)
    else:
        (tmp_path / ".env").write_text(f"DATA_DIR={value}\n")
    with pytest.raises(SettingsError) as raised:
        load_settings()
    assert f"DATA_DIR={value} {told}" in str(raised.value)


def test_a_variable_of_dotenv_with_a_value_of_its_own_is_filled_in(tmp_path):
    (tmp_path / ".env").write_text("ROOT=/srv\nMILVUS_DB=${NOT_SET:-here}\nDATA_DIR=${ROOT}/data\n")
    assert read_dotenv(tmp_path / ".env")["DATA_DIR"] == "/srv/data"
    assert read_dotenv(tmp_path / ".env")["MILVUS_DB"] == "here"


def test_a_line_of_dotenv_that_sets_nothing_is_refused_by_its_number(tmp_path, caplog):
    for line in ("DATA_DIR data", "DATA_DIR", "DATA_DIR='data", "= data", "DATA DIR=data"):
        (tmp_path / ".env").write_text(f"# All\n\n{line}\n")
        with pytest.raises(SettingsError, match=r"^\.env cannot be understood in line 3: NAME=value is expected"):
            load_settings()
    assert not caplog.records


def test_a_folder_behind_one_that_cannot_be_entered_is_refused(monkeypatch):
    monkeypatch.setenv("DATA_DIR", "/proc/1/" + "x" * 300)
    with pytest.raises(SettingsError, match="DATA_DIR="):
        load_settings()


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ("EDIT", "EDITS"),
        ("edit", "EDITS"),
        ("MILVUS_URL", "MILVUS_URI"),
        ("MILVUS_TOKNE", "MILVUS_TOKEN"),
        ("CLIP_MODELS", "CLIP_MODEL"),
        ("CLIP_OTHER", "CLIP_OTHERS"),
        ("SOURCE_ALLOWED", "SOURCES_ALLOWED"),
        ("IMAGES_STORE", "IMAGE_STORE"),
        ("DATADIR", "DATA_DIR"),
        ("AUTHS", "AUTH"),
        ("CLIP_MODELL", "CLIP_MODEL"),
        ("DATA_DIRR", "DATA_DIR"),
        ("GRADIO_SERVERNAME", "GRADIO_SERVER_NAME"),
        ("GRADIO_SERVER_HOST", "GRADIO_SERVER_NAME"),
        ("GRADIO_SERVER_ADDRESS", "GRADIO_SERVER_NAME"),
        ("GRADIO_PORT", "GRADIO_SERVER_PORT"),
        ("MILVUS_ADDRESS", "MILVUS_URI"),
        ("MILVUS_DATABASE", "MILVUS_DB"),
        ("DATA_FOLDER", "DATA_DIR"),
        ("LIKENESS_EDITS", "EDITS"),
        ("CLIP_PRECISION", "CLIP_DTYPE"),
    ],
)
@pytest.mark.parametrize("place", ["environment", "dotenv"])
def test_a_variable_that_is_nearly_a_setting_is_refused(monkeypatch, tmp_path, place, given, meant):
    if place == "environment":
        monkeypatch.setenv(given, "none")
    else:
        (tmp_path / ".env").write_text(f"{given}=none\n")
    with pytest.raises(SettingsError, match=f"no setting {given}. Did you mean {meant}?"):
        load_settings()


def test_settings_and_the_variables_of_others_are_left_alone():
    assert misspelt([*OURS, *OF_OTHERS], OURS) is None
    assert misspelt([*OURS, *OF_OTHERS_IN_DOTENV], OURS, is_for_us=True) is None


def test_a_slip_of_the_fingers_is_found_wherever_it_is():
    assert [name for name in MISSPELT if not misspelt([name], OURS)] == []
    assert [name for name in [*MISSPELT, *MISSPELT_IN_DOTENV] if not misspelt([name], OURS, is_for_us=True)] == []


def test_every_slip_in_a_short_setting_is_found():
    for name in ("AUTH", "DEMO", "EDITS"):
        swapped = {name[:at] + name[at + 1] + name[at] + name[at + 2 :] for at in range(len(name) - 1)}
        fewer = {name[:at] + name[at + 1 :] for at in range(len(name))}
        more = {name[:at] + letter + name[at:] for at in range(len(name) + 1) for letter in "SX_1"}
        other = {name[:at] + letter + name[at + 1 :] for at in range(len(name)) for letter in "QX_1"}
        for each in (swapped | fewer | more | other) - {"XAUTH"}:
            assert misspelt([each], OURS) == (each, name)


def test_nothing_is_open_to_all_by_a_slip_in_dotenv(tmp_path):
    (tmp_path / ".env").write_text("EDTIS=none\n")
    with pytest.raises(SettingsError, match=r"no setting EDTIS\. Did you mean EDITS\?"):
        load_settings()


def test_the_environment_of_this_process_is_left_alone():
    assert misspelt(os.environ, OURS) is None


def test_an_empty_variable_is_left_alone(monkeypatch):
    monkeypatch.setenv("EDIT", "")
    assert load_settings().allowed_edits == "all"


def test_allowed_sources_that_are_not_there_are_known(monkeypatch, tmp_path):
    monkeypatch.setenv("SOURCES_ALLOWED", f"{tmp_path},/nonexist,s3://bucket")
    assert missing(load_settings().source_prefixes) == ["/nonexist"]


@pytest.mark.parametrize("given", ["::1", "[::1]", " ::1 "])
def test_an_address_of_ipv6_may_have_brackets_and_is_private(monkeypatch, given):
    monkeypatch.setenv("GRADIO_SERVER_NAME", given)
    settings = load_settings()
    assert (settings.gradio_server_name, settings.allowed_edits) == ("::1", "all")


def test_a_relative_path_stays_relative(monkeypatch):
    monkeypatch.setenv("DATA_DIR", "data")
    assert load_settings().data_dir == Path("data")


def test_a_file_in_the_place_of_the_image_store_is_named_at_the_start(monkeypatch, tmp_path):
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "images").write_text("in the way")
    monkeypatch.setenv("DATA_DIR", "data")
    with pytest.raises(SettingsError, match="images is a file where the image store needs a folder"):
        load_settings()
