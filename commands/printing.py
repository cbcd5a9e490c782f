"""Prints what the commands have found: lines for people, or JSON."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict

from commands.output import echo, echo_json, echo_program
from library.image_library import ImageLibrary, LibraryStatus
from library.ingest.packs import Packed
from library.ingest.receipts import STATUSES, FileReceipt, tally
from library.ingest.skips import EMPTY_PLACES, skipped_by_reason, skips_told
from library.ingest.watcher import Round
from library.messages import message
from library.ports import Hit
from library.records import Record, clean_name
from library.search.query import Answer, Listing
from library.search.relevance import Relevance
from library.texts import shortened

EMPTY = "The library is empty: add pictures with ingest, or try it with samples."
NO_COLLECTIONS = "There are no collections yet: add pictures with ingest, or try it with samples."
LABELS = {"stands_in_for": "fallback for"}  # where the line for a person differs from the key for programs


def print_round(source: str, found: Round) -> None:
    """Prints what a scan of a source led to: the files it rejects, and one line on all."""
    print_rejected(found.receipts)
    counts, skips = tally(found.receipts), skips_told(skipped_by_reason(found.receipts))
    told = [f"{count} {status}" for status, count in counts.items() if status != "skipped"]
    told.append(f"{len(found.removals)} deleted")
    if skips:
        told.append(f"{counts['skipped']} skipped: {', '.join(map(str, skips))}")
    echo(f"{clean_path(source)}: {', '.join(told)}")


def print_round_as_json(source: str, found: Round) -> None:
    """Prints the result of a scan as JSON on one line."""
    files = [receipt.as_json() for receipt in found.receipts]
    removed = [asdict(removal) for removal in found.removals]
    counts: dict[str, object] = dict(tally(found.receipts).items())
    skips = skipped_by_reason(found.receipts)
    echo_json({"source": source} | counts | {"skipped_by_reason": skips, "files": files, "deleted": removed})


def print_receipts(receipts: Sequence[FileReceipt], as_json: bool) -> None:
    """Prints what became of each file that needs a word, then the counts."""
    counts, skips = tally(receipts), skipped_by_reason(receipts)
    if as_json:
        files = [receipt.as_json() for receipt in receipts]
        print_json(dict(counts) | {"skipped_by_reason": skips, "files": files})
        return
    print_rejected(receipts)
    for receipt in receipts:
        if receipt.near_duplicate_of or (receipt.reason and receipt.reason.code in EMPTY_PLACES):
            print_receipt(receipt)
    _print_notes([receipt for receipt in receipts if receipt.status == "new" and not receipt.near_duplicate_of])
    counted = ", ".join(f"{count} {status}" for status, count in counts.items())
    echo(": ".join(filter(None, [counted, ", ".join(map(str, skips_told(skips)))])))


def print_receipt(receipt: FileReceipt) -> None:
    """Prints one file's receipt as a line."""
    echo(f"{receipt.status:<8}  {clean_path(receipt.path)}  {receipt.reason}")


def _print_notes(new: Sequence[FileReceipt]) -> None:
    """Prints what is to be said of new pictures, once for all of which it is the same."""
    counts = Counter(str(receipt.reason) for receipt in new if receipt.reason)
    for receipt in new:
        if receipt.reason and counts[str(receipt.reason)] == 1:
            print_receipt(receipt)
    for reason, count in counts.items():
        if count > 1:
            echo(f"{count} new: {reason}")


def note_trash(library: ImageLibrary) -> None:
    """Prints on stderr how deleted pictures can be restored."""
    if library.trash.days:
        echo(f"In the trash for {library.trash.days} days: python app.py trash list", err=True)


def print_packed(pack: str, counts: Counter[Packed], as_json: bool) -> None:
    """Prints how many pictures a pack holds, and what they lack."""
    without_original, without_vector = counts["without original"], counts["without vector"]
    packed = counts["packed"] + without_original
    if as_json:
        details = {"packed": packed, "without_original": without_original, "without_vector": without_vector}
        print_json({"pack": pack, **details})
        return
    echo(f"{packed} packed in {clean_path(pack)}")
    if without_original:
        echo(f"{without_original} of them without their original, which could not be read")
    if without_vector:
        echo(f"{without_vector} left out that lack their vector: run reindex, then export again")


