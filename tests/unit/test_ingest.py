import errno
import os
import threading
import time

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from library.decoders.direct import DirectDecoder
from library.errors import IndexUnavailable, SourceUnavailable, StoreUnavailable
from library.image_library import ImageLibrary
from library.images import content_id
from library.ingest import stages
from library.ingest.items import Item
from library.ingest.receipts import STATUSES, FileReceipt, tally
from library.messages import message
from library.running.work import check_stop
from library.search.query import Query
from testing.fakes import ColourEncoder, MemoryCollection, MemoryDatabase, MemoryStore, ready
from testing.pictures import ids, item


def statuses(receipts):
    return [receipt.status for receipt in receipts]


def test_a_new_picture_is_stored_and_found(library, picture):
    [receipt] = library.add([item("red.png", picture("red"))])
    assert receipt == FileReceipt("red.png", "new", content_id(picture("red")))
    assert library.original(receipt.content_id) == picture("red")
    assert ids(library.search(Query.of("red")).hits) == [receipt.content_id]


def test_the_same_bytes_under_another_name_are_a_duplicate_of_the_first(library, picture):
    list(library.add([item("red.png", picture("red"))]))
    [receipt] = library.add([item("rot.png", picture("red"))])
    assert (receipt.status, str(receipt.reason)) == ("duplicate", "The same picture as red.png.")
    assert library.status().pictures == 1


def test_the_same_bytes_in_one_batch_are_one_picture(library, picture):
    receipts = list(library.add([item("red.png", picture("red")), item("rot.png", picture("red"))]))
    assert statuses(receipts) == ["new", "duplicate"]
    assert str(receipts[1].reason) == "The same picture as red.png."


def test_a_bad_file_stops_nobody(library, picture):
    files = [item("a.png", picture("red")), item("b.png", b"text"), item("c.png", b""), item("d.png", picture("blue"))]
    receipts = list(library.add(files))
    assert statuses(receipts) == ["new", "rejected", "rejected", "new"]
    assert all(receipt.reason for receipt in receipts[1:3])


def test_a_file_that_cannot_be_read_is_rejected_by_name(library, picture, tmp_path):
    def gone():
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))

    receipts = list(library.add([Item("gone.png", "gone.png", gone), item("red.png", picture("red"))]))
    assert statuses(receipts) == ["rejected", "new"]
    assert "No such file" in str(receipts[0].reason)


def test_a_picture_that_lacks_only_its_row_is_finished_as_new(library, store, database, picture):
    list(library.add([item("red.png", picture("red"))]))
    first = store.find(content_id(picture("red")))
    database.delete([first.img_path])
    [receipt] = library.add([item("other.png", picture("red"))])
    assert receipt.status == "new"
    assert store.find(receipt.content_id) == first
    assert len(library.search(Query.of("red")).hits) == 1


def test_metadata_and_source_are_kept(library, picture):
    [receipt] = library.add([item("red.png", picture("red"), source="shelf 4", metadata={"img_path": "mine"})])
    [hit] = library.search(Query.of("red")).hits
    assert (hit.record.source, hit.record.metadata) == ("shelf 4", {"img_path": "mine"})
    assert hit.record.img_path == f"images/{receipt.content_id[:2]}/{receipt.content_id}.png"


def test_stopping_ends_after_the_batch_in_hand(library, picture):
    files = [item(f"{number}.png", picture((number, 0, 0))) for number in range(100)]
    receipts = list(library.add(files, should_stop=lambda: True))
    assert statuses(receipts) == ["new"] * 32 + ["skipped"] * 68
    assert library.status().pictures == 32


def test_a_skipped_item_keeps_its_reason(library):
    [receipt] = library.add([Item("x.txt", "x.txt", bytes, skip=message("No picture."))])
    assert (receipt.status, str(receipt.reason)) == ("skipped", "No picture.")


class FullStore(MemoryStore):
    """Fails for files larger than 200 bytes, as on a full disk."""

    def add(self, record, original, thumbnail):
        if len(original) > 200:
            raise StoreUnavailable("The image store failed: No space left on device.")
        super().add(record, original, thumbnail)


