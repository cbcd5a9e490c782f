"""Checks evaluations on labelled pictures: what is right, what is compared, what is refused."""

import json
from contextlib import contextmanager
from dataclasses import replace

import numpy as np
import pytest

from db.files.evaluations import EvaluationFiles
from db.milvus.database import Milvus
from library.errors import InvalidEvaluation
from library.evaluation.config import EvaluationConfig
from library.evaluation.evaluate import evaluate
from library.evaluation.labels import Labelling
from library.evaluation.tasks import CAPTIONS, NAMES, PICTURES, TEMPLATED, averaged, spoken
from library.messages import message
from testing.fakes import ColourEncoder, MemoryDatabase
from testing.pictures import item

SHADES = {
    "red": ["#ff0000", "#f01010", "#e00810"],
    "green": ["#00ff00", "#10f010", "#08e010"],
    "blue": ["#0000ff", "#1010f0", "#0810e0"],
}
COLOUR = ColourEncoder()
BY_COLUMN = Labelling(column="class", captions_column="caption")


class BlindEncoder(ColourEncoder):
    """Encodes everything as the same vector."""

    info = replace(ColourEncoder.info, name="blind", fingerprint="1" * 12)

    def encode_images(self, images):
        return np.tile(np.float32([1, 0, 0]), (len(images), 1))

    def encode_texts(self, texts):
        return np.tile(np.float32([1, 0, 0]), (len(texts), 1))


@contextmanager
def in_memory():
    yield MemoryDatabase()


@pytest.fixture
def items(picture):
    """Returns nine pictures of three classes; the first of each class has a caption."""
    return [
        item(
            f"{name}-{number}.png",
            picture(shade),
            metadata={"class": name, "caption": f"plain {name}" if number == 0 else None},
            source=f"shades/{name}/{number}.png",
        )
        for name, shades in SHADES.items()
        for number, shade in enumerate(shades)
    ]


def evaluated(items, labelling=BY_COLUMN, encoders=(COLOUR,), **wishes):
    order = EvaluationConfig(labelling, **{"cutoffs": (1, 2, 5), **wishes})
    return evaluate(items, order, encoders, in_memory, "shades")


def task(evaluation, kind, model=0):
    return next(each for each in evaluation["models"][model]["tasks"] if each["queries"] == kind)


def value(evaluation, kind, metric, model=0):
    return task(evaluation, kind, model)["exact"][metric]["value"]


def test_an_encoder_that_sees_the_classes_finds_everything(items):
    found = evaluated(items)
    for kind in (NAMES, TEMPLATED, PICTURES, CAPTIONS):
        assert value(found, kind, "recall@1") == value(found, kind, "mrr") == 1
    for kind in (NAMES, TEMPLATED, PICTURES):
        assert value(found, kind, "map") == 1
    assert [task(found, kind)["count"] for kind in (NAMES, PICTURES, CAPTIONS)] == [3, 9, 3]


def test_an_encoder_that_sees_nothing_is_no_better_than_chance(items):
    """Checks that with equal scores the order of the files, class by class, is no advantage."""
    found = evaluated(items, encoders=(BlindEncoder(),))
    assert value(found, NAMES, "map") < 0.75
    assert value(found, NAMES, "recall@1") == pytest.approx(1 / 3)


def test_the_classes_may_be_those_of_the_folders(items):
    found = evaluated([replace(each, metadata={}) for each in items], Labelling(from_folders=True))
    assert found["classes"] == 3 and value(found, PICTURES, "map") == 1


def test_a_picture_that_lies_in_no_folder_of_a_class_is_left_out(items):
    stray = replace(items[0], source="shades/stray.png")
    found = evaluated([*items[1:], stray], Labelling(from_folders=True))
    assert (found["pictures"], found["left_out"]) == (8, {"without a label": 1})


def test_what_cannot_be_read_and_copies_are_left_out_and_counted(items, picture):
    broken = item("broken.png", b"text", metadata={"class": "red"}, source="x")
    copy = replace(items[0], name="copy.png", metadata={"class": "blue"})
    hidden = item(".hidden", b"", skip=message("hidden"))
    found = evaluated([*items, broken, copy, hidden])
    assert (found["pictures"], found["left_out"]) == (9, {"unreadable": 1, "copies of another picture": 1})


