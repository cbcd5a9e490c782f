"""Describes packs: pictures with their vectors, which a library of the same model imports without encoding."""

from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal, Protocol

from library.errors import InvalidPack
from library.messages import Message, message
from library.ports import EncoderInfo, Vector
from library.records import Record

BATCH_ROWS = 1000
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

Packed = Literal["packed", "without original", "without vector", "gone"]


@dataclass(frozen=True)
class Contents:
    """Says what a pack holds of every picture beside its record and its vector."""

    thumbnails: bool = False
    originals: bool = False


@dataclass(frozen=True)
class Manifest:
    """Says what a pack holds and which model made its vectors."""

    model: str
    revision: str
    dimension: int
    preprocessing: Mapping[str, Any]
    count: int
    contents: Contents


@dataclass(frozen=True)
class PackedPicture:
    """Holds one picture as a pack has it, with its vector."""

    record: Record
    vector: Vector
    thumbnail: bytes | None
    original: bytes | None


@dataclass(frozen=True)
class PackRow:
    """Holds a row of a pack as found. Its types are right; nothing else has been checked, and any field may be None.

    Fields are those of a record, `metadata` as JSON and `added` as a datetime, with `thumbnail` and `original`.
    """

    place: str
    fields: Mapping[str, Any]
    vector: Vector


class PackWriter(Protocol):
    """Writes a pack, some pictures at a time."""

    @property
    def contents(self) -> Contents: ...
    def write(self, pictures: Sequence[PackedPicture]) -> None:
        """Appends pictures to the pack."""
        ...

    def finish(self, encoder: EncoderInfo) -> None:
        """Writes the manifest: only now it is a pack."""
        ...


class Pack(Protocol):
    """Reads a pack whose manifest is sound and agrees with what its files say of themselves."""

    @property
    def manifest(self) -> Manifest: ...
    @property
    def files(self) -> Sequence[str]: ...
    def check(self, file: str) -> None:
        """Compares a file with what the manifest says of it. Raises InvalidPack where they differ."""
        ...

    def rows(self) -> Generator[Sequence[PackRow], None, None]:
        """Yields the rows in order, at most BATCH_ROWS at a time. Raises InvalidPack."""
        ...


def fits(manifest: Manifest, encoder: EncoderInfo) -> bool:
    """Returns whether the vectors of the pack lie in the space of this encoder, as far as its name tells."""
    theirs = (manifest.model, manifest.revision, manifest.dimension)
    return theirs == (encoder.name, encoder.fingerprint, encoder.dim)


def check_fits(manifest: Manifest, encoder: EncoderInfo) -> None:
    """Checks that a pack fits the encoder.

    Raises InvalidPack for one of another model, or of pictures that were prepared otherwise for it.
    """
    if not fits(manifest, encoder):
        ours = _model(encoder.name, encoder.fingerprint, encoder.dim)
        theirs = _model(manifest.model, manifest.revision, manifest.dimension)
        raise InvalidPack("pack_of_other_model", theirs=theirs, ours=ours, advice=_advice(manifest, encoder))
    names = sorted({*manifest.preprocessing, *encoder.preprocessing})
    pairs = [(name, manifest.preprocessing.get(name), encoder.preprocessing.get(name)) for name in names]
    differences = [f"{name} {theirs} / {ours}" for name, theirs, ours in pairs if theirs != ours]
    if differences:
        raise InvalidPack("pack_prepared_otherwise", model=encoder.name, differences="; ".join(differences))


def _model(name: str, revision: str, dimension: int) -> Message:
    return message("model_and_revision", name=name, revision=revision[:12], dimension=str(dimension))


def _advice(manifest: Manifest, encoder: EncoderInfo) -> Message:
    if manifest.model == encoder.name:
        return message("pack_needs_revision")
    if "/" in manifest.model:
        return message("pack_needs_model", model=manifest.model)
    return message("pack_needs_folder", model=manifest.model)


def check_files(pack: Pack, should_stop: Callable[[], bool]) -> None:
    """Checks every file of the pack. Raises InvalidPack for the first one that is damaged."""
    for file in pack.files:
        if should_stop():
            return
        pack.check(file)