def test_a_picture_that_cannot_be_stored_gets_no_row(picture):
    database = MemoryDatabase()
    library = ImageLibrary(FullStore(), ready(ColourEncoder()), database)
    small, large = picture("red"), picture("blue", size=(400, 400))
    receipts = list(library.add([item("large.png", large), item("small.png", small)]))
    assert statuses(receipts) == ["rejected", "new"]
    assert "No space left" in str(receipts[0].reason)
    assert library.count_rows() == 1


def test_a_store_that_takes_nothing_ends_the_run_with_receipts_for_all(picture):
    library = ImageLibrary(FullStore(), ready(ColourEncoder()), MemoryDatabase())
    files = [item(f"{number}.png", picture((number, 0, 0), size=(500, 400))) for number in range(40)]
    receipts = []
    with pytest.raises(StoreUnavailable):
        for receipt in library.add(files):
            receipts.append(receipt)
    assert statuses(receipts) == ["rejected"] * 32 + ["skipped"] * 8
    assert library.count_rows() == 0


class DyingCollection(MemoryCollection):
    """Fails at the second batch, as where Milvus goes away."""

    batches = 0

    def upsert(self, records, vectors):
        self.batches += 1
        if self.batches == 2:
            raise IndexUnavailable("Milvus does not answer.")
        super().upsert(records, vectors)


def test_when_milvus_dies_the_same_call_later_does_the_rest(picture):
    database = MemoryDatabase()
    encoder = ColourEncoder()
    database._collections["colour_" + encoder.info.fingerprint] = DyingCollection()
    library = ImageLibrary(MemoryStore(), ready(encoder), database)
    files = [item(f"{number}.png", picture((number, 0, 0))) for number in range(80)]
    receipts = []
    with pytest.raises(IndexUnavailable):
        for receipt in library.add(files):
            receipts.append(receipt)
    assert statuses(receipts) == ["new"] * 32 + ["rejected"] * 32 + ["skipped"] * 16
    again = list(library.add(files))
    assert statuses(again) == ["duplicate"] * 32 + ["new"] * 48
    assert library.count_rows() == library.status().pictures == 80


# Stages that overlap


class Watched(ColourEncoder):
    """Counts what it encodes, and waits where a test wants that."""

    def __init__(self):
        self.encoded = 0
        self.go_on = threading.Event()
        self.go_on.set()

    def encode_images(self, images):
        assert self.go_on.wait(20)
        self.encoded += len(images)
        return super().encode_images(images)


