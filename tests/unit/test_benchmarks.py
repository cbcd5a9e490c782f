"""Checks the tables of benchmarks/: each replaces its own section of RESULTS.md and judges its own rows."""

from importlib.util import find_spec

import pytest
from PIL import Image

from benchmarks import shutdown
from benchmarks.all import WITH_PHOTOS, WITHOUT_CACHE
from benchmarks.importers import Origin
from benchmarks.results import TITLES, Row, Table, publish, sections_of, with_section
from encoders.loading import load_encoder
from testing.tiny_clip import save_tiny_clip


def row(ratio: float, **limits: float) -> Row:
    return Row("ingest", "2 images/s", "the origin's way", "1 images/s", ratio, **limits)


def test_every_table_has_a_module_of_its_name():
    assert all(find_spec(f"benchmarks.{title.lower()}") for title in TITLES)
    assert {*WITH_PHOTOS, *WITHOUT_CACHE} <= set(TITLES)


def test_a_table_replaces_its_own_section_and_no_other():
    text = ""
    for title, body in [("Tower", "old"), ("Ingest", "kept"), ("Of one's own", "kept too"), ("Tower", "new")]:
        text = with_section(text, "# Measured\n\n- the machine", title, body)
    assert sections_of(text) == {"Tower": "new", "Ingest": "kept", "Of one's own": "kept too"}
    assert text.count("the machine") == 1


def test_sections_stand_in_one_order_whichever_was_measured_first():
    text = with_section(with_section("", "# Measured", "Rows", "b"), "# Measured", "Tower", "a")
    assert text == "# Measured\n\n## Tower\n\na\n\n## Rows\n\nb\n"


@pytest.mark.process
def test_what_is_published_says_the_machine_and_the_commit(tmp_path, capsys):
    results = tmp_path / "RESULTS.md"
    publish(Table("Rows", [row(2, at_least=4)], ["a note"]), results, quick=False)
    written = results.read_text()
    assert "torch finds" in written and "Measured at commit" in written and "- a note" in written
    assert "| ingest | 2 images/s | the origin's way | 1 images/s | 2.00 | 4 | **missed** |" in written
    assert "**missed**" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("ratio", "limits", "missed"),
    [
        (0.89, {"at_least": 0.9}, True),
        (0.9, {"at_least": 0.9}, False),
        (1.26, {"at_most": 1.25}, True),
        (1.25, {"at_most": 1.25}, False),
        (0, {}, False),
    ],
)
def test_a_row_is_missed_on_the_wrong_side_of_its_limit(ratio, limits, missed):
    assert row(ratio, **limits).is_missed is missed


def test_a_state_of_the_app_that_is_never_reached_hides_no_other(monkeypatch, capsys):
    def never(folder):
        raise TimeoutError("nothing came of it")

    monkeypatch.setattr(shutdown, "STATES", {"unreached": never, "reached": lambda folder: None})
    ended = shutdown.ended
    monkeypatch.setattr(shutdown, "ended", lambda state, folder: ended(state, folder) if state is never else (0.5, 0))
    with pytest.raises(SystemExit) as left:
        shutdown.main()
    assert left.value.code == 1
    _, _, unreached, reached = capsys.readouterr().out.splitlines()
    assert "nothing came of it" in unreached and reached == "| reached | 0.5 | 0 |"


def test_the_origins_way_brings_its_pictures_into_milvus(tmp_path):
    encoder = load_encoder(str(save_tiny_clip(tmp_path / "model")))
    photos = [tmp_path / f"{number}.jpg" for number in range(2)]
    for number, photo in enumerate(photos):
        Image.new("RGB", (40, 30), (80 * number, 0, 0)).save(photo)
    assert Origin(tmp_path / "model").rate(encoder, photos) > 0
