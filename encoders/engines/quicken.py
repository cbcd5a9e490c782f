"""Lets an encoder compute its towers in the quickest way of this machine, found in the background and kept."""

import hashlib
import logging
import math
import threading
import weakref
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, replace
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any

from encoders.clip import ClipEncoder, ImageWay
from encoders.engines.calibration import Calibration, chosen_after
from encoders.engines.eight_bits import EightBits
from encoders.engines.keeping_texts import keep_exact_texts, keep_texts
from encoders.engines.kept import KeptTowers, default_home
from encoders.engines.machine import machine
from encoders.engines.probe import NO_TIME, Clock, Measured, Refused, probe, quickest
from encoders.engines.report import described
from encoders.engines.resting import rest
from encoders.engines.towers import NotPossible, Tower, Way, image_tower, text_tower
from encoders.engines.ways import ways_of
from encoders.int8 import WORTH_IT
from encoders.texts import TransformersTexts
from library.running import background

logger = logging.getLogger(__name__)

FOR_TEXTS, FOR_IMAGES = 0.5, 2.5  # seconds of measuring, at most
DELAY = 5.0  # seconds after loading, so that a command that is done by then converts nothing
DELAY_KEPT = 0.5
PAUSES = (60, 600, 0)  # seconds before measuring again, and giving up


def quicken(
    encoder: ClipEncoder,
    engine: str = "auto",
    dtype: str = "auto",
    library: str = "",
    home: Path | None = None,
    reading: str = "",
    bits: EightBits | None = None,
) -> "Quickening | None":
    """Starts to find the quickest way to compute an encoder, which torch computes meanwhile; None where none is sought.

    `engine` and `dtype` are the settings; `library` tells apart whose pictures ranges are measured on. How texts are
    read is kept under the name `reading`, where one is given. `bits` is measured once for all encoders that share it.
    """
    if encoder.info.device != "cpu":
        return None
    kept = KeptTowers(home or default_home(), encoder.info.fingerprint)
    if not _may_gain(encoder, engine, dtype):
        if reading and engine == "auto" and dtype in ("auto", "float32"):
            background.begin(partial(_keep_later, weakref.ref(encoder), kept, reading), "engine")
        return None
    if dtype in ("bfloat16", "float16"):
        logger.warning("torch computes the model: ONNX Runtime has no %s on a processor", dtype)
        return None
    return Quickening(encoder, engine, dtype, library, kept, bits or EightBits(), reading)


