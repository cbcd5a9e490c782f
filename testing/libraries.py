"""Builds the libraries that many tests begin with, each once for all workers of a test run."""

import io
import os
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

from filelock import FileLock
from PIL import Image

from library.samples.pictures import sample_pictures
from testing.pictures import samples
from testing.program import run_program

KINDS = (
    *("house", "flower", "balloons", "tree", "stripes", "checks"),
    *("dots", "fading", "hexagon", "oval", "circle", "square"),
)
COPIED = 6
PERHAPS_ENLARGED = "three blue flowers on a meadow"
ANY_SEARCH = ("search", "a moon")  # encodes the meaningless texts, which no copy then does again
BY_KIND_AND_CAPTION = ("--label-column", "kind", "--captions-column", "caption")


class Libraries:
    """Returns folders whose `data` is a DATA_DIR, one by each method; a test that changes one copies it first."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(exist_ok=True)

    def samples(self) -> Path:
        """Returns a folder with a library of the sample pictures."""
        return self._built("samples", lambda folder: _run_all(folder, ["samples"], ANY_SEARCH))

    def photos(self, photos: Path) -> Path:
        """Returns a folder with a library of photos."""
        return self._built("photos", lambda folder: _run_all(folder, ["ingest", photos.absolute()], ANY_SEARCH))

    def copies(self) -> Path:
        """Returns a folder with sample pictures in several sizes and qualities, about which nothing was decided."""
        return self._built("copies", lambda folder: _run(folder, ["ingest", _copies_of_samples(folder / "files")]))

    def evaluated(self) -> Path:
        """Returns a folder with the sample pictures, evaluated by kind and caption for the small and a random model."""
        return self._built("evaluated", _evaluate)

    def two_models(self) -> Path:
        """Returns a folder with the sample pictures, encoded for two models; the weights of a third are cut off."""
        return self._built("two models", lambda folder: _encode_for_another(self.copy(self.samples(), folder).parent))

    def copy(self, library: Path, folder: Path) -> Path:
        """Returns the DATA_DIR of a copy in that folder."""
        return Path(shutil.copytree(library / "data", folder / "data"))

    def _built(self, name: str, build: Callable[[Path], None]) -> Path:
        place, part = self._folder / name, self._folder / f"{name}.part"
        with FileLock(self._folder / f"{name}.lock"):
            if not place.exists():
                shutil.rmtree(part, ignore_errors=True)
                part.mkdir(parents=True)
                build(part)
                part.rename(place)
        return place


def _run_all(folder: Path, *commands: Sequence[object]) -> None:
    for arguments in commands:
        _run(folder, arguments)


def _run(folder: Path, arguments: Sequence[object]) -> None:
    own = {"CLIP_MODEL": "small", "CLIP_DEVICE": "cpu", "DATA_DIR": str(folder / "data"), "MILVUS_URI": ""}
    run_program(arguments, folder, {**os.environ, **own}).check_returncode()


def _copies_of_samples(folder: Path) -> Path:
    folder.mkdir()
    for name, data in sample_pictures(COPIED):
        (folder / name).write_bytes(data)
        image = Image.open(io.BytesIO(data)).convert("RGB")
        stem = name.removesuffix(".png")
        if stem == PERHAPS_ENLARGED:  # of this size and quality nothing tells whether the copy is the original
            larger = image.resize((image.width * 3 // 2, image.height * 3 // 2), Image.Resampling.BILINEAR)
            larger.save(folder / f"{stem}, larger.jpg", quality=75)
        else:
            image.save(folder / f"{stem} (coarse).jpg", quality=30)
        if len(stem) % 2:
            image.resize((image.width // 2, image.height // 2)).save(folder / f"{stem}, half the size.webp")
    return folder


def _evaluate(folder: Path) -> None:
    from testing.tiny_clip import save_tiny_clip  # imports torch, which most tests can do without

    model = save_tiny_clip(folder / "random")
    table = _samples_as_table(folder)
    _run(folder, ["evaluate", table, *BY_KIND_AND_CAPTION, "--model", "small", "--model", model])


def _samples_as_table(folder: Path) -> Path:
    lines = ["filepath,kind,caption"]
    for name, data in samples().items():
        (folder / name).write_bytes(data)
        caption = name.removesuffix(".png")
        lines.append(f"{name},{next((kind for kind in KINDS if kind in caption), '')},{caption}")
    table = folder / "samples.csv"
    table.write_text("\n".join(lines))
    return table


def _encode_for_another(folder: Path) -> None:
    from testing.tiny_clip import save_tiny_clip

    other, cut_off = (save_tiny_clip(folder / name) for name in ("other", "cut off"))
    weights = cut_off / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:1000])
    _run(folder, ["reindex", "--model", other])
