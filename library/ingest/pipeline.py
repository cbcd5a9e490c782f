"""Imports files: read -> hash -> look up -> decode -> encode -> store -> insert, with a receipt for every file."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing

from library.decoders.direct import Decoder
from library.errors import LikenessError
from library.ingest.batch import BATCH_SIZE, RunState
from library.ingest.destinations import Destination
from library.ingest.items import Item
from library.ingest.receipts import FileReceipt
from library.ingest.stages import Stages
from library.ingest.storing import BatchWriter, Near
from library.messages import Message, message


def was_interrupted(items: Iterable[Item], should_stop: Callable[[], bool], skipped: int) -> bool:
    """Returns whether a run over the items was stopped before the last of them."""
    return should_stop() and (skipped > 0 or not isinstance(items, Sequence))


def ingest(
    items: Iterable[Item],
    destination: Destination,
    decoder: Decoder,
    should_stop: Callable[[], bool] = lambda: False,
    batch_size: int = BATCH_SIZE,
    in_place: bool = False,
    near: Near = "take",
) -> Iterator[FileReceipt]:
    """Yields one receipt per item, in order; a bad file never stops the rest.

    `in_place` stores no originals of items that have an `original_at`. Near-duplicates are looked for unless `near` is
    "take"; superseded ones are left out in any case.

    While one batch of `batch_size` new pictures is stored by the caller's thread, the next two are encoded, and the
    one after those is read and decoded. `should_stop` is asked after each batch, and within archives. When Milvus, the
    store or a source goes away, the batch in hand is rejected, the rest skipped, and then the error is raised: what was
    stored is complete, and the same call later does the rest. Of what was not listed yet by then there are no receipts.
    """
    remaining, state = iter(items), RunState()
    reason: Message | None = None
    problem: LikenessError | None = None
    writer = BatchWriter(destination, state, near)
    with (
        closing(Stages(destination, decoder, state, batch_size, in_place, should_stop)) as stages,
        closing(stages.batches(remaining)) as batches,
        state.ending(),
    ):
        for batch in batches:
            if not reason:
                problem = writer.store(batch)
            yield from batch.ended(batch.skipped(reason) if reason else batch.receipts(problem))
            if not reason and (problem or should_stop()):
                reason = message("not_tried", problem=problem.message) if problem else message("stopped")
                state.is_stopped = True
    if reason and isinstance(items, Sequence):  # the rest of an archive or a bucket would have to be listed for that
        yield from (FileReceipt(item.path, "skipped", reason=item.skip or reason) for item in remaining)
    if problem := problem or state.source_problem:
        raise problem
