"""Prepares the process: its environment before the libraries are imported, its log, and how it is told to stop."""

import atexit
import gc
import logging
import os
import shutil
import signal
import stat
import sys
import tempfile
import threading
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from copy import copy
from io import TextIOWrapper
from pathlib import Path
from queue import Empty, SimpleQueue
from types import TracebackType
from typing import TYPE_CHECKING, Literal, NoReturn

from library.running.private import discreet, discreet_traceback, plain
from library.running.work import current

if TYPE_CHECKING:
    from filelock import FileLock

ExceptionInfo = tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]

OF_LIBRARY = {  # what a library in a program of somebody else needs, too
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "HF_HUB_VERBOSITY": "error",  # it would tell of every retry twice
    "TOKENIZERS_PARALLELISM": "false",
    "ARROW_DEFAULT_MEMORY_POOL": "system",  # Arrow's own pool keeps what Milvus Lite has freed
}
OF_PAGE = {
    "GRADIO_ANALYTICS_ENABLED": "False",
    # Gradio sums up the last ten thousand calls after each call, which METRICS does for nothing.
    "GRADIO_ANALYTICS_MAX_EVENTS": "1",
    "GRADIO_ANALYTICS_CACHE_FREQUENCY": "1000000",
}
ENVIRONMENT = OF_LIBRARY | OF_PAGE
UPLOADS = "likeness-uploads-"
BEGUN = f".{UPLOADS}"  # until its lock is taken, a folder has a name that no other app sweeps away
LOCK = "in-use.lock"
SWEEP_EVERY, KEPT_SECONDS = 3_600, 86_400
MODEL_THREAD = "model"  # the name of every thread that loads one

LOOPBACK = ("localhost", "127.0.0.1", "::1")
PROXIES = ("http_proxy", "https_proxy", "all_proxy", "grpc_proxy")
PROXY_SCHEMES = ("http", "https", "socks5", "socks5h")


def prepare_environment() -> None:
    """Sets the environment variables and the levels of loggers that a library needs, where nobody else has set them.

    The packages below it read the variables when they are imported. The loggers are those of packages whose errors
    reach us as exceptions.
    """
    os.environ.update(OF_LIBRARY | os.environ)
    _use_model_cache_that_can_be_written()
    for name, level in QUIET.items():
        if logging.getLogger(name).level == logging.NOTSET:
            logging.getLogger(name).setLevel(level)


def prepare_process() -> None:
    """Prepares a process of the app: its environment, its log, its output and its warnings."""
    start_logging()
    os.environ.update(OF_PAGE | os.environ)
    prepare_environment()
    os.environ.setdefault("PYTHON_DOTENV_DISABLED", "1")  # pymilvus would read a .env too, and stumble over UTF-16
    prepare_proxies()
    replace_what_cannot_be_written()
    for name in [name for name, value in os.environ.items() if name.startswith("GRADIO_") and not value]:
        del os.environ[name]  # an empty line in .env means the default; gradio would stumble over it
    warnings.filterwarnings("ignore", module="PIL")


@contextmanager
def exit_without_delay() -> Iterator[None]:
    """Ends the process as soon as a command is done, with its code."""
    try:
        yield
    except SystemExit as end:
        if isinstance(end.code, int | None):
            exit_at_once(end.code or 0)
        raise


def exit_at_once(code: int = 0) -> NoReturn:
    """Ends the process without taking the interpreter down, which takes seconds on a busy machine, and half a minute
    after thousands of visits to the page, though nothing more is done.

    Where a thread still loads a model, not even what waits for the end is called: torch would abort the process.
    """
    if not any(each.name == MODEL_THREAD for each in threading.enumerate()):
        atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):  # nobody reads it any longer
            stream.flush()
    os._exit(code)


def prepare_proxies() -> None:
    """Reaches loopback without a proxy, and leaves out the proxies that nothing here can use.

    `socks://`, as desktops write it, means SOCKS 5.
    """
    for name in _proxies():
        scheme, is_url, rest = os.environ[name].partition("://")
        if is_url and scheme.lower() == "socks":
            os.environ[name] = f"socks5://{rest}"
        elif is_url and scheme.lower() not in PROXY_SCHEMES:
            logging.getLogger("likeness").warning(
                "%s is not used: a proxy of %s:// is none of %s.", name, scheme, ", ".join(PROXY_SCHEMES)
            )
            del os.environ[name]
    bypass_proxies(*LOOPBACK)


