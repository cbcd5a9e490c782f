"""Times imports of 12-megapixel JPEGs, beside encoding alone with sentence-transformers and open_clip.

python -m benchmarks.peers --photos FOLDER
"""

import json
import subprocess
import sys
import venv
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

import typer

from benchmarks.fixtures import LARGE, base_clip, generated, quick_encoder
from benchmarks.importers import ingest_rate
from benchmarks.results import CACHE, RESULTS, Cache, Photos, Quick, Results, Row, Table, medians, per_second, publish
from encoders.engines.kept import KeptTowers
from library.ports import Encoder

INSIDE = Path(__file__).with_name("inside_peer.py")
PACKAGES = {
    "sentence_transformers": "sentence-transformers[image]",
    "open_clip": "open_clip_torch",
}
MUST_REACH = {"sentence_transformers": 9, "open_clip": 4}
MUST_REACH_OVER_OUR_TOWER = 1.0


class Peer:
    """Runs another library, in a process and a virtual environment of its own."""

    def __init__(self, name: str, model: Path, cache: Path, tower: Path | None = None) -> None:
        """Starts it with its own tower, or with `tower`, a file of ONNX Runtime, in its place."""
        command = [str(_environment(name, cache)), str(INSIDE), name, str(model), *([str(tower)] if tower else [])]
        self._log = (cache / f"{name}.log").open("w+")
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._log, text=True, cwd=cache
        )
        self.description = self._answer()

    def rate(self, paths: Sequence[Path]) -> float:
        assert self._process.stdin
        self._process.stdin.write(json.dumps([str(path) for path in paths]) + "\n")
        self._process.stdin.flush()
        return len(paths) / float(self._answer())

    def close(self) -> None:
        self._process.communicate()

    def _answer(self) -> str:
        assert self._process.stdout
        answer = self._process.stdout.readline()
        if not answer:
            self._log.seek(0)
            raise SystemExit(f"The peer ended with code {self._process.wait()}:\n{self._log.read()[-2000:]}")
        return str(json.loads(answer))


def main(
    photos: Photos,
    count: int = 64,
    peer_count: int = 32,
    rounds: int = 3,
    quick: Quick = False,
    results: Results = RESULTS,
    cache: Cache = CACHE,
) -> None:
    if quick:
        count, peer_count, rounds = 16, 8, 1
    model = base_clip(cache)
    encoder = quick_encoder(str(model))
    paths = generated(LARGE, count, photos, cache)
    towers = [None, *converted(encoder)]
    rows = [
        row_beside(name, model, encoder, paths, peer_count, rounds, cache, tower)
        for tower in towers
        for name in PACKAGES
    ]
    publish(Table("Peers", rows, NOTES), results, quick)


NOTES = [
    "Ours goes from the files to rows in Milvus Lite, originals and thumbnails stored; the peers only encode.",
    "Over our tower: the peer prepares the pictures; the converted tower that computes many pictures here takes the "
    "place of its own.",
    "The same torch everywhere. open_clip runs ViT-B-32 of its own random weights in the fastest of three precisions.",
]


def converted(encoder: Encoder) -> list[Path]:
    """Returns the file of the tower that many pictures are encoded with; none where torch computes them."""
    engine, precision = encoder.info.engine["many pictures"].split(",")[0].split()
    files = KeptTowers(CACHE / "engines", encoder.info.fingerprint).folder.glob(f"images-{precision}*.onnx")
    return sorted(files, key=lambda file: file.stat().st_mtime)[-1:] if engine == "onnx" else []


def row_beside(
    name: str,
    model: Path,
    encoder: Encoder,
    paths: Sequence[Path],
    peer_count: int,
    rounds: int,
    cache: Path,
    tower: Path | None = None,
) -> Row:
    """Measures one row, and ends the process of the peer after it, so that it takes no memory from the next."""
    peer = Peer(name, model, cache, tower)
    peer.rate(paths[: peer_count // 4])
    ingest_rate(encoder, paths[: len(paths) // 4])
    ours, theirs = medians(rounds, lambda: ingest_rate(encoder, paths), lambda: peer.rate(paths[:peer_count]))
    peer.close()
    return Row(
        "ingest of 12-megapixel JPEGs",
        per_second(ours),
        f"{peer.description}: encoding alone",
        per_second(theirs),
        ours / theirs,
        at_least=MUST_REACH_OVER_OUR_TOWER if tower else MUST_REACH[name],
    )


def _environment(name: str, cache: Path) -> Path:
    """Returns the peer's Python. Made once: open_clip brings torchvision, which would change our processor."""
    folder = cache / f"venv-{name}-onnx"
    python = folder / ("Scripts" if sys.platform == "win32" else "bin") / "python"
    done = folder / "complete"
    if not done.exists():
        print(f"Installing {PACKAGES[name]} into an environment of its own …", file=sys.stderr, flush=True)
        venv.create(folder, clear=True, with_pip=True)
        torch = f"torch=={version('torch').partition('+')[0]}"
        engine = f"onnxruntime=={version('onnxruntime')}"
        subprocess.run([python, "-m", "pip", "install", "--quiet", torch, engine, PACKAGES[name]], check=True)
        done.touch()
    return python


if __name__ == "__main__":
    typer.run(main)
