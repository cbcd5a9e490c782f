"""Counts the files that an import left out by the reason for it."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping

from library.ingest.receipts import FileReceipt
from library.messages import Message, message

EMPTY_PLACES = frozenset(["folder_empty", "archive_empty", "bucket_empty"])
OTHER = "other"

COUNTED: Mapping[str, Callable[[int], Message]] = {
    "hidden": lambda count: message("skipped_hidden", count=count),
    "hidden_folder": lambda count: message("skipped_hidden_folder", count=count),
    "system_folder": lambda count: message("skipped_system_folder", count=count),
    "own_folder": lambda count: message("skipped_own_folder", count=count),
    "by_its_name": lambda count: message("skipped_by_its_name", count=count),
    "archive_within": lambda count: message("skipped_archive_within", count=count),
    "archive_not_watched": lambda count: message("skipped_archive_not_watched", count=count),
    "link_to_folder": lambda count: message("skipped_link_to_folder", count=count),
    "link_to_nothing": lambda count: message("skipped_link_to_nothing", count=count),
    "link_in_archive": lambda count: message("skipped_link_in_archive", count=count),
    "sparse_in_archive": lambda count: message("skipped_sparse_in_archive", count=count),
    "no_regular_file": lambda count: message("skipped_no_regular_file", count=count),
    "key_of_folder": lambda count: message("skipped_key_of_folder", count=count),
    "folder_empty": lambda count: message("skipped_folder_empty", count=count),
    "archive_empty": lambda count: message("skipped_archive_empty", count=count),
    "bucket_empty": lambda count: message("skipped_bucket_empty", count=count),
    "too_large_to_upload": lambda count: message("skipped_too_large_to_upload", count=count),
    "not_uploaded": lambda count: message("skipped_not_uploaded", count=count),
    "not_arrived": lambda count: message("skipped_not_uploaded", count=count),
    "sidecar": lambda count: message("skipped_sidecar", count=count),
    "row_without_picture": lambda count: message("skipped_row_without_picture", count=count),
    "source_not_allowed": lambda count: message("skipped_source_not_allowed", count=count),
    "kept_instead": lambda count: message("skipped_kept_instead", count=count),
    "near_duplicate": lambda count: message("skipped_near_duplicate", count=count),
    "stopped": lambda count: message("skipped_stopped", count=count),
    "not_tried": lambda count: message("skipped_not_tried", count=count),
}


def skipped_by_reason(receipts: Iterable[FileReceipt]) -> dict[str, int]:
    """Returns how many files were skipped for each reason, by its code, the most frequent first."""
    skipped = (receipt for receipt in receipts if receipt.status == "skipped")
    counts = Counter(each.reason.code if each.reason else OTHER for each in skipped)
    return dict(counts.most_common())


def skips_told(counts: Mapping[str, int]) -> list[Message]:
    """Returns a phrase for each reason, such as "8 hidden files"; reasons without a phrase are counted together."""
    told: Counter[str] = Counter()
    for code, count in counts.items():
        told[code if code in COUNTED else OTHER] += count
    return [COUNTED[code](count) for code, count in told.items() if code != OTHER] + (
        [message("skipped_other", count=told[OTHER])] if told[OTHER] else []
    )
