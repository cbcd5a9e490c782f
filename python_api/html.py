"""Writes what a notebook shows: a contact sheet of hits, and a table of receipts. Every name is escaped."""

from base64 import b64encode
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from math import isnan
from typing import Protocol

from library.errors import LikenessError
from library.ingest.receipts import FileReceipt
from library.messages import message
from library.texts import encodable

SHOWN_HITS = 60
SHOWN_FILES = 20


class Shown(Protocol):
    """Holds what a contact sheet shows of a picture."""

    @property
    def name(self) -> str: ...
    @property
    def score(self) -> float: ...
    @property
    def relevance(self) -> str | None: ...
    def thumbnail_bytes(self) -> bytes: ...


def contact_sheet(hits: Sequence[Shown], notes: Iterable[str] = (), confident: bool | None = None) -> str:
    """Returns the thumbnails with scores and names, as HTML that needs no other file."""
    said = [*notes]
    if confident is False:
        said.append(str(message("no_confident_match")))
    if not hits:
        said.append("No picture matches.")
    if len(hits) > SHOWN_HITS:
        said.append(f"The first {SHOWN_HITS} of {len(hits)} are shown.")
    paragraphs = "".join(f"<p>{escape(each)}</p>" for each in said)
    figures = "".join(map(_figure, hits[:SHOWN_HITS]))
    return f'{paragraphs}<div style="display:flex;flex-wrap:wrap;gap:12px">{figures}</div>'


def receipt_table(counts: Mapping[str, int], files: Sequence[FileReceipt], skips: str = "") -> str:
    """Returns the counts, and below them the files that were rejected; `skips` says for what others were skipped."""
    heads = "".join(f"<th>{escape(status)}</th>" for status in counts)
    cells = "".join(f"<td>{count}</td>" for count in counts.values())
    rejected = [each for each in files if each.status == "rejected"]
    lines = [f"<li>{escape(encodable(each.path))}: {escape(str(each.reason))}</li>" for each in rejected[:SHOWN_FILES]]
    if len(rejected) > SHOWN_FILES:
        lines.append(f"<li>… and {len(rejected) - SHOWN_FILES} more</li>")
    problems = f"<p>Rejected:</p><ul>{''.join(lines)}</ul>" if lines else ""
    skipped = f"<p>Skipped: {escape(skips)}</p>" if skips else ""
    return f"<table><tr>{heads}</tr><tr>{cells}</tr></table>{problems}{skipped}"


def progress_bar(what: str, done: int, total: int | None) -> str:
    """Returns a bar with the count beside it; without a total, the count alone."""
    bar = f'<progress value="{done}" max="{total}"></progress> ' if total else ""
    of = f" of {total}" if total else ""
    return f"{bar}{escape(what)}: {done}{of}"


def _figure(hit: Shown) -> str:
    words = " · ".join(filter(None, ["" if isnan(hit.score) else f"{hit.score:.3f}", hit.relevance]))
    return (
        '<figure style="margin:0;width:160px;overflow-wrap:anywhere">'
        f"{_picture(hit)}"
        f'<figcaption style="font-size:small">{escape(hit.name)}<br>{escape(words)}</figcaption></figure>'
    )


def _picture(hit: Shown) -> str:
    style = 'style="max-width:160px;max-height:160px"'
    try:
        data = b64encode(hit.thumbnail_bytes()).decode()
    except LikenessError as error:
        return f"<em>{escape(str(error))}</em>"
    return f'<img src="data:image/jpeg;base64,{data}" alt="{escape(hit.name)}" {style}>'