def test_pictures_with_the_same_caption_are_all_right(items):
    shared = [replace(each, metadata={"caption": each.metadata["class"]}) for each in items]
    found = evaluated(shared, Labelling(captions_column="caption"))
    assert [each["queries"] for each in found["models"][0]["tasks"]] == [CAPTIONS]
    assert (task(found, CAPTIONS)["count"], value(found, CAPTIONS, "map")) == (3, 1)


def test_a_class_of_one_picture_is_no_query_by_picture(items):
    found = evaluated(items[:7])
    assert task(found, PICTURES)["count"] == 6
    [single] = [row for row in found["models"][0]["classes"] if row["count"] == 1]
    assert PICTURES not in single and single[NAMES]["map"] == 1


def test_classes_may_be_numbers(items):
    numbered = [replace(each, metadata={"class": index % 2}) for index, each in enumerate(items)]
    found = evaluated(numbered, Labelling(column="class"))
    assert {row["class"] for row in found["models"][0]["classes"]} == {"0", "1"}


def test_the_worst_queries_come_first_with_what_was_found_instead(items):
    mislabelled = [replace(items[0], metadata={"class": "green"}), *items[1:]]
    found = evaluated(mislabelled)
    worst = task(found, PICTURES)["worst"][0]
    assert (worst["picture"]["name"], worst["picture"]["label"]) == ("red-0.png", "green")
    assert [result["right"] for result in worst["results"][:2]] == [False, False]
    assert worst["first"] == 3
    assert set(found["icons"]) >= {worst["picture"]["id"], worst["results"][0]["id"]}


def test_the_report_is_json_and_the_same_every_time(items):
    first, second = (json.loads(json.dumps(evaluated(items))) for _ in range(2))
    assert {**first, "at": ""} == {**second, "at": ""}


def test_a_stopped_evaluation_gives_nothing(items):
    order = EvaluationConfig(BY_COLUMN, (1,))
    assert evaluate(items, order, [ColourEncoder()], in_memory, should_stop=lambda: True) is None


# Several models, templates, the index


def test_models_are_compared_on_the_same_queries_with_the_interval_of_the_difference(items):
    found = evaluated(items, encoders=(BlindEncoder(), ColourEncoder()))
    assert [model["model"] for model in found["models"]] == ["blind", "colour"]
    [difference] = [each["difference"] for each in found["differences"] if each["queries"] == PICTURES]
    gain = value(found, PICTURES, "map", model=1) - value(found, PICTURES, "map", model=0)
    assert difference["map"]["value"] == pytest.approx(gain, abs=1e-5)
    assert 0 < difference["map"]["low"] <= difference["map"]["value"] <= difference["map"]["high"]


def test_two_sets_of_weights_under_one_name_are_told_apart(items):
    other = ColourEncoder()
    other.info = replace(other.info, fingerprint="abcdef" * 2)
    names = [model["model"] for model in evaluated(items, encoders=(ColourEncoder(), other))["models"]]
    assert names == ["colour 000000", "colour abcdef"]


def test_templates_are_averaged_as_unit_vectors():
    [mean] = averaged(ColourEncoder(), ["red"], ["{} blue", "{}"])
    expected = np.float32([1 + 2**-0.5, 0, 2**-0.5])
    assert mean == pytest.approx(expected / np.linalg.norm(expected), abs=1e-3)


def test_what_templates_gain_is_measured_alone_and_together(items):
    """Measures a template that adds blue to everything, which spoils the names, and one that changes nothing."""
    found = evaluated(items, templates=("{} blue blue", "a {}"))["models"][0]["templates"]
    spoilt, same = (each["gain"]["map"]["value"] for each in found["alone"])
    assert spoilt < 0 == same
    assert spoilt <= found["gain"]["map"]["value"] <= 0


def test_names_of_folders_are_read_as_words():
    assert [spoken(name) for name in ("car_side", "yin-yang", "_")] == ["car side", "yin yang", "_"]


