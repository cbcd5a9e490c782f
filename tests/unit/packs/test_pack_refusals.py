"""Offers packs and rows that are refused."""

import json
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from db.files.pack_format import RECORD_COLUMNS
from library.errors import InvalidPack
from testing.packs import (
    Encoder,
    claim,
    replace_table,
    with_first,
)


def damage(pack: Path) -> None:
    path = pack / "pictures-00000.parquet"
    data = bytearray(path.read_bytes())
    data[100] ^= 1
    path.write_bytes(data)


def cut_short(pack: Path) -> None:
    path = pack / "pictures-00000.parquet"
    path.write_bytes(path.read_bytes()[:-100])


def without_column(pack: Path) -> None:
    replace_table(pack, lambda table: table.drop_columns("thumbnail"))


def with_lists(pack: Path) -> None:
    replace_table(
        pack, lambda table: table.set_column(11, "vector", table.column("vector").cast(pa.list_(pa.float32())))
    )


def one_row_less(pack: Path) -> None:
    [file] = json.loads((pack / "manifest.json").read_text())["files"]
    claim(pack, count=4, files=[file | {"rows": 4}])


def another_file(pack: Path) -> None:
    shutil.copy(pack / "pictures-00000.parquet", pack.parent / "pictures-00000.parquet")
    [file] = json.loads((pack / "manifest.json").read_text())["files"]
    claim(pack, files=[file | {"name": "../pictures-00000.parquet"}])


def the_same_file_twice(pack: Path) -> None:
    files = json.loads((pack / "manifest.json").read_text())["files"]
    claim(pack, count=10, files=[*files, *files])


LIES = {
    "a folder that is not there": (shutil.rmtree, "There is no folder"),
    "a pack cut short": (lambda pack: (pack / "manifest.json").unlink(), "manifest.json, which is written last"),
    "no JSON": (lambda pack: (pack / "manifest.json").write_text("{"), "manifest.json of the pack is damaged"),
    "something else": (
        lambda pack: (pack / "manifest.json").write_text('{"a": 1}'),
        "its entry likeness is",
    ),
    "a later version": (lambda pack: claim(pack, version=2), "format version 2; this app reads 1"),
    "a false dimension": (lambda pack: claim(pack, dimension=512), "vectors of 512 numbers, pictures-.* vectors of 3"),
    "a dimension that is none": (lambda pack: claim(pack, dimension="3"), "its entry dimension "),
    "a false count": (lambda pack: claim(pack, count=6), "a count of 6, and files of 5 rows"),
    "a false number of rows": (one_row_less, "pictures-00000.parquet has 5 rows, not 4"),
    "a missing file": (lambda pack: (pack / "pictures-00000.parquet").unlink(), "pictures-00000.parquet is missing"),
    "a file twice": (the_same_file_twice, "names a file twice"),
    "a file cut short": (cut_short, "pictures-00000.parquet is cut short"),
    "a damaged file": (damage, "pictures-00000.parquet is damaged"),
    "a file elsewhere": (another_file, "files.0.name"),
    "a missing column": (without_column, "no column thumbnail of binary"),
    "lists of any length": (with_lists, "no column vector of float32"),
    "another model": (
        lambda pack: claim(pack, model="other/model"),
        r"made with other/model .*this library uses some/colour .*Set CLIP_MODEL=other/model to import it",
    ),
    "another model without an owner": (
        lambda pack: claim(pack, model="clip"),
        "CLIP_MODEL=clip, or a folder of that name",
    ),
    "another revision": (lambda pack: claim(pack, revision="1" * 12), "Use that revision of the model"),
    "another preprocessing": (
        lambda pack: claim(pack, preprocessing={"size": {"height": 32}, "mean": [0.5, 0.25]}),
        "prepared differently .*: size {'height': 32} / {'height': 64}",
    ),
    "a model that is no line": (lambda pack: claim(pack, model="a\x1b[2Jb"), "its entry model "),
}


@pytest.mark.parametrize(("lie", "message"), LIES.values(), ids=LIES.keys())
def test_a_pack_that_lies_is_refused_in_one_line_before_anything_is_written(laptop, cluster, lie, message):
    pack = laptop.export()
    lie(pack)
    with pytest.raises(InvalidPack, match=message) as refused:
        cluster.take(pack)
    assert len(str(refused.value).splitlines()) == 1
    assert cluster.store.count() == 0
    assert not cluster.database.holds(Encoder.info)


