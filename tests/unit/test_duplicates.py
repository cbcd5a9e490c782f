"""Checks near-duplicates: what is found, in which groups, and how decisions last."""

import itertools
import json
from io import BytesIO

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from db.files.decisions import DecisionFile
from db.images.local import LocalImageStore
from db.milvus.database import Milvus
from encoders.loading import load_encoder
from library.duplicates.decisions import PassingDecisions
from library.duplicates.groups import DEEPER, NEAREST, THRESHOLD, find_groups
from library.duplicates.thumbnails import ThumbnailSignatures
from library.errors import IndexUnavailable, InvalidQuery, StoreUnavailable, UnknownPicture
from library.image_library import ImageLibrary
from library.images import content_id
from testing import pictures
from testing.fakes import ColourEncoder, MemoryCollection, MemoryDatabase, MemoryStore, ready
from testing.photo import photo_like
from testing.pictures import item, record

FLOWER, SUNSET, NIGHT = "a pink flower on a meadow.png", "sunset over the sea.png", "night sky with a full moon.png"
NAMES = (FLOWER, SUNSET, NIGHT)
KINDS = ("png", "webp", "half", "crop", "coarse", "turned")
ORIENTATION, TURNED = 274, 6


def saved(image, format="JPEG", **options):
    buffer = BytesIO()
    image.save(buffer, format, **options)
    return buffer.getvalue()