def bypass_proxies(*hosts: str) -> None:
    """Adds hosts to those that are reached without a proxy, for all who read the environment."""
    if not _proxies():
        return  # else the proxies of the system, which no variable names, would no longer be looked for
    given = os.environ.get("no_proxy") or os.environ.get("NO_PROXY") or ""
    listed = [each.strip() for each in given.split(",") if each.strip()]
    joined = ",".join(dict.fromkeys([*listed, *hosts]))
    os.environ.update(no_proxy=joined, NO_PROXY=joined)


def _proxies() -> list[str]:
    return [name for name, value in os.environ.items() if value and name.lower() in PROXIES]


def replace_what_cannot_be_written() -> None:
    """Lets the output replace the characters that its encoding lacks, unless PYTHONIOENCODING says otherwise."""
    out = sys.stdout
    if isinstance(out, TextIOWrapper) and out.errors in ("strict", "surrogateescape"):
        out.reconfigure(errors="replace")


def _use_model_cache_that_can_be_written() -> None:
    """Sends downloads to a temporary cache where there is none in the home folder and none can be made."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")) / "huggingface"
    parent = next(folder for folder in cache.absolute().parents if folder.exists())
    if not {"HF_HOME", "HF_HUB_CACHE"} & os.environ.keys() and not cache.is_dir() and not os.access(parent, os.W_OK):
        os.environ["HF_HOME"] = own = tempfile.mkdtemp(prefix="likeness-models-")
        atexit.register(shutil.rmtree, own, ignore_errors=True)


def use_upload_folder_of_its_own() -> None:
    """Gives uploads a temporary folder to wait in, and removes those of killed apps and what lies long in this one.

    A lock tells which apps still run: in containers all have the same process number.
    """
    if "GRADIO_TEMP_DIR" in os.environ:
        return
    from filelock import FileLock  # which imports asyncio: nothing for a command

    _remove_folders_of_killed_apps(Path(tempfile.gettempdir()))
    begun = Path(tempfile.mkdtemp(prefix=BEGUN))
    in_use = FileLock(begun / LOCK, thread_local=False)  # the sweep's thread asks for it, and keeps it
    in_use.acquire()
    own = begun.rename(begun.with_name(begun.name.removeprefix(".")))
    atexit.register(shutil.rmtree, own, ignore_errors=True)
    os.environ["GRADIO_TEMP_DIR"] = str(own)
    threading.Thread(target=_sweep_for_ever, args=[own, in_use], name="sweep", daemon=True).start()


def _remove_folders_of_killed_apps(parent: Path) -> None:
    from filelock import FileLock, Timeout

    for folder in filter(_is_own, parent.glob(f"{UPLOADS}*")):
        with suppress(OSError, Timeout), FileLock(folder / LOCK, timeout=0):
            shutil.rmtree(folder, ignore_errors=True)
    for folder in filter(_is_own, parent.glob(f"{BEGUN}*")):
        with suppress(OSError):
            if time.time() - folder.stat().st_mtime > KEPT_SECONDS:
                shutil.rmtree(folder, ignore_errors=True)


def _is_own(folder: Path) -> bool:
    """Returns whether it is a folder of this user, and no link that leads elsewhere: others can write there, too."""
    with suppress(OSError):
        found = folder.lstat()
        return stat.S_ISDIR(found.st_mode) and (not hasattr(os, "getuid") or found.st_uid == os.getuid())
    return False


def remove_older(folder: Path, seconds: float) -> None:
    """Removes the files that were last written more than `seconds` ago, and the folders that this leaves empty."""
    for parent, _, names in os.walk(folder, topdown=False):
        for name in names:
            path = Path(parent, name)
            with suppress(OSError):  # somebody else was faster
                if name != LOCK and time.time() - path.stat().st_mtime > seconds:
                    path.unlink()
        with suppress(OSError):  # it is not empty
            if Path(parent) != folder and time.time() - os.stat(parent).st_mtime > seconds:
                os.rmdir(parent)


def _sweep_for_ever(folder: Path, in_use: "FileLock") -> None:
    """Removes, every hour, the parts of uploads that broken connections left in the folder a day ago, as long as the
    app holds its lock."""
    while in_use.is_locked:
        time.sleep(SWEEP_EVERY)
        remove_older(folder, KEPT_SECONDS)


class Stop:
    """Tells the app to stop; a signal or a thread sets it, once.

    An Event would not do: its lock stops a signal handler for ever.
    """

    def __init__(self) -> None:
        self._told: SimpleQueue[None] = SimpleQueue()
        self.is_set = False

    def set(self) -> None:
        self.is_set = True
        self._told.put(None)

    def wait(self) -> None:
        while not self.is_set:
            with suppress(Empty):  # now and then, since a signal can reach another thread than this one
                self._told.get(timeout=1)


def collect_garbage() -> None:
    """Looks for garbage from now on, but not among what the start has made; does nothing where it is looked for."""
    if not gc.isenabled():
        gc.freeze()
        gc.enable()


def signalled() -> Stop:
    """Returns a `Stop` that the first SIGTERM or Ctrl-C sets; a second one ends the process at once."""
    stop = Stop()
    on_signal(stop)
    return stop


def on_signal(stop: Stop) -> None:
    """Sets `stop` at the next SIGTERM or Ctrl-C, in place of whatever handled them before."""

    def told(*_: object) -> None:
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, signal.SIG_DFL)
        stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, told)


Level = Literal["debug", "info", "warning", "error"]

LINE = "%(asctime)s %(levelname)s %(name)s%(work)s: %(message)s"
ROOMS = ("likeness", "library", "encoders", "db", "ui")
QUIET = {  # their errors reach us as exceptions
    "milvus_lite": logging.CRITICAL,
    "grpc": logging.CRITICAL,
    "aiobotocore": logging.ERROR,
    "botocore": logging.ERROR,
    "httpx": logging.ERROR,
    "transformers": logging.ERROR,
}


class OneLine(logging.Formatter):
    """Formats a log entry as one line, with what would break it written out; only a traceback has indented lines."""

    def __init__(self, format: str = LINE) -> None:
        super().__init__(format)
        self.with_names = False

    def format(self, record: logging.LogRecord) -> str:
        shown = copy(record)
        shown.exc_text = None  # another handler may have written the names into it
        if isinstance(record.args, tuple):
            shown.args = tuple(map(plain if self.with_names else discreet, record.args))
        shown.work = f" [{work}]" if (work := current().id) else ""
        return super().format(shown)

    def formatMessage(self, record: logging.LogRecord) -> str:
        return printable(super().formatMessage(record).rstrip())

    def formatException(self, ei: ExceptionInfo) -> str:
        error = ei[1]
        lines = super().formatException(ei).splitlines() if self.with_names or not error else discreet_traceback(error)
        return "\n".join(f"    {printable(line)}" for line in lines)


def printable(text: str) -> str:
    """Returns the text with every character that cannot be shown written out as an escape."""
    return "".join(each if each.isprintable() else each.encode("unicode_escape").decode() for each in text)


def start_logging() -> None:
    """Logs to stderr, warnings and worse, until `set_level` says otherwise."""
    handler = logging.StreamHandler()
    handler.setFormatter(OneLine())
    logging.basicConfig(level=logging.WARNING, handlers=[handler])
    logging.captureWarnings(True)


def log_names(shown: bool) -> None:
    """Says whether the log shows names of files and words of visitors; it does not unless this was called."""
    for handler in logging.getLogger().handlers:
        if isinstance(handler.formatter, OneLine):
            handler.formatter.with_names = shown


def adopt(*names: str) -> None:
    """Lets loggers that brought a handler of their own write lines like all others."""
    for name in names:
        logger = logging.getLogger(name)
        logger.handlers.clear()
        logger.propagate = True


def set_level(level: Level) -> None:
    """Sets the level of our own loggers; other people's libraries are heard from warnings on."""
    number = logging.getLevelNamesMapping()[level.upper()]
    logging.getLogger().setLevel(max(number, logging.WARNING))
    for room in ROOMS:
        logging.getLogger(room).setLevel(number)
