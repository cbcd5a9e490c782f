"""Tells the errors of Milvus apart by what helps against each."""

import re

from pymilvus import MilvusException

NO_SUCH_COLLECTION = 100
NODE_AWAY = range(901, 906)  # a part of the server is not there, or is no longer
# While the collection is being released, by another process, or another collection takes its place.
NOT_LOADED = ("not loaded", "not fully loaded", "failed to get delegator", "delegator closed", "channel not available")
LAST_WORDS = ("unrecoverable error", "context canceled", "node offline", "node not found", "is stopping")


def is_not_loaded(error: BaseException | None) -> bool:
    """Tells whether the collection is not in memory, so that loading it again helps."""
    if not isinstance(error, MilvusException):
        return False
    text = str(error)
    gone = "fail to Search" in text and "collection not found" in text
    return error.code in (101, 103) or gone or any(each in text for each in NOT_LOADED)


def is_missing(error: BaseException | None) -> bool:
    """Tells whether the collection was dropped, or has lost for a moment the name it was asked by."""
    return isinstance(error, MilvusException) and error.code == NO_SUCH_COLLECTION


def is_loss(error: BaseException) -> bool:
    """Tells whether Milvus was not reached at all, rather than refusing what was asked."""
    return not isinstance(error, MilvusException) or error.code in (1, 2) or is_going(error)


def is_going(error: BaseException) -> bool:
    """Tells whether Milvus was ending, or lost a part of itself, while it did what was asked."""
    if not isinstance(error, MilvusException):
        return False
    return error.code in NODE_AWAY or any(each in str(error) for each in LAST_WORDS)


def brief(text: str) -> str:
    """Returns the message inside what pymilvus prints of an exception, without its last full stop."""
    message = re.search(r"message=(.*?)\)?>?$", text, flags=re.DOTALL)
    return (message[1] if message else text).strip().rstrip(".")[:300]