def print_imported(counts: Counter[str], failed: Sequence[FileReceipt], as_json: bool) -> None:
    """Prints the counts of an import of a pack or a backup, after the files that failed."""
    tallied: dict[str, object] = {status: counts[status] for status in STATUSES}
    if as_json:
        print_json(tallied | {"files": [receipt.as_json() for receipt in failed]})
        return
    print_rejected(failed)
    echo(", ".join(f"{count} {status}" for status, count in tallied.items()))
    if counts["skipped"]:
        echo(
            f"{counts['skipped']} skipped whose picture is neither in the image store nor in this pack: "
            "export with --thumbnails or --originals"
        )


def print_rejected(receipts: Iterable[FileReceipt]) -> None:
    """Prints a line for each file that was rejected."""
    for receipt in receipts:
        if receipt.status == "rejected":
            echo(f"rejected  {clean_path(receipt.path)}  {receipt.reason}")


def print_listing(listing: Listing, as_json: bool) -> None:
    """Prints pictures that were listed without a search."""
    if as_json:
        print_json([_record_as_json(record) for record in listing.records])
        return
    for record in listing.records:
        echo(f"{record.content_id}  {record.name}")


def note_none(now: LibraryStatus, offset: int) -> None:
    """Prints why there are no results from an offset on."""
    echo(EMPTY if now.pictures == 0 else f"No {'further ' if offset else ''}picture matches.", err=True)
    note_not_indexed(now)


def note_not_indexed(now: LibraryStatus) -> None:
    """Prints how many pictures no search can find, where there are any."""
    if now.missing:
        echo(str(message("pictures_not_indexed", count=now.missing)), err=True)


def print_answer(answer: Answer, explain: bool, as_json: bool) -> None:
    """Prints the hits of a search, or the program that searches Milvus for the same."""
    print_notes(answer)
    if explain and answer.explained:
        echo_program(answer.explained.script)
    elif as_json:
        print_json([_hit_as_json(hit, answer.relevance.get(hit.record.content_id)) for hit in answer.hits])
    else:
        for hit in answer.hits:
            relevance = answer.relevance.get(hit.record.content_id)
            words = f"{relevance.words:<10}  " if relevance else ""
            echo(f"{hit.rank:>3}  {hit.score:.3f}  {words}{hit.record.content_id}  {hit.record.name}")


def print_notes(answer: Answer) -> None:
    """Prints on stderr what the person should know of the answer."""
    unsure = [message("no_confident_match")]
    for note in [*answer.notes, *(unsure if answer.confident is False else [])]:
        echo(str(note), err=True)


def _hit_as_json(hit: Hit, relevance: Relevance | None) -> dict[str, object]:
    return _record_as_json(hit.record) | {
        "score": round(hit.score, 6),
        "relevance": relevance.words if relevance else None,
        "z": round(relevance.z, 2) if relevance else None,
        "percentile": round(relevance.percentile, 1) if relevance else None,
    }


def _record_as_json(record: Record) -> dict[str, object]:
    return {"content_id": record.content_id, "img_path": record.img_path, "name": record.name}


def print_json(value: object) -> None:
    """Prints a value as indented JSON."""
    echo_json(value, indent=2)


def print_table(report: dict[str, object]) -> None:
    """Prints a report as lines of a name and its value, without those that are None."""
    labels = {name: LABELS.get(name, name.replace("_", " ")) for name, value in report.items() if value is not None}
    width = max(map(len, labels.values()))
    for name, label in labels.items():
        echo(f"{label:<{width}}  {_in_words(report[name])}")


def _in_words(value: object) -> object:
    if isinstance(value, dict):
        return ", ".join(f"{key} {_in_words(each)}" for key, each in value.items())
    return ("no", "yes")[value] if isinstance(value, bool) else value


def clean_path(path: str) -> str:
    """Returns a path as a line can show it: printable parts, as in names of pictures, not too long."""
    return shortened("/".join(clean_name(part) if part else "" for part in path.split("/")))


def counted(number: int, one: str, many: str = "") -> str:
    """Returns a number with the name of what is counted, such as "1 picture" and "1,000 pictures".

    `many` is the plural where that is not `one` with an s.
    """
    return f"{number:,} {one if number == 1 else many or f'{one}s'}"