def shades(picture, count, **options):
    return [item(f"{number}.png", picture((number % 256, number // 256, 0), **options)) for number in range(count)]


def test_copies_far_apart_in_one_run_are_encoded_once(picture):
    encoder = Watched()
    library = ImageLibrary(MemoryStore(), ready(encoder), MemoryDatabase())
    files = shades(picture, 100)
    receipts = list(library.add([*files, *files, *files]))
    assert statuses(receipts) == ["new"] * 100 + ["duplicate"] * 200
    assert str(receipts[250].reason) == "The same picture as 50.png."
    assert encoder.encoded == 100


def test_a_copy_of_what_could_not_be_stored_is_rejected_as_well(picture):
    library = ImageLibrary(FullStore(), ready(ColourEncoder()), MemoryDatabase())
    large = picture("blue", size=(400, 400))
    receipts = list(library.add([item("1.png", large), item("red.png", picture("red")), item("2.png", large)]))
    assert statuses(receipts) == ["rejected", "new", "rejected"]


def test_a_batch_holds_as_many_new_pictures_as_asked(library, picture):
    files = [each for new in shades(picture, 25) for each in (new, item("notes.txt", b"text"))]
    receipts = list(library.add(files, should_stop=lambda: True, batch_size=10))
    assert statuses(receipts).count("new") == 10


def test_no_more_is_read_than_a_few_batches_hold(picture):
    encoder, read = Watched(), []
    encoder.go_on.clear()

    def items():
        for each in shades(picture, 1000):
            read.append(each)
            yield each

    library = ImageLibrary(MemoryStore(), ready(encoder), MemoryDatabase())
    receipts = library.add(items(), should_stop=lambda: True, batch_size=8)
    threading.Timer(0.5, encoder.go_on.set).start()
    assert statuses(receipts).count("new") == 8
    assert len(read) < 200  # and nothing more is listed once it is over


def test_the_next_batch_is_encoded_while_one_is_stored(picture):
    encoder = Watched()

    class PatientStore(MemoryStore):
        def add(self, record, original, thumbnail):
            deadline = time.monotonic() + 20
            while encoder.encoded < 16:
                assert time.monotonic() < deadline
                time.sleep(0.01)
            super().add(record, original, thumbnail)

    library = ImageLibrary(PatientStore(), ready(encoder), MemoryDatabase())
    assert statuses(library.add(shades(picture, 16), batch_size=8)) == ["new"] * 16


def test_a_source_that_goes_away_ends_the_run_after_what_it_gave(library, picture):
    def items():
        yield from shades(picture, 40)
        raise SourceUnavailable("The bucket does not answer.")

    receipts = []
    with pytest.raises(SourceUnavailable):
        for receipt in library.add(items()):
            receipts.append(receipt)
    assert statuses(receipts) == ["new"] * 40
    assert library.count_rows() == 40


def test_a_run_that_nobody_follows_any_longer_ends(library, picture):
    before = set(threading.enumerate())
    receipts = library.add(shades(picture, 500), batch_size=4)
    next(receipts)
    receipts.close()
    assert set(threading.enumerate()) <= before
    assert library.count_rows() == library.status().pictures < 500


def test_a_dry_run_tells_and_keeps_nothing(library, picture):
    list(library.add([item("red.png", picture("red"))]))
    files = [item("red.png", picture("red")), *shades(picture, 70), *shades(picture, 70), item("x.png", b"text")]
    statuses_of = statuses(library.add(files, dry_run=True))
    assert statuses_of == ["duplicate"] + ["new"] * 70 + ["duplicate"] * 70 + ["rejected"]
    assert library.status().pictures == library.count_rows() == 1


FILES = st.lists(
    st.tuples(st.text(min_size=1, max_size=20), st.sampled_from(["red", "blue", "green", "text", "empty"])), max_size=80
)


@given(FILES)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=40)
def test_every_file_gets_one_receipt_in_order_and_the_counts_add_up(picture, files):
    library = ImageLibrary(MemoryStore(), ready(ColourEncoder()), MemoryDatabase())
    data = {"text": b"text", "empty": b""}
    receipts = list(library.add([item(name, data[kind] if kind in data else picture(kind)) for name, kind in files]))
    assert [receipt.path for receipt in receipts] == [name for name, _ in files]
    counts = tally(receipts)
    assert tuple(counts) == STATUSES
    assert sum(counts.values()) == len(files)
    assert counts["new"] == library.status().pictures == library.count_rows()
    assert counts["new"] == len({kind for _, kind in files if kind not in data})
    assert counts["rejected"] == sum(kind in data for _, kind in files)


class Slow(DirectDecoder):
    """Waits in the decoding of a picture until it is told to stop."""

    def with_thumbnail(self, data, short_side=0):
        while True:
            check_stop()


def test_stop_ends_what_is_still_being_decoded_a_while_later(picture, monkeypatch):
    monkeypatch.setattr(stages, "GRACE", 0.0)
    stop = threading.Event()
    library = ImageLibrary(MemoryStore(), ready(ColourEncoder()), MemoryDatabase(), decoder=Slow())
    threading.Timer(0.02, stop.set).start()
    receipts = list(library.add([item(f"{n}.png", picture((n, 0, 0))) for n in range(40)], stop.is_set))
    assert statuses(receipts) == ["skipped"] * 40
    assert "stopped" in str(receipts[0].reason).lower()