def test_the_index_is_asked_as_the_library_would_ask_it(items, tmp_path):
    @contextmanager
    def lite():
        database = Milvus(tmp_path / "milvus.db", release_after=None)
        yield database
        database.close()

    found = evaluate(items, EvaluationConfig(BY_COLUMN, (1, 2)), [ColourEncoder()], lite)
    index = found["models"][0]["index"]
    assert (index["backend"], index["nlist"], index["nprobe"], index["depth"]) == ("Milvus Lite", 128, 128, 8)
    for each in found["models"][0]["tasks"]:
        through = each["through_index"]
        assert through["index"] == through["exact"]  # a small collection is searched whole
        assert {figure["value"] for figure in through["difference"].values()} == {0}


def test_an_index_that_is_searched_in_part_loses_what_the_difference_says(picture, tmp_path):
    """Searches one cluster of an index in which each cluster holds one picture, and each class has two."""

    @contextmanager
    def lite():
        database = Milvus(tmp_path / "milvus.db", release_after=None)
        yield database
        database.close()

    shades = [
        f"#{red:02x}{green:02x}{blue:02x}" for red in range(0, 256, 40) for green in (0, 128) for blue in (0, 255)
    ]
    given = [item(shade, picture(shade), metadata={"class": shade[-2:]}) for shade in shades]
    found = evaluate(given, EvaluationConfig(Labelling("class"), (1, 2), nprobe=1), [COLOUR], lite)
    through = task(found, PICTURES)["through_index"]
    assert found["models"][0]["index"]["nprobe"] == 1
    lost = through["difference"]["map@27"]
    assert lost["high"] < 0
    assert lost["value"] == pytest.approx(through["index"]["map@27"]["value"] - through["exact"]["map@27"]["value"])


# What is refused


@pytest.mark.parametrize(
    ("labelling", "change", "message"),
    [
        (BY_COLUMN, lambda items: [], "There are no pictures here"),
        (BY_COLUMN, lambda items: items[:3], "The labels name one class, red: two classes or more"),
        (Labelling(column="kind"), lambda items: items, "There is no column kind. The columns are: caption, class."),
        (Labelling(column="caption"), lambda items: items[1:3], "No picture has a label"),
        (BY_COLUMN, lambda items: items[2:7], "recall@5 needs more than 5 pictures and there are 5"),
    ],
)
def test_what_cannot_be_measured_is_refused_before_anything_is_encoded(items, labelling, change, message):
    given = [replace(each, read=None) for each in change(items)]
    with pytest.raises(InvalidEvaluation, match="^" + message) as refused:
        evaluated(given, labelling)
    assert str(refused.value).endswith(".")


def test_what_turns_out_while_an_archive_is_listed_is_refused_then(items):
    with pytest.raises(InvalidEvaluation, match="one class, red"):
        evaluated(iter(items[:3]))
    with pytest.raises(InvalidEvaluation, match="no pictures here"):
        evaluated(iter([]))


@pytest.mark.parametrize("cutoffs", [(), (0,), (201,)])
def test_impossible_cutoffs_are_refused(cutoffs):
    with pytest.raises(InvalidEvaluation, match="--k takes numbers"):
        EvaluationConfig(BY_COLUMN, cutoffs)


@pytest.mark.parametrize("template", ["a photo", "a {} and a {}"])
def test_a_template_needs_one_place_for_the_class(template):
    with pytest.raises(InvalidEvaluation, match=r"needs one \{\} where"):
        EvaluationConfig(BY_COLUMN, templates=(template,))


def test_the_labels_come_from_one_place():
    with pytest.raises(InvalidEvaluation, match="exclude each other"):
        Labelling(column="class", from_folders=True)
    with pytest.raises(InvalidEvaluation, match="Nothing says what the pictures show"):
        Labelling()


# What is kept


def test_evaluations_are_kept_newest_first(tmp_path):
    files = EvaluationFiles(tmp_path / "evaluations")
    assert files.newest(5) == []
    for number, at in enumerate(["2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z", "2026-01-02T00:00:00Z"]):
        files.add({"at": at, "models": [], "number": number})
    assert [each["number"] for each in files.newest(2)] == [2, 1]


def test_a_damaged_evaluation_is_passed_over(tmp_path):
    files = EvaluationFiles(tmp_path)
    files.add({"at": "2026-01-01T00:00:00Z", "models": []})
    (tmp_path / "2027.json").write_text("{")
    (tmp_path / "2028.json").write_text("[]")
    assert len(files.newest(5)) == 1
