"""Turns library objects into plain values that become JSON, for the page."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from library.errors import (
    UNEXPECTED,
    IndexUnavailable,
    InvalidContentId,
    InvalidFilter,
    InvalidQuery,
    InvalidSelection,
    LikenessError,
    ModelUnavailable,
    NotAllowed,
    OriginalAway,
    RejectedImage,
    StoreUnavailable,
    UnknownModel,
    UnknownPicture,
)
from library.history import PastRun
from library.image_library import LibraryStatus
from library.images import ContentId
from library.ingest.receipts import FileReceipt
from library.ingest.runs import AddJob, ReindexJob
from library.ingest.skips import skipped_by_reason, skips_told
from library.jobs import State
from library.models import OfferedModel
from library.ports import IndexStatus
from library.records import Record
from library.search.fields import Field
from library.search.query import Answer, needs_only_store
from library.search.relevance import Relevance
from library.search.request import PartRequest, SearchRequest, filter_as_json
from library.texts import encodable
from ui.sentences import naming_bare, told, without_folder

Json = dict[str, Any]

PAGE_SIZE = 48
MAX_RECEIPTS = 5_000  # a table of more rows than this makes a browser slow
MAX_METADATA = 40
MAX_METADATA_TEXT = 600

TITLED: tuple[type[LikenessError], ...] = (  # the page has a title for each of them
    RejectedImage,
    InvalidQuery,
    InvalidFilter,
    InvalidContentId,
    UnknownPicture,
    InvalidSelection,
    OriginalAway,
    NotAllowed,
    UnknownModel,
    ModelUnavailable,
    IndexUnavailable,
    StoreUnavailable,
)
REINDEXING: Mapping[State, str] = {"waiting": "loading", "running": "encoding"}  # the words of the page for these
WORTH_ANOTHER_TRY = (IndexUnavailable, StoreUnavailable)  # a model is asked for once, when the app starts


@dataclass(frozen=True)
class View(SearchRequest):
    """Describes what one visitor is looking at: a search, or a page of the library.

    `turn` numbers what the page asked for, so that a late answer does not undo what was asked meanwhile.
    """

    turn: int = 0
    against: str = ""  # a second model, whose answer is shown beside

    @classmethod
    def of(cls, text: str = "", picture: str = "", like: ContentId | None = None, offset: int = 0) -> "View":
        """Makes a search of a text, an uploaded picture and one of the library, each where given."""
        parts = [PartRequest(text=text)] if text else []
        parts += [PartRequest(image=picture)] if picture else []
        parts += [PartRequest(content_id=like)] if like else []
        return cls(tuple(parts), offset=offset)

    @property
    def is_browsing(self) -> bool:
        return not self.parts

    @property
    def is_plain(self) -> bool:
        """Returns whether the view is the whole library as the store has it."""
        return self.is_browsing and needs_only_store(self.where, self.order)

    def at(self, offset: int) -> "View":
        return replace(self, offset=offset)


def error_view(error: Exception, view: View | None = None) -> Json:
    """Returns what the page shows of an error; only a LikenessError is shown in its own words."""
    known = isinstance(error, LikenessError)
    return {
        "state": "error",
        "kind": next((kind for kind in TITLED if isinstance(error, kind)), LikenessError).__name__,
        "detail": str(error) if known else str(UNEXPECTED),
        "retry": not known or isinstance(error, WORTH_ANOTHER_TRY),
        "offset": view.offset if view else 0,
        "query": _address(view or View()),
    }


def waiting_view(view: View) -> Json:
    """Returns what the page shows until the model is loaded."""
    return {"state": "waiting", "offset": view.offset, "query": _address(view)}


def browse_view(records: Sequence[Record], total: int, view: View) -> Json:
    """Returns a page of the library, of which `total` pictures match."""
    return {
        "state": "browse" if total else "none" if view.where else "empty",
        "items": [_item(record) for record in records],
        "total": total,
        "offset": view.offset,
        "size": PAGE_SIZE,
        "query": _address(view),
    }


def fields_view(fields: Sequence[Field]) -> Json:
    """Returns the fields that a filter can name."""
    return {"at": time.monotonic(), "fields": [_field(field) for field in fields]}


def answer_view(answer: Answer, view: View, total: int | None, min_score: float, size: int) -> Json:
    """Returns one page of results; `total` counts the library, `size` is how many results a page has."""
    timings = answer.timings
    return {
        "state": _state(answer, total),
        "items": [
            _item(hit.record, hit.score, hit.rank) | relevance_view(answer.relevance.get(hit.record.content_id))
            for hit in answer.hits
        ],
        "confident": answer.confident,
        "explained": _explained(answer),
        "model": without_folder(answer.model),
        "total": total,
        "min_score": min_score,
        "offset": view.offset,
        "size": size,
        "has_more": answer.has_more,
        "pictures": [_item(record) for record in answer.pictures],
        "notes": list(map(str, answer.notes)),
        "timings": {
            "encode": timings.encode,
            "load": timings.load,
            "search": timings.search,
            "total": timings.total,
        },
        "query": _address(view),
    }


def beside_view(answer: Answer, other: Answer) -> Json:
    """Returns the answer of a second model, with the ranks of the pictures that both have found."""
    ranks = {hit.record.content_id: hit.rank for hit in answer.hits}
    others = {hit.record.content_id: hit.rank for hit in other.hits}
    return {
        "models": [without_folder(answer.model), without_folder(other.model)],
        "items": [
            _item(hit.record, hit.score, hit.rank) | relevance_view(other.relevance.get(hit.record.content_id))
            for hit in other.hits
        ],
        "in_both": [[id, rank, others[id]] for id, rank in ranks.items() if id in others],
        "timings": {"total": other.timings.total},
    }


def relevance_view(relevance: Relevance | None) -> Json:
    """Returns how good a score is, with None where nothing can be said."""
    return {
        "relevance": relevance.words if relevance else None,
        "z": round(relevance.z, 2) if relevance else None,
        "percentile": round(relevance.percentile, 1) if relevance else None,
    }


def status_view(status: LibraryStatus) -> Json:
    """Returns the pictures and the state of model and index, as `/status` documents them."""
    model = status.model
    info = model.info
    chosen = without_folder(model.name)
    state = "loading" if model.is_loading else ("ready" if info else "failed")
    return {
        "pictures": status.pictures,
        "missing": status.missing,
        "elsewhere": status.elsewhere,
        "store_problem": told(status.store_problem),
        "model": {
            "name": info.name if info else chosen,
            "chosen": chosen,
            "fallback": model.is_fallback,
            "stand_in": model.is_fallback,  # the name that programs knew before
            "state": state,
            "problem": told(model.problem and naming_bare(model.problem, model.name)),
            "dim": info.dim if info else None,
            "device": info.device if info else None,
            "dtype": info.dtype if info else None,
            "engine": dict(info.engine) if info else None,
            "fingerprint": info.fingerprint if info else None,
            "multilingual": bool(info and info.multilingual),
            "texts": info.texts if info and info.texts not in ("", info.name) else None,
        },
        "index": _index(status.index) if status.index else None,
    }


def models_view(offered: Sequence[OfferedModel]) -> list[Json]:
    """Returns the models on offer, with what each is ready for."""
    return [
        {
            "name": each.name,
            "state": each.state,
            "answers": each.answers,
            "dim": each.info.dim if each.info else None,
            "problem": told(each.problem),
        }
        for each in offered
    ]


def reindexing_view(work: ReindexJob | None) -> Json | None:
    """Returns how far encoding for another model is; None where none was begun."""
    if work is None:
        return None
    return {
        "state": REINDEXING.get(work.state, work.state),
        "total": work.total,
        "done": work.done,
        "stopping": work.stop.is_set(),
        "problem": told(work.problem),
        "model": without_folder(work.model),
    }


def run_view(run: AddJob) -> Json:
    """Returns the counts of a run, and its receipts once it is over, problems first where there are too many."""
    receipts = list(run.receipts)
    value: Json = {
        "id": run.id,
        "source": encodable(without_folder(run.source)),
        "state": run.state,
        "total": run.total,
        "done": len(receipts),
        "counts": run.counts(),
        "stopping": run.stop.is_set(),
        "problem": told(run.problem),
        "seconds": run.seconds,
    }
    if run.finished:
        value["skips"] = list(map(str, skips_told(skipped_by_reason(receipts))))
        if len(receipts) > MAX_RECEIPTS:
            receipts.sort(key=lambda receipt: receipt.status == "new")
        value["receipts"] = [_receipt(receipt) for receipt in receipts[:MAX_RECEIPTS]]
    return value


def past_runs_view(runs: Sequence[PastRun]) -> Json:
    """Returns the imports of the past, newest first."""
    return {"at": time.monotonic(), "runs": [_past_run(run) for run in runs]}


def _past_run(run: PastRun) -> Json:
    return {
        "at": run.at,
        "source": without_folder(run.source),
        "outcome": run.outcome,
        "counts": dict(run.counts),
        "seconds": run.seconds,
        "rate": run.rate,
        "problem": str(run.problem or ""),
    }


def _explained(answer: Answer) -> Json | None:
    if answer.explained is None:
        return None
    return {
        "model": without_folder(answer.model),
        "collection": answer.explained.collection,
        "rows": answer.explained.rows,
        "nlist": answer.explained.nlist,
        "nprobe": answer.explained.nprobe,
        "script": answer.explained.script,
    }


def _state(answer: Answer, total: int | None) -> str:
    if answer.hits:
        return "results"
    return "empty" if total == 0 else "none"


def _item(record: Record, score: float | None = None, rank: int | None = None) -> Json:
    return {
        "id": record.content_id,
        "name": record.name,
        "score": score,
        "rank": rank,
        "format": record.format,
        "width": record.width,
        "height": record.height,
        "bytes": record.bytes,
        "added": record.added,
        "source": without_folder(record.source),
        "metadata": _metadata(record.metadata),
    }


def _metadata(metadata: Mapping[str, object]) -> list[list[str]]:
    pairs = list(metadata.items())[:MAX_METADATA]
    return [[str(key)[:80], str(value)[:MAX_METADATA_TEXT]] for key, value in pairs]


def _address(view: View) -> Json:
    """Returns the search as the page makes its URL of it, which cannot name pictures from outside the library."""
    search = {"parts": [part.as_json() for part in view.parts], "turn": view.turn}
    return search | filter_as_json(view.where) | {"sort": view.order, "model": view.model, "against": view.against}


def _field(field: Field) -> Json:
    values = [value for value in field.values if value == without_folder(value)]
    return {"name": field.name, "kinds": list(field.kinds), "values": values}


def _index(index: IndexStatus) -> Json:
    return {
        "connected": index.connected,
        "problem": told(index.problem),
        "backend": index.backend,
        "version": index.version,
        "accelerated": index.accelerated,
        "collection": index.collection,
        "rows": index.rows,
        "type": index.index_type,
        "metric": index.metric,
        "nlist": index.nlist,
        "nprobe": index.nprobe if index.nprobe_is_chosen else None,
        "state": index.state,
        "release_in": index.seconds_until_release,
        "loads": index.loads,
        "releases": index.releases,
        "searches": index.searches,
    }


def _receipt(receipt: FileReceipt) -> Json:
    return {
        "name": encodable(receipt.path),
        "status": receipt.status,
        "reason": str(receipt.reason or ""),
        "id": receipt.content_id or "",
        "near": receipt.near_duplicate_of or "",
        "expected": bool(receipt.reason and receipt.reason.code == "sidecar"),
    }
