"""How the log reads: one line per event, whatever a message holds."""

import logging
from typing import Literal

Level = Literal["debug", "info", "warning", "error"]

ROOMS = ("likeness", "library", "encoders", "db", "ui")
QUIET = {  # their errors reach us as exceptions
    "pymilvus": logging.CRITICAL,
    "milvus_lite": logging.CRITICAL,
    "grpc": logging.CRITICAL,
    "aiobotocore": logging.ERROR,
    "botocore": logging.ERROR,
    "httpx": logging.ERROR,
    "transformers": logging.ERROR,
}


class OneLine(logging.Formatter):
    """Writes out what would break a line or hide in one; only a traceback has lines of its own, indented."""

    def formatMessage(self, record: logging.LogRecord) -> str:
        return printable(super().formatMessage(record).rstrip())

    def formatException(self, ei: object) -> str:
        lines = super().formatException(ei).splitlines()  # type: ignore[arg-type]
        return "\n".join(f"    {printable(line)}" for line in lines)


def printable(text: str) -> str:
    return "".join(each if each.isprintable() else each.encode("unicode_escape").decode() for each in text)


def start_logging() -> None:
    """To stderr, warnings and worse, until `set_level` says otherwise."""
    handler = logging.StreamHandler()
    handler.setFormatter(OneLine("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    logging.basicConfig(level=logging.WARNING, handlers=[handler])
    logging.captureWarnings(True)
    for name, level in QUIET.items():
        logging.getLogger(name).setLevel(level)


def adopt(*names: str) -> None:
    """For loggers that brought a handler of their own: their lines read like all others."""
    for name in names:
        logger = logging.getLogger(name)
        logger.handlers.clear()
        logger.propagate = True


def set_level(level: Level) -> None:
    """Other people's libraries are heard from warnings on."""
    number = logging.getLevelNamesMapping()[level.upper()]
    logging.getLogger().setLevel(max(number, logging.WARNING))
    for room in ROOMS:
        logging.getLogger(room).setLevel(number)
