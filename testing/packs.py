"""Makes two libraries that exchange packs: one exports, the other imports and must not encode."""

import json
from collections.abc import Callable, Sequence
from hashlib import sha256
from pathlib import Path
from typing import NoReturn

import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image

from db.files.pack_reader import open_pack
from db.files.pack_writer import new_pack
from library.image_library import ImageLibrary
from library.ingest.packs import Contents
from library.ingest.receipts import tally
from library.ports import EncoderInfo
from library.records import Record
from testing.fakes import ColourEncoder, MemoryDatabase, MemoryStore, ready
from testing.pictures import item

COLOURS = ["red", "green", "blue", "purple", "orange"]
ODD = {"naïve 写真": "🦊", 'a"]b': True, "": 0, "img_path": "x", "rate": 1e-9, "big": 2**62, "none": None, "list": [1]}
UNEQUAL = "red red green"  # as near to no two of them
ALL = Contents(thumbnails=True, originals=True)
THUMBNAILS = Contents(thumbnails=True)
VECTORS = Contents()

Change = Callable[[pa.Table], pa.Table]


class Encoder(ColourEncoder):
    info = EncoderInfo("some/colour", "0" * 12, 3, "cpu", "float32", {"size": {"height": 64}, "mean": [0.5, 0.25]})


class Blind(Encoder):
    def encode_images(self, images: Sequence[Image.Image]) -> NoReturn:
        raise AssertionError("a picture was encoded")


class Laptop:
    """Holds a library of a few pictures, and packs of it."""

    def __init__(self, picture, folder: Path) -> None:
        self.store, self.database = MemoryStore(), MemoryDatabase()
        self.library = ImageLibrary(self.store, ready(Encoder()), self.database)
        self.folder = folder
        list(self.library.add([item(f"{each}.png", picture(each), metadata=ODD) for each in COLOURS]))

    def export(self, contents: Contents = ALL, name: str = "pack") -> Path:
        with new_pack(str(self.folder / name), contents) as writer:
            self.outcomes = list(self.library.packs.export_to(writer))
        return self.folder / name

    def records(self) -> list[Record]:
        return self.library.browse(0, 100)


class Cluster:
    """Holds an empty library whose encoder fails when it is called."""

    def __init__(self, encoder=None) -> None:
        self.store, self.database = MemoryStore(), MemoryDatabase()
        self.library = ImageLibrary(self.store, ready(encoder or Blind()), self.database)

    def take(self, pack: Path) -> dict[str, int]:
        self.receipts = list(self.library.packs.import_from(open_pack(str(pack))))
        return {status: count for status, count in tally(self.receipts).items() if count}


def claim(pack: Path, **changes: object) -> None:
    """Overwrites entries of the manifest, such as its count or its model."""
    path = pack / "manifest.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def replace_table(pack: Path, change: Change) -> None:
    """Changes the table of a pack, and its digest in the manifest, as a forger would."""
    [path] = pack.glob("*.parquet")
    pq.write_table(change(pq.read_table(path)), path)
    data = path.read_bytes()
    rows = pq.read_metadata(path).num_rows
    file = {"name": path.name, "rows": rows, "bytes": len(data), "sha256": sha256(data).hexdigest()}
    claim(pack, count=rows, files=[file])


def with_first(column: str, value: object) -> Change:
    """Returns a function for `replace_table` that changes the first row."""

    def change(table: pa.Table) -> pa.Table:
        values = table.column(column).to_pylist()
        field = table.schema.field(column)
        changed = pa.array([value, *values[1:]], field.type)
        return table.set_column(table.schema.get_field_index(column), field, changed)

    return change
