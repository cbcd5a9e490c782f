"""Holds every setting of the app, read once from the environment and .env."""

import logging
import os
import re
import tempfile
import tomllib
from difflib import get_close_matches
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import unquote, urlsplit

from pydantic import BeforeValidator, Field, SecretStr, ValidationError, ValidationInfo, field_validator
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from allowed_values import LISTS, MILVUS_ADDRESS, may_be_written, not_possible, plain
from environment import DOTENV, expanded, misspelt, read_dotenv
from environment import SettingsError as SettingsError  # programs import it from here
from library.permissions import Edits
from library.running.disk import can_write
from library.texts import holds_half
from public_demo import check_demo, is_demo
from public_demo import is_space as is_space
from runtime import Level, printable

logger = logging.getLogger(__name__)

LITE_RELEASE_AFTER = 30.0  # seconds: a load costs milliseconds
SERVER_RELEASE_AFTER = 600.0  # a load costs seconds

PATHS = ("data_dir", "image_store", "clip_model", "clip_text_model", "clip_others", "sources_allowed")

PROJECT = Path(__file__).with_name("pyproject.toml")

AnyCase = BeforeValidator(lambda value: value.lower() if isinstance(value, str) else value)

# No user and no password: they would be shown with the URL.
STORE_URL = re.compile(r"[a-z][a-z0-9+.-]*://[^/?#*@\[\]][^?#*@\[\]]*")
STORE_URL_MISSPELT = re.compile(r"[a-z][a-z0-9+]+:")  # s3:bucket is no folder

HOST = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?")

LOOPBACK = "127.0.0.1,::1"
# The hub's proxy alone reaches a Space, from a private network; Gradio's renderer hands on from loopback.
PROXIES_OF_SPACES = "127.0.0.0/8,::1,10.0.0.0/8,172.16.0.0/12,192.168.0.0/16,fc00::/7"

Seconds = Annotated[float, Field(ge=0, allow_inf_nan=False)]


def version() -> str:
    """Returns the version of the project, which only its pyproject.toml states."""
    return str(tomllib.loads(PROJECT.read_text(encoding="utf-8"))["project"]["version"])


class _Dotenv(PydanticBaseSettingsSource):
    """Gives the settings that stand in .env."""

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        return None, field_name, False  # they come all at once

    def __call__(self) -> dict[str, Any]:
        found = {name.lower(): value for name, value in read_dotenv(DOTENV).items()}
        return {name: found[name] for name in self.settings_cls.model_fields if name in found}