class Quickening:
    """Finds the quickest way to compute an encoder and switches it over, on a thread of its own.

    It begins after a while, or with the first many pictures that are encoded.
    """

    def __init__(
        self,
        encoder: ClipEncoder,
        engine: str,
        dtype: str,
        library: str,
        kept: KeptTowers,
        bits: EightBits,
        reading: str = "",
    ) -> None:
        self.probed: dict[str, Sequence[Measured | Refused]] = {}
        self._encoder = encoder
        self._engine = engine
        self._dtype = dtype
        self._kept = kept
        self._bits = bits
        self._reading = reading
        self._needed: set[str] = set()  # names of converted towers
        self._note = f"choice-{machine()}-{engine}-{dtype}"
        self._library = f"pictures-{hashlib.sha256(library.encode()).hexdigest()[:12]}"
        self._begin, self._done, self._never = threading.Event(), threading.Event(), threading.Event()
        self._tell_kept()
        encoder.watch_bulk(lambda _: self._begin.set())
        background.begin(self._run, "engine")

    def wait(self) -> None:
        """Begins at once, and returns when the choice is made."""
        self._begin.set()
        self._done.wait()

    def _run(self) -> None:
        note = self._kept.note(self._note)
        background.wait(self._begin, DELAY_KEPT if note else DELAY)
        self._encoder.watch_bulk(lambda _: None)
        try:
            if not (note and self._is_applied(note)):
                self._measure()
        except Exception as error:  # of the disk, or of an engine that is not installed whole
            background.check_end()
            logger.warning("torch computes the model: %s", error)
            logger.debug("", exc_info=True)
        finally:
            self._done.set()

    def _tell_kept(self) -> None:
        """Tells what was chosen before, which a command may ask for that is over before it is in use."""
        with suppress(KeyError, TypeError, AttributeError):
            if note := self._kept.note(self._note):
                self._tell(note, self._kept.note(self._own()))

    def _own(self) -> str:
        """Returns the name of the note on the library's own pictures; the 8 bits of another processor differ."""
        return f"{self._library}{self._bits.limit.suffix}"

    def _is_applied(self, note: Mapping[str, Any]) -> bool:
        try:
            self._apply(note)
        except (KeyError, TypeError, NotPossible) as error:
            logger.warning("the ways to compute the model are measured anew: %s", error)
            return False
        return True

    def _measure(self) -> None:
        """Measures and switches over; again later where the machine was too busy to measure what promises most."""
        for pause in PAUSES:
            chosen = self._measured()
            self._apply(chosen)
            if not any(found[1:2] and _had_no_time(found[1]) for found in self.probed.values()):
                if not any(map(_passes, chain.from_iterable(self.probed.values()))):
                    self._kept.keep_note(self._note, chosen)
                self._kept.drop_made_but(self._needed)
                break
            self._done.set()
            background.wait(self._never, pause)

    def _measured(self) -> dict[str, Any]:
        chosen = {}
        if isinstance(self._encoder.texts, TransformersTexts):
            [chosen["text"]] = self._best_of(
                text_tower(self._encoder.texts, self._kept, self._bits), FOR_TEXTS, [False]
            )
        tower = image_tower(self._encoder, self._kept, self._bits)
        chosen["picture"], chosen["many pictures"] = self._best_of(tower, FOR_IMAGES, [False, True])
        return chosen

    def _best_of(self, tower: Tower, seconds: float, uses: Sequence[bool]) -> list[dict[str, Any]]:
        clock = Clock(math.inf if self._engine == "onnx" else seconds)
        found = probe(tower, ways_of(self._engine, self._dtype, True in uses), clock)
        self.probed[tower.name] = found
        best = [quickest(found, many, self._engine) for many in uses]
        self._needed |= {tower.file_name(each.way.precision) for each in best if each.way.engine == "onnx"}
        if self._engine != "torch" and all(each.way.engine == "torch" for each in best):
            _tell_why(tower.name, found)
        return [_as_json(each, many) for each, many in zip(best, uses, strict=True)]

    def _apply(self, chosen: Mapping[str, Any]) -> None:
        """Switches the encoder over. Raises NotPossible, KeyError or TypeError for what was kept and does not fit."""
        if "text" in chosen and isinstance(self._encoder.texts, TransformersTexts):
            way = Way(**chosen["text"]["way"])
            self._encoder.texts.compute_by(text_tower(self._encoder.texts, self._kept, self._bits).by(way))
        tower = image_tower(self._encoder, self._kept, self._bits)
        few, many = (Way(**chosen[use]["way"]) for use in ("picture", "many pictures"))
        if self._is_of_own_pictures(tower, few, many, chosen):
            return
        self._switch(tower, few, many)
        self._tell(chosen)
        self._keep_texts(chosen)
        if (many.engine, many.precision) == ("onnx", "int8"):
            calibration = Calibration(tower, many, lambda found: self._on_calibrated(tower, few, many, chosen, found))
            self._encoder.watch_bulk(calibration.collect)

    def _is_of_own_pictures(self, tower: Tower, few: Way, many: Way, chosen: Mapping[str, Any]) -> bool:
        """Switches to what the library's own pictures allowed before; returns False where they were not measured."""
        own = self._kept.note(self._own())
        try:
            tower.static_name = str((own or {})["file"])
            self._switch(tower, chosen_after(few, own or {}), chosen_after(many, own or {}))
        except (KeyError, TypeError, NotPossible):
            return False
        self._tell(chosen, own)
        self._keep_texts(chosen)
        return True

    def _on_calibrated(
        self, tower: Tower, few: Way, many: Way, chosen: Mapping[str, Any], found: dict[str, Any]
    ) -> None:
        self._encoder.watch_bulk(lambda _: None)
        self._kept.keep_note(self._own(), found)
        if not found["int8"]["accepted"] and not found["static"]["accepted"]:
            logger.warning("torch computes the pictures: 8 bits would change which of them are alike")
        self._switch(tower, chosen_after(few, found), chosen_after(many, found))
        self._tell(chosen, found)
        self._keep_texts(chosen)

    def _keep_texts(self, chosen: Mapping[str, Any]) -> None:
        """Keeps how texts are read, with what was told of the engine last."""
        if self._reading and "text" in chosen:
            keep_texts(self._encoder, self._kept, self._bits, self._reading, Way(**chosen["text"]["way"]))

    def _switch(self, tower: Tower, few: Way, many: Way) -> None:
        self._encoder.compute_images(ImageWay(tower.by(few), tower.by(many), many.streams))
        tower.forget_all_but(few, many)
        if (few.engine, many.engine) == ("onnx", "onnx"):
            rest(self._encoder.model)  # its text tower may need some of it again, and reads that
        logger.info("model %s: a picture by %s, many by %s", self._encoder.info.name, few, many)

    def _tell(self, chosen: Mapping[str, Any], own: Mapping[str, Any] | None = None) -> None:
        self._encoder.info = replace(self._encoder.info, engine=described(chosen, own))


def _may_gain(encoder: ClipEncoder, engine: str, dtype: str) -> bool:
    width = getattr(getattr(encoder.model.config, "vision_config", None), "hidden_size", 0)
    return engine == "onnx" or (dtype == "auto" and width >= WORTH_IT)


def _keep_later(loaded: "weakref.ref[ClipEncoder]", kept: KeptTowers, reading: str) -> None:
    background.wait(threading.Event(), DELAY)
    if encoder := loaded():
        keep_exact_texts(encoder, kept, reading)


def _tell_why(name: str, found: Sequence[Measured | Refused]) -> None:
    """Logs why torch computes a tower."""
    reasons = [each.reason for each in found if isinstance(each, Refused) and each.way.engine == "onnx"]
    if reasons:
        logger.warning("torch computes the %s: %s", name, reasons[0])
    else:
        logger.info("torch computes the %s: it is the quickest here", name)


def _had_no_time(found: Measured | Refused) -> bool:
    return isinstance(found, Refused) and found.reason == NO_TIME


def _passes(found: Measured | Refused) -> bool:
    return isinstance(found, Refused) and found.passes


def _as_json(measured: Measured, many: bool) -> dict[str, Any]:
    return {
        "way": asdict(measured.way if many else replace(measured.way, streams=1)),
        "ms": round(1000 * measured.one, 1),
        "per_second": round(1 / measured.each, 1),
        "cosine": round(measured.cosine, 5),
    }
