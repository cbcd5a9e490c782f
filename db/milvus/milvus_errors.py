"""What a refusal of Milvus means."""

from pymilvus import MilvusException

NO_SUCH_COLLECTION = 100


def is_not_loaded(error: BaseException | None) -> bool:
    if not isinstance(error, MilvusException):
        return False
    text = str(error)
    gone = "fail to Search" in text and "collection not found" in text
    nobody_has_it = "failed to get delegator" in text  # while another collection takes its place
    return error.code in (101, 103) or "not loaded" in text or "not fully loaded" in text or gone or nobody_has_it


def is_missing(error: BaseException | None) -> bool:
    """Dropped, or for a moment without the name it was asked by."""
    return isinstance(error, MilvusException) and error.code == NO_SUCH_COLLECTION
