"""Writes a search as a program of its own, which searches the same collection with pymilvus alone."""

import base64
from string import Template

import numpy as np

from db.milvus.schema import EMBEDDING, METRIC, PRIMARY_KEY
from library.ports import Question

TIES = 100

SEARCH = Template("""\
COLLECTION = "$collection"
# The question: $dim little-endian float32 of unit length.
VECTOR = struct.unpack(
    "<${dim}f",
    base64.b64decode(
$vector
    ),
)
LIMIT = $limit
OFFSET = $offset
WITHOUT = $without  # the pictures that the others should resemble
MIN_SCORE = $min_score

was_loaded = client.get_load_state(COLLECTION)["state"].name == "Loaded"
if not was_loaded:
    client.load_collection(COLLECTION, timeout=120)
[hits] = client.search(
    COLLECTION,
    data=[list(VECTOR)],
    anns_field="$embedding",
    limit=min(OFFSET + LIMIT + len(WITHOUT) + $ties, 16384),  # a few more: equal scores come in any order
    search_params={"metric_type": "$metric", "params": {"nprobe": $nprobe}},$filter
    output_fields=["$key", "name"],
    timeout=10,
)
good = [
    (-score, path, hit["entity"]["name"])
    for path, score, hit in zip(hits.ids, hits.distances, hits)
    if path not in WITHOUT and score >= MIN_SCORE
]
for rank, (distance, path, name) in enumerate(sorted(good)[OFFSET : OFFSET + LIMIT], OFFSET + 1):
    print(f"{rank:>3}  {-distance:.6f}  {path}  {name}")
if not was_loaded:
    client.release_collection(COLLECTION)
client.close()
""")


def script(collection: str, question: Question, nprobe: int, opening: str, filter: str = "") -> str:
    """Returns the program; `opening` is the part that connects."""
    encoded = base64.b64encode(np.asarray(question.vector, "<f4").tobytes()).decode()
    lines = "\n".join(f'        "{encoded[start : start + 88]}"' for start in range(0, len(encoded), 88))
    search = SEARCH.substitute(
        collection=collection,
        dim=len(question.vector),
        vector=lines,
        limit=question.limit,
        offset=question.offset,
        ties=TIES,
        without=list(question.without),
        min_score=question.min_score,
        embedding=EMBEDDING,
        metric=METRIC,
        nprobe=nprobe,
        filter=f"\n    filter={filter!r}," if filter else "",
        key=PRIMARY_KEY,
    )
    return opening.replace("import os\n", "import base64\nimport os\nimport struct\n", 1) + "\n" + search
