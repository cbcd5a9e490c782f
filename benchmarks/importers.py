"""Times two importers: this project's pipeline and a loop of one picture at a time."""

import os
from collections.abc import Sequence
from io import BytesIO
from pathlib import Path
from typing import Any

import torch
from PIL import Image
from pymilvus import DataType, MilvusClient
from transformers import AutoImageProcessor, AutoModel

from benchmarks.fixtures import empty_library, items_of, temporary_folder
from benchmarks.results import seconds
from db.milvus.database import Milvus
from db.milvus.schema import EMBEDDING, PRIMARY_KEY, create_index
from library.image_library import ImageLibrary
from library.images import content_id
from library.ingest.items import Item
from library.ingest.receipts import Status, tally
from library.ports import Encoder

PLAIN = "pictures"
NLIST = 128


def ingest_rate(encoder: Encoder, paths: Sequence[Path]) -> float:
    """Returns the images a second of an import by the pipeline, into a new library on Milvus Lite."""
    with empty_library(encoder) as library:
        return run_rate(library, items_of(paths), "new")


def run_rate(library: ImageLibrary, items: Sequence[Item], status: Status) -> float:
    counts: dict[Status, int] = {}
    taken = seconds(lambda: counts.update(tally(library.add(items))))
    assert counts[status] == len(items), counts
    return len(items) / taken


class Origin:
    """Imports one picture at a time: reads, decodes fully, writes the original, encodes in float32, inserts one row."""

    def __init__(self, model: Path) -> None:
        self._model = AutoModel.from_pretrained(model, dtype=torch.float32).eval()
        self._processor = AutoImageProcessor.from_pretrained(model, backend="pil")

    def rate(self, encoder: Encoder, paths: Sequence[Path]) -> float:
        """Returns the images a second of this loop, into a collection on Milvus Lite with the same kind of index."""
        torch.set_num_threads(os.cpu_count() or 1)
        with temporary_folder() as folder:
            milvus = Milvus(folder / "milvus.db")
            client = milvus.connection.client()
            create_plain_collection(client, encoder.info.dim)
            taken = seconds(lambda: [self._add_one(path, folder, client) for path in paths])
            milvus.close()
        return len(paths) / taken

    def _add_one(self, path: Path, folder: Path, client: MilvusClient) -> object:
        data = path.read_bytes()
        image = Image.open(BytesIO(data)).convert("RGB")
        stored = folder / f"{content_id(data)}.jpg"
        stored.write_bytes(data)
        row = {PRIMARY_KEY: f"images/{stored.name}", EMBEDDING: self.vector(image), "name": path.name}
        return client.insert(PLAIN, [row])

    @torch.inference_mode()
    def vector(self, image: Image.Image) -> Any:
        pixels = self._processor(images=image, return_tensors="pt")
        features = self._model.get_image_features(**pixels).pooler_output
        return torch.nn.functional.normalize(features, dim=-1)[0].numpy()


def create_plain_collection(client: MilvusClient, dim: int) -> None:
    """Creates a collection of paths and vectors, whose other fields are dynamic."""
    schema = client.create_schema(enable_dynamic_field=True)
    schema.add_field(PRIMARY_KEY, DataType.VARCHAR, is_primary=True, max_length=128)
    schema.add_field(EMBEDDING, DataType.FLOAT_VECTOR, dim=dim)
    client.create_collection(PLAIN, schema=schema)
    create_index(client, PLAIN, NLIST)