BAD_ROWS = {
    "no unit length": ("vector", [1.0, 1.0, 1.0], "not finite and of unit length"),
    "no number": ("vector", [np.nan, 0.0, 1.0], "not finite and of unit length"),
    "a huge number": ("vector", [3e38, 3e38, 3e38], "not finite and of unit length"),
    "a missing number": ("vector", [None, 0.0, 1.0], "not finite and of unit length"),
    "no vector": ("vector", None, "not finite and of unit length"),
    "no name": ("name", None, "It has no name."),
    "no ID": ("content_id", "../../etc/passwd", "not a content ID"),
    "the ID of another picture": ("content_id", "0" * 64, "path is not that of its content ID"),
    "a path that climbs": ("img_path", "images/../../../etc/cron.d/x.png", "path is not that of its content ID"),
    "another ending": ("format", "JPEG", "path is not that of its content ID"),
    "an unknown format": ("format", "EXE", "no format of pictures"),
    "no pixels": ("width", 0, "not the pixels of a picture"),
    "too many pixels": ("height", 2**31 - 1, "not the pixels of a picture"),
    "too many bytes": ("bytes", 2**62, "not the number of bytes"),
    "a time to come": ("added", datetime.now(UTC) + timedelta(days=400), "Nothing can have been added"),
    "another original": ("original", b"other bytes", "original is not the picture of its content ID"),
    "no thumbnail": ("thumbnail", None, "neither in the image store nor in this pack"),
    "a thumbnail that is none": ("thumbnail", b"<script>", "thumbnail is no whole JPEG"),
    "metadata that are no JSON": ("metadata", "{", "not JSON that can be kept"),
    "metadata without end": ("metadata", "[" * 100_000, "not JSON that can be kept"),
    "metadata that are a list": ("metadata", "[1]", "not names and values"),
    "a number that is none": ("metadata", '{"a": NaN}', "not JSON that can be kept"),
    "an endless number": ("metadata", '{"a": 1e999}', "not JSON that can be kept"),
    "a number too large": ("metadata", '{"a": 9223372036854775808}', "not JSON that can be kept"),
    "half a character": ("metadata", '{"a": "\\ud800"}', "cannot be kept"),
    "too much metadata": ("metadata", json.dumps({"a": "x" * 70_000}), "65,536 are the most"),
    "far too much metadata": ("metadata", json.dumps({"a": "x" * 700_000}), "too long"),
}


@pytest.mark.parametrize(("column", "value", "reason"), BAD_ROWS.values(), ids=BAD_ROWS.keys())
def test_a_bad_row_stays_out_and_the_rest_goes_in(laptop, cluster, column, value, reason):
    pack = laptop.export()
    replace_table(pack, with_first(column, value))
    counts = cluster.take(pack)
    assert counts in ({"rejected": 1, "new": 4}, {"skipped": 1, "new": 4})
    assert cluster.receipts[0].path == "pictures-00000.parquet row 1"
    assert reason in str(cluster.receipts[0].reason)
    assert (cluster.store.count(), cluster.library.count_rows()) == (4, 4)


def test_a_time_that_no_calendar_has_is_a_bad_row(laptop, cluster):
    def change(table):
        times = pa.array([2**62] + [0] * (table.num_rows - 1), pa.int64()).cast(RECORD_COLUMNS["added"])
        return table.set_column(table.schema.get_field_index("added"), "added", times)

    pack = laptop.export()
    replace_table(pack, change)
    assert cluster.take(pack) == {"rejected": 1, "new": 4}
    assert str(cluster.receipts[0].reason) == "It has no added. Export the pack again."


def test_a_name_becomes_one_that_any_screen_can_show(laptop, cluster):
    pack = laptop.export()
    replace_table(pack, with_first("name", "../../a\x1b[2J\n.png"))
    cluster.take(pack)
    assert cluster.library.browse(0, 1)[0].name == "a\N{REPLACEMENT CHARACTER}[2J\N{REPLACEMENT CHARACTER}.png"