class Settings(BaseSettings):
    """Holds every setting, by its variable in lower case; docs/configuration.md describes each."""

    model_config = SettingsConfigDict(env_ignore_empty=True, extra="ignore", frozen=True)

    data_dir: Path = Path("data")
    image_store: str = ""
    milvus_uri: str = Field("", pattern=MILVUS_ADDRESS)
    milvus_token: str = ""
    milvus_db: str = ""
    milvus_release_after: Literal["never"] | Seconds | None = None
    clip_model: str = "openai/clip-vit-base-patch32"
    clip_text_model: str = ""
    clip_others: str = ""
    model_release_after: Literal["never"] | Seconds = 600.0
    clip_device: str = Field("auto", pattern=r"^(auto|cpu|mps|cuda(:\d+)?)$")
    clip_dtype: Literal["auto", "float32", "bfloat16", "float16"] = "auto"
    clip_engine: Literal["auto", "torch", "onnx"] = "auto"
    edits: Literal["all", "add", "none"] | None = None
    demo: bool | None = None  # None: on a Space, unless EDITS or AUTH is set
    demo_quota: int = Field(20, ge=1, le=1000)
    demo_ttl: float = Field(24.0, gt=0, le=8760)
    demo_address_quota: int = Field(200, ge=1, le=1_000_000)
    demo_disk: int = Field(4096, ge=1, le=100_000_000)  # MB
    trash_days: int = Field(30, ge=0, le=36_500)
    sources_allowed: str = ""
    auth: SecretStr = SecretStr("")
    mcp: bool = False
    metrics: bool = False
    queue: int = Field(100, ge=1, le=10_000)
    log_names: bool = False
    decode_apart: bool = True
    lite_accelerated: bool = True
    log_level: Annotated[Level, AnyCase] | None = None  # None: info where the page is served, warning for commands
    allowed_hosts: str = ""
    gradio_server_name: str = Field(default_factory=lambda: "0.0.0.0" if is_space() else "127.0.0.1")
    gradio_server_port: int | None = Field(None, ge=1, le=65_535)
    gradio_root_path: str = ""
    gradio_share: bool = False
    forwarded_allow_ips: str = Field(default_factory=lambda given: _proxies_there(given.get("gradio_share")))

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Puts the reading of .env by `read_dotenv` in the place of that of pydantic."""
        return init_settings, env_settings, _Dotenv(settings_cls)

    @field_validator(*PATHS, mode="before")
    @classmethod
    def _expand(cls, value: object, field: ValidationInfo) -> object:
        if not isinstance(value, str | Path):
            return value
        name = str(field.field_name)
        places = _listed(str(value)) if name in LISTS else [str(value)]
        return ",".join(expanded(place, name.upper()) for place in places)

    @field_validator("clip_model", "clip_text_model")
    @classmethod
    def _leave_out_blanks(cls, value: str) -> str:
        if value and not value.strip():
            raise ValueError(value)
        return value.strip()

    @field_validator("gradio_server_name")
    @classmethod
    def _leave_out_brackets(cls, value: str) -> str:
        return value.strip().removeprefix("[").removesuffix("]")

    @field_validator("image_store")
    @classmethod
    def _is_folder_or_url(cls, value: str) -> str:
        scheme, is_url, rest = value.partition("://")
        if scheme == "file":
            fits = rest.startswith("/")
        elif is_url:
            fits = STORE_URL.fullmatch(value) is not None
        else:
            fits = STORE_URL_MISSPELT.match(value) is None
        if not fits:
            raise ValueError(value)
        return value

    @field_validator("auth")
    @classmethod
    def _names_accounts(cls, value: SecretStr) -> SecretStr:
        users = [user for user, password in _accounts(value) if user and password]
        if value.get_secret_value() and len(set(users)) < len(_accounts(value)):
            raise ValueError
        return value

    @field_validator("sources_allowed")
    @classmethod
    def _names_places(cls, value: str) -> str:
        for place in _listed(value):
            if not (STORE_URL.fullmatch(place) if "://" in place else Path(place).is_absolute()):
                raise ValueError(value)
        return value

    @field_validator("allowed_hosts")
    @classmethod
    def _names_hosts(cls, value: str) -> str:
        names = [name.rstrip(".") for name in _listed(value)]
        if not all(HOST.fullmatch(name) for name in names):
            raise ValueError(value)
        return ",".join(names).lower()

    @field_validator("forwarded_allow_ips")
    @classmethod
    def _names_proxies(cls, value: str) -> str:
        names = _listed(value)
        for name in [] if names == ["*"] else names:
            ip_network(name)
        return ",".join(names)

    @property
    def image_root(self) -> Path | str:
        """Returns where pictures are kept: a folder, or the URL of anything else."""
        if not self.image_store:
            return self.data_dir.absolute() / "images"
        scheme, is_url, rest = self.image_store.partition("://")
        if not is_url:
            return Path(self.image_store).absolute()
        return Path(unquote(rest)) if scheme == "file" else self.image_store

    @property
    def uses_lite(self) -> bool:
        return not self.milvus_uri

    @property
    def lite_path(self) -> Path:
        return self.data_dir / "milvus.db"

    @property
    def nprobe_file(self) -> Path:
        return self.data_dir / "nprobe.json"

    @property
    def run_log_file(self) -> Path:
        return self.data_dir / "runs.jsonl"

    @property
    def decisions_file(self) -> Path:
        return self.data_dir / "near-duplicates.jsonl"

    @property
    def evaluations_folder(self) -> Path:
        return self.data_dir / "evaluations"

    @property
    def watch_folder(self) -> Path:
        """Returns the folder that remembers which files of the watched sources were added."""
        return self.data_dir / "watch"

    @property
    def dropped_folder(self) -> Path:
        """Returns the folder that keeps the vectors of dropped collections for a while."""
        return self.data_dir / "trash"

    @property
    def small_files(self) -> list[Path]:
        """Returns the small files and their folders that belong to the library, for a backup."""
        files = (self.decisions_file, self.run_log_file, self.nprobe_file)
        return [*files, self.evaluations_folder, self.watch_folder]

    @property
    def release_after(self) -> float | None:
        """Returns after how many idle seconds a collection is released; None never releases."""
        if self.milvus_release_after is None:
            return LITE_RELEASE_AFTER if self.uses_lite else SERVER_RELEASE_AFTER
        return None if self.milvus_release_after == "never" else self.milvus_release_after

    @property
    def other_models(self) -> list[str]:
        """Returns the models to offer beside the chosen one, each once."""
        return [name for name in dict.fromkeys(_listed(self.clip_others)) if name != self.clip_model]

    @property
    def models_release_after(self) -> float | None:
        """Returns after how many idle seconds a model leaves the memory; None keeps it."""
        return None if self.model_release_after == "never" else self.model_release_after

    @property
    def allowed_edits(self) -> Edits:
        """Returns what visitors may change: all on one's own machine, only additions where others can come in."""
        if is_demo(self):
            return "own"
        return self.edits or ("all" if self._is_private else "add")

    @property
    def own_folders(self) -> list[Path]:
        """Returns the folders that the library itself writes to, DATA_DIR first: no pictures are imported from them."""
        return [place for place in (self.data_dir, self.image_root) if isinstance(place, Path)]

    @property
    def source_prefixes(self) -> list[str]:
        return _listed(self.sources_allowed)

    @property
    def other_hosts(self) -> list[str]:
        """Returns the further names of hosts that the page has, or that pages which may call it have."""
        return _listed(self.allowed_hosts)

    @property
    def answered_hosts(self) -> list[str] | None:
        """Returns the names that the page answers to; None where it cannot know under which others reach it."""
        if self.other_hosts or self._is_private:
            at_root = urlsplit(self.gradio_root_path).hostname
            return [name for name in ("localhost", self.gradio_server_name, at_root, *self.other_hosts) if name]
        return None

    @property
    def accounts(self) -> dict[str, str]:
        """Returns the passwords by user; nobody has to sign in where there are none."""
        return dict(_accounts(self.auth)) if self.auth else {}

    @property
    def _is_private(self) -> bool:
        if self.gradio_share or is_space():
            return False
        try:
            return ip_address(self.gradio_server_name).is_loopback
        except ValueError:
            return self.gradio_server_name == "localhost"