def variants(data):
    image = Image.open(BytesIO(data)).convert("RGB")
    width, height = image.size
    exif = Image.Exif()
    exif[ORIENTATION] = TURNED
    return {
        "png": saved(image, "PNG", compress_level=1),
        "webp": saved(image, "WEBP", quality=80),
        "half": saved(image.resize((width // 2, height // 2)), quality=90),
        "crop": saved(image.crop((int(0.01 * width), int(0.04 * height), int(0.96 * width), int(0.99 * height)))),
        "coarse": saved(image, quality=30),
        "turned": saved(image.transpose(Image.Transpose.ROTATE_90), quality=90, exif=exif),
    }


@pytest.fixture(scope="module")
def small():
    return load_encoder("small")


@pytest.fixture(scope="module")
def samples():
    return pictures.samples()


@pytest.fixture
def album(small, tmp_path):
    """Returns a library on Milvus Lite, with the small CLIP and decisions that last."""
    library = opened(small, tmp_path)
    yield library
    library.close()


@pytest.fixture
def quick(small, tmp_path):
    """Returns a library in memory, with the small CLIP and decisions that last."""
    decisions = DecisionFile(tmp_path / "near-duplicates.jsonl")
    return ImageLibrary(MemoryStore(), ready(small), MemoryDatabase(), decisions=decisions)


def opened(encoder, folder, uri=None):
    decisions = DecisionFile(folder / "near-duplicates.jsonl")
    database = Milvus(uri or folder / "milvus.db")
    return ImageLibrary(LocalImageStore(folder / "images"), ready(encoder), database, decisions=decisions)


def found(library):
    return [{each.name for each in group.records} for group in library.duplicates.find(THRESHOLD)]


def id_of(library, name):
    return next(each.content_id for each in library.browse(0, 1000) if each.name == name)


def three(samples, name=FLOWER):
    """Returns a picture and two copies of it."""
    copies = variants(samples[name])
    return [item(name, samples[name]), item("half.jpg", copies["half"]), item("coarse.jpg", copies["coarse"])]


# Finding


def test_a_server_finds_them_too_and_a_decision_lasts_there(small, samples, milvus_server, tmp_path):
    library = opened(small, tmp_path, milvus_server.uri)
    list(library.add([*(item(name, data) for name, data in samples.items() if name != FLOWER), *three(samples)]))
    assert found(library) == [{FLOWER, "half.jpg", "coarse.jpg"}]
    library.duplicates.keep_one(id_of(library, FLOWER), [id_of(library, "half.jpg"), id_of(library, "coarse.jpg")])
    assert found(library) == []
    [again] = library.add([item("half.jpg", variants(samples[FLOWER])["half"])])
    assert (again.status, again.near_duplicate_of) == ("skipped", id_of(library, FLOWER))
    library.close()


def test_copies_in_other_formats_sizes_and_qualities_are_found_and_nothing_else(album, samples):
    originals = [item(name, data) for name, data in samples.items()]
    copies = [item(f"{kind} {name}", data) for name in NAMES for kind, data in variants(samples[name]).items()]
    list(album.add([*originals, *copies]))
    groups = found(album)
    assert sorted(map(sorted, groups)) == sorted(
        sorted([name, *(f"{kind} {name}" for kind in KINDS)]) for name in NAMES
    )


def test_the_best_of_a_group_has_the_most_pixels_and_then_the_most_detail(quick, samples):
    list(quick.add(three(samples)))
    [group] = quick.duplicates.find(THRESHOLD)
    assert [each.name for each in group.records] == [FLOWER, "coarse.jpg", "half.jpg"]
    assert group.reason == "detail" and group.records[2].content_id not in group.details
    assert group.score == max(map(group.score_of, group.ids)) <= 1.001


def test_an_enlarged_copy_is_compared_with_all_pictures_of_the_smaller_size(quick):
    original = photo_like()
    large = original.resize((960, 720), Image.Resampling.LANCZOS)
    sizes = {"q30": (original, 30), "larger": (large, 95)}
    files = {name: saved(image, "JPEG", quality=quality) for name, (image, quality) in sizes.items()}
    list(quick.add([item(name, data) for name, data in (files | {"original": saved(original, "PNG")}).items()]))
    [group] = quick.duplicates.find(THRESHOLD)
    assert group.records[0].name == "original" and group.enlarged
    assert set(group.redundant().values()) == {id_of(quick, "original")}


def test_what_may_be_an_enlarged_copy_supersedes_nothing_and_nothing_is_decided(quick):
    original = photo_like()
    large = original.resize((720, 540), Image.Resampling.BILINEAR)
    files = {
        "larger": saved(large, "JPEG", quality=75),
        "original": saved(original, "PNG"),
        "q30": saved(original, "JPEG", quality=30),
    }
    list(quick.add([item(name, data) for name, data in files.items()]))
    [group] = quick.duplicates.find(THRESHOLD)
    assert (group.records[0].name, group.reason) == ("larger", "unsure")
    assert group.redundant() == {id_of(quick, "q30"): id_of(quick, "original")}
    [rest] = group.without([id_of(quick, "q30")])
    assert (rest.reason, rest.redundant()) == ("unsure", {})


def test_an_enlarged_copy_comes_after_the_original_that_holds_as_much(quick, picture):
    original = photo_like()
    large = original.resize((960, 720), Image.Resampling.BICUBIC)
    coarse = BytesIO()
    large.save(coarse, "JPEG", quality=30)
    half = saved(original.resize((240, 180)), "PNG")
    files = {
        "original": saved(original, "PNG"),
        "larger": saved(large, "PNG"),
        "coarse": coarse.getvalue(),
        "half": half,
    }
    list(quick.add([item(name, data) for name, data in files.items()]))
    [group] = quick.duplicates.find(THRESHOLD)
    assert (group.records[0].name, group.records[-1].name, group.reason) == ("original", "half", "enlarged")
    assert set(group.enlarged.values()) == {group.ids[0]} and group.ids[3] not in group.details
    assert set(group.redundant().values()) == {group.ids[0]}


def test_plain_pictures_are_near_duplicates_only_in_the_same_shade(picture):
    looks = ThumbnailSignatures({}.__getitem__)
    for shade in (100, 103, 180):
        looks.see(shade, picture((shade, shade, shade), format="JPEG"))
    assert looks.is_same_image(100, 103)
    assert not looks.is_same_image(100, 180)


def test_a_picture_whose_thumbnail_is_not_to_be_had_resembles_none(picture):
    def gone(id):
        raise UnknownPicture("gone")

    looks = ThumbnailSignatures(gone)
    looks.see("here", picture("red"))
    assert not looks.is_same_image("here", "gone")


def test_the_threshold_is_that_of_the_vectors(quick, samples):
    list(quick.add(three(samples)))
    assert quick.duplicates.find(1.0) == [] or all(group.score >= 1.0 for group in quick.duplicates.find(1.0))
    for threshold in (0, -1, 1.1, float("nan")):
        with pytest.raises(InvalidQuery, match="is not possible"):
            quick.duplicates.find(threshold)


def test_progress_is_told_and_a_search_can_be_stopped(quick, samples):
    list(quick.add(three(samples)))
    told = []
    assert quick.duplicates.find(THRESHOLD, lambda done, total: told.append((done, total)))
    assert told == [(0, 3), (3, 3)]
    assert quick.duplicates.find(THRESHOLD, should_stop=lambda: True) is None


def test_an_empty_library_has_none(quick):
    assert quick.duplicates.find(THRESHOLD) == []


def test_an_index_without_an_answer_is_no_library_without_duplicates(quick, samples, monkeypatch):
    list(quick.add(three(samples)))
    monkeypatch.setattr(MemoryCollection, "nearest", lambda self, vectors, limit: [{} for _ in vectors])
    with pytest.raises(IndexUnavailable, match="Try again"):
        quick.duplicates.find(THRESHOLD)


# Groups. Pictures of a kind look alike; what vectors say is drawn.

LOOKS = [np.kron(np.eye(4) == kind, np.full((24, 24), 255)).astype(np.uint8) for kind in (0, 1)]
STRIPES = [saved(Image.fromarray(look)) for look in LOOKS]


def indexed(vectors):
    collection = MemoryCollection(dim=vectors.shape[1])
    records = [record(number) for number in range(len(vectors))]
    collection.upsert(records, vectors)
    return collection, records


def groups_of(vectors, kinds, decisions=None, threshold=THRESHOLD):
    collection, records = indexed(vectors)
    looks = {each.content_id: STRIPES[kind] for each, kind in zip(records, kinds, strict=True)}
    with collection.loaded() as index:
        return find_groups(
            records, index, looks.__getitem__, decisions or PassingDecisions(), threshold=threshold
        ), records


def compared(vectors, kinds, records, decisions, threshold=THRESHOLD):
    """Returns the groups by comparing all pairs."""
    groups = [{each.content_id} for each in records]
    for one, other in itertools.combinations(range(len(records)), 2):
        ids = records[one].content_id, records[other].content_id
        near = float(vectors[one] @ vectors[other]) >= threshold
        if near and kinds[one] == kinds[other] and not decisions.are_distinct(*ids):
            first, second = (next(group for group in groups if id in group) for id in ids)
            if first is not second:
                first |= second
                groups.remove(second)
    return {frozenset(group) for group in groups if len(group) > 1}


ANGLES = st.lists(st.tuples(st.integers(0, 40), st.integers(0, 1)), min_size=1, max_size=DEEPER - 1)


@settings(max_examples=40, deadline=None)
@given(ANGLES, st.lists(st.tuples(st.integers(0, 98), st.integers(0, 98)), max_size=6))
def test_groups_are_disjoint_and_those_that_comparing_all_pairs_finds(drawn, parted):
    angles = np.array([angle for angle, _ in drawn]) / 8
    vectors = np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)
    kinds = [kind for _, kind in drawn]
    decisions = PassingDecisions()
    _, records = indexed(vectors)
    for one, other in parted:
        if max(one, other) < len(records):
            decisions.mark_distinct([records[one].content_id], [records[other].content_id])
    groups, records = groups_of(vectors, kinds, decisions)
    members = [id for group in groups for id in group.ids]
    assert len(members) == len(set(members))
    assert {frozenset(group.ids) for group in groups} == compared(vectors, kinds, records, decisions)


def test_more_copies_than_are_asked_for_are_still_one_group():
    vectors = np.tile(np.array([[1, 0]], np.float32), (DEEPER + 3 * NEAREST, 1))
    groups, records = groups_of(vectors, [0] * len(vectors))
    assert [len(group.ids) for group in groups] == [len(records)]


def test_what_joins_two_pictures_only_by_a_third_is_not_redundant():
    angles = np.array([0.0, 0.3, 0.6])
    vectors = np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)
    [group], records = groups_of(vectors, [0, 0, 0])
    ids = [each.content_id for each in sorted(records, key=lambda each: -each.bytes)]
    assert group.ids == ids
    assert group.redundant() == {ids[1]: ids[0]}
    assert group.without([ids[1]]) == []


# Decisions


def test_what_is_kept_apart_is_not_shown_again_in_any_run(small, samples, tmp_path):
    library = opened(small, tmp_path)
    list(library.add(three(samples)))
    [group] = library.duplicates.find(THRESHOLD)
    library.duplicates.mark_distinct(group.ids, group.ids)
    assert found(library) == []
    library.close()
    library = opened(small, tmp_path)
    assert found(library) == []
    list(library.add([item("new.webp", variants(samples[FLOWER])["webp"])]))
    assert found(library) == [{FLOWER, "half.jpg", "coarse.jpg", "new.webp"}]
    library.close()


def test_a_picture_that_is_no_duplicate_leaves_the_others_together(quick, samples):
    list(quick.add(three(samples)))
    half = id_of(quick, "half.jpg")
    quick.duplicates.mark_distinct([half], [id_of(quick, FLOWER), id_of(quick, "coarse.jpg")])
    assert found(quick) == [{FLOWER, "coarse.jpg"}]


def test_keeping_one_deletes_the_others_and_takes_them_in_no_more(quick, samples):
    files = three(samples)
    list(quick.add(files))
    kept = id_of(quick, FLOWER)
    deleted = quick.duplicates.keep_one(kept, [kept, id_of(quick, "half.jpg"), id_of(quick, "coarse.jpg")])
    assert {each.name for each in deleted} == {"half.jpg", "coarse.jpg"}
    receipts = list(quick.add(files))
    assert [receipt.status for receipt in receipts] == ["duplicate", "skipped", "skipped"]
    assert str(receipts[1].reason) == f"A near-duplicate of {FLOWER}, which was kept instead."
    assert receipts[1].near_duplicate_of == kept
    assert quick.status().pictures == 1


def test_a_dry_run_tells_what_was_given_up(quick, samples):
    files = three(samples)
    list(quick.add(files))
    quick.duplicates.keep_one(id_of(quick, FLOWER), [id_of(quick, "half.jpg")])
    assert [receipt.status for receipt in quick.add(files, dry_run=True)] == ["duplicate", "skipped", "duplicate"]


def test_what_was_given_up_comes_in_again_once_the_kept_one_is_gone(quick, samples):
    files = three(samples)
    list(quick.add(files))
    flower, half, coarse = (id_of(quick, name) for name in (FLOWER, "half.jpg", "coarse.jpg"))
    quick.duplicates.keep_one(coarse, [half])
    quick.duplicates.keep_one(flower, [coarse])
    [receipt] = quick.add([files[1]])
    assert receipt.near_duplicate_of == flower
    quick.delete([flower])
    assert [receipt.status for receipt in quick.add(files[1:])] == ["new", "new"]


def test_nothing_is_deleted_for_a_picture_that_is_gone(quick, samples):
    list(quick.add(three(samples)))
    flower, half = id_of(quick, FLOWER), id_of(quick, "half.jpg")
    quick.delete([flower])
    with pytest.raises(UnknownPicture):
        quick.duplicates.keep_one(flower, [half])
    assert quick.record(half)


IDS = [record(number).content_id for number in range(4)]


def test_decisions_reach_other_processes_at_once(tmp_path):
    one, other = DecisionFile(tmp_path / "data" / "d.jsonl"), DecisionFile(tmp_path / "data" / "d.jsonl")
    assert not other.are_distinct(IDS[0], IDS[1])
    one.mark_distinct(IDS[:2], IDS[:2])
    other.mark_distinct([IDS[0]], [IDS[2]])
    one.supersede([IDS[3]], IDS[0])
    for each in (one, other, DecisionFile(tmp_path / "data" / "d.jsonl")):
        assert each.are_distinct(IDS[1], IDS[0]) and each.are_distinct(IDS[2], IDS[0])
        assert not each.are_distinct(IDS[1], IDS[2])
        assert each.kept_instead_of(IDS[3]) == [IDS[0]]


@pytest.mark.parametrize(
    "line",
    ['{"apart": ["', "7", "[]", '"apart"', "{}", '{"apart": 3}', '{"apart": ["x"]}', '{"given_up": [], "kept": null}'],
)
def test_a_line_that_says_nothing_hides_no_other(tmp_path, caplog, line):
    path = tmp_path / "d.jsonl"
    path.write_text(line)  # without its end, as a kill leaves it
    DecisionFile(path).mark_distinct([IDS[0]], [IDS[1]])
    assert DecisionFile(path).are_distinct(IDS[0], IDS[1])
    assert "Line 1 of d.jsonl says nothing" in caplog.text


def test_a_decision_that_cannot_be_kept_is_told(tmp_path):
    (tmp_path / "d.jsonl").mkdir()
    with pytest.raises(StoreUnavailable, match=r"cannot be kept in d\.jsonl"):
        DecisionFile(tmp_path / "d.jsonl").supersede([IDS[0]], IDS[1])


def test_the_picture_kept_last_is_the_one_that_counts():
    decisions = PassingDecisions()
    decisions.supersede([IDS[0]], IDS[1])
    decisions.supersede([IDS[1]], IDS[0])
    assert (decisions.kept_instead_of(IDS[0]), decisions.kept_instead_of(IDS[1])) == ([], [IDS[0]])


# On the way in


def test_a_new_picture_is_noted_as_a_near_duplicate_of_one_that_is_there(quick, samples):
    first, second, third = three(samples)
    list(quick.add([first]))
    receipts = list(quick.add([second, third, item("sea.png", samples[SUNSET])], near="note"))
    flower = id_of(quick, FLOWER)
    assert [receipt.status for receipt in receipts] == ["new", "new", "new"]
    assert str(receipts[0].reason) == f"A near-duplicate of {FLOWER}."
    assert receipts[0].near_duplicate_of == flower
    assert receipts[1].near_duplicate_of in (flower, receipts[0].content_id)
    assert receipts[2].near_duplicate_of is receipts[2].reason is None


@pytest.mark.parametrize(("near", "stored"), [("note", True), ("skip", False)])
def test_where_milvus_is_away_a_picture_is_stored_unless_it_might_have_been_skipped(
    quick, samples, monkeypatch, near, stored
):
    def away(*_, **__):
        raise IndexUnavailable("Milvus is away.")

    monkeypatch.setattr(MemoryCollection, "nearest", away)
    monkeypatch.setattr(MemoryCollection, "upsert", away)
    sea = item("sea.png", samples[SUNSET])
    with pytest.raises(IndexUnavailable):
        list(quick.add([sea], near=near))
    assert quick.pictures.stored([content_id(samples[SUNSET])]) == ({content_id(samples[SUNSET])} if stored else set())


def test_near_duplicates_are_left_out_where_that_is_asked_for(quick, samples):
    files = three(samples)
    receipts = list(quick.add([*files, files[1], item("sea.png", samples[SUNSET])], near="skip"))
    assert [receipt.status for receipt in receipts] == ["new", "skipped", "skipped", "skipped", "new"]
    assert {receipt.near_duplicate_of for receipt in receipts[1:4]} == {receipts[0].content_id}
    assert quick.status().pictures == 2


def test_a_batch_of_nothing_but_near_duplicates_keeps_nothing(quick, samples):
    first, second, third = three(samples)
    list(quick.add([first]))
    assert [receipt.status for receipt in quick.add([second, third], near="skip")] == ["skipped", "skipped"]


def test_pictures_kept_apart_are_not_told_to_be_near(quick, samples):
    first, second, _ = three(samples)
    list(quick.add([first, second]))
    half = id_of(quick, "half.jpg")
    quick.duplicates.mark_distinct([half], [id_of(quick, FLOWER)])
    quick.delete([half])
    [receipt] = quick.add([second], near="skip")
    assert (receipt.status, receipt.near_duplicate_of) == ("new", None)


def test_nothing_is_looked_for_unless_it_is_asked_for(library, picture, monkeypatch):
    monkeypatch.setattr(MemoryCollection, "nearest", None)
    assert [receipt.reason for receipt in library.add([item("red.png", picture("red"))])] == [None]


def test_a_receipt_of_a_near_duplicate_is_json(quick, samples):
    first, second, _ = three(samples)
    receipts = list(quick.add([first, second], near="note"))
    assert json.loads(json.dumps(receipts[1].as_json()))["near_duplicate_of"] == receipts[0].content_id


def test_a_picture_that_lacks_only_its_row_is_finished_though_it_has_a_near_duplicate(samples):
    database, store = MemoryDatabase(), MemoryStore()
    library = ImageLibrary(store, ready(ColourEncoder()), database)
    files = three(samples)
    list(library.add(files))
    half = library.record(id_of(library, "half.jpg"))
    database.delete([half.img_path])
    assert [receipt.status for receipt in library.add([files[1]], near="skip")] == ["new"]