def load_settings(**given: Any) -> Settings:
    """Returns the settings: those given, by their names in lower case, then those of the environment and of .env.

    None leaves a setting to the others, and a list of texts stands for values with commas between. Raises
    SettingsError for a bad value or an unknown name.

    Where nobody chose DATA_DIR and the default cannot be written, a new temporary folder takes its place.
    """
    _check_spelling()
    try:
        settings = Settings(**{name: _as_written(name, value) for name, value in given.items() if value is not None})
    except ValidationError as error:
        raise _first_problem(error) from None
    check_demo(settings)
    if not (_may_hold_data(settings.data_dir, settings) and _is_usable(settings.data_dir, settings)):
        settings = _elsewhere(settings)
    if settings.image_store and isinstance(settings.image_root, Path) and not _is_usable(settings.image_root, settings):
        raise not_possible("image_store", settings.image_store)
    if isinstance(settings.image_root, Path) and settings.image_root.is_file():
        raise SettingsError("store_file_in_place", file=str(settings.image_root))
    return settings


def _check_spelling() -> None:
    """Raises SettingsError for a variable that is nearly a setting, which would be passed over in silence."""
    names = [name for name, value in os.environ.items() if value]
    known = [name.upper() for name in Settings.model_fields]
    if found := misspelt(names, known) or misspelt(read_dotenv(DOTENV), known, is_for_us=True):
        raise SettingsError("variable_misspelt", name=printable(found[0]), meant=found[1])


def _as_written(name: str, value: Any) -> Any:
    """Returns the value that a Python program has given a setting, as the text that the environment would hold."""
    if name not in Settings.model_fields:
        near = get_close_matches(name, Settings.model_fields, 1)
        if near:
            raise SettingsError("setting_misspelt", name=printable(name), meant=near[0])
        raise SettingsError("setting_unknown", name=printable(name), known=", ".join(Settings.model_fields))
    written = plain(value)
    if isinstance(value, list | tuple) and name in LISTS:
        texts = list(map(plain, value))
        written = ",".join(texts) if all(isinstance(each, str) for each in texts) else value
    if not may_be_written(name, written):
        raise not_possible(name, value)
    return written


def _proxies_there(shares: bool | None) -> str:
    """Returns the proxies that are there without anybody naming one: that of a Space, and Gradio's tunnel."""
    return PROXIES_OF_SPACES if is_space() else LOOPBACK if shares else ""


def _listed(value: str) -> list[str]:
    return [place.strip() for place in value.split(",") if place.strip()]


def _accounts(auth: SecretStr) -> list[tuple[str, str]]:
    parts = [each.partition(":") for each in auth.get_secret_value().split(",")]
    return [(user.strip(), password) for user, _, password in parts]


def _elsewhere(settings: Settings) -> Settings:
    if "data_dir" in settings.model_fields_set:
        raise not_possible("data_dir", settings.data_dir)
    data_dir = Path(tempfile.mkdtemp(prefix="likeness-"))
    logger.warning("The folder data cannot be written here: pictures are kept in %s for now. Set DATA_DIR.", data_dir)
    return settings.model_copy(update={"data_dir": data_dir})


def _may_hold_data(path: Path, settings: Settings) -> bool:
    """Returns whether it is a path, which an address (s3://…) is not; that of Milvus Lite has to be UTF-8."""
    return ":/" not in path.as_posix()[2:] and not (settings.uses_lite and holds_half(str(path.absolute())))


def _is_usable(path: Path, settings: Settings) -> bool:
    folder = path.absolute()
    existing = next(path for path in [folder, *folder.parents] if os.path.exists(path))
    # Beside a server a store that can only be read still serves searches.
    return existing.is_dir() and (not settings.uses_lite or can_write(existing))


def _first_problem(error: ValidationError) -> SettingsError:
    first = error.errors()[0]
    return not_possible(str(first["loc"][0]), first["input"])
