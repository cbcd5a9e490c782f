"""Makes the sources of models: each loads one model, by its name, onto the device that was chosen."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from encoders import zerogpu
from encoders.engines.eight_bits import EightBits
from encoders.model_folders import find_folder, is_folder
from library.errors import UnknownModel
from library.messages import Message, message
from library.models import Models, ModelSource, display_name
from library.ports import Encoder


class ModelSettings(Protocol):
    """Names the settings that say which model is loaded, and how."""

    @property
    def clip_model(self) -> str: ...
    @property
    def clip_device(self) -> str: ...
    @property
    def clip_dtype(self) -> str: ...
    @property
    def clip_text_model(self) -> str: ...
    @property
    def clip_engine(self) -> str: ...
    @property
    def other_models(self) -> Sequence[str]: ...
    @property
    def models_release_after(self) -> float | None: ...
    @property
    def data_dir(self) -> Path: ...


@dataclass(frozen=True)
class ModelLoader:
    """Loads models for one device. `text_model` reads the texts of the chosen model instead of its own text tower;
    `engine` computes the towers, and `library` names the library whose pictures it may be fitted to. With `texts_first`
    a model is loaded without torch, where it was kept so, until a picture is to be encoded."""

    chosen: str
    device: str = "auto"
    dtype: str = "auto"
    text_model: str = ""
    engine: str = "auto"
    library: str = ""
    texts_first: bool = False
    bits: EightBits = field(default_factory=EightBits, compare=False, repr=False)

    @classmethod
    def of(cls, settings: ModelSettings, texts_first: bool = False) -> "ModelLoader":
        """Returns what loads the models of the settings."""
        chosen, device, dtype = settings.clip_model, settings.clip_device, settings.clip_dtype
        library = str(settings.data_dir.absolute())
        return cls(chosen, device, dtype, settings.clip_text_model, settings.clip_engine, library, texts_first)

    def source(self, name: str = "") -> ModelSource:
        """Returns the source of the named model, or of the chosen one where none is named."""
        name = name or self.chosen
        return ModelSource(name, lambda: self._load(name))

    def offered_source(self, name: str) -> ModelSource:
        """Returns the source of a model offered beside the chosen one, whose errors name no setting."""
        subject = message("model_offered", name=display_name(name))
        return ModelSource(display_name(name), lambda: self._load(name, subject))

    def models(self, settings: ModelSettings, others: Iterable[str], fallback: str) -> Models:
        """Returns the chosen model with its fallback, and those of the settings and `others` beside it.

        Raises UnknownModel as `check_models` does, and where the chosen one is a folder without a model.
        """
        if is_folder(self.chosen):
            find_folder(self.chosen, message("model_setting", setting="CLIP_MODEL", name=self.chosen))
        names = dict.fromkeys(name for name in (*settings.other_models, *others) if name != self.chosen)
        check_models(settings.other_models, names, self.chosen, fallback)
        offered = [self.offered_source(name) for name in names]
        instead = None if self.chosen == fallback else self.source(fallback)
        return Models(self.source(), instead, offered, settings.models_release_after)

    def _load(self, name: str, subject: Message | None = None) -> Encoder:
        kept = self._kept(name, subject) if self.texts_first and not zerogpu.is_chosen(self.device) else None
        return kept or self._load_whole(name, subject)

    def _kept(self, name: str, subject: Message | None) -> Encoder | None:
        """Returns what reads texts without torch; None where nothing was kept. Raises ModelUnavailable where the model
        is neither on this machine nor to be had."""
        from encoders.engines.kept import default_home
        from encoders.engines.kept_texts import open_kept
        from encoders.model_files import kept_fingerprint

        fingerprint = kept_fingerprint(name, subject or message("model_setting", setting="CLIP_MODEL", name=name))
        if fingerprint is None:
            return None
        return open_kept(fingerprint, self._reading(name), default_home(), lambda: self._load_whole(name, subject))

    def _reading(self, name: str) -> str:
        from encoders.engines.kept_texts import kept_note

        text_model = self.text_model if name == self.chosen else ""
        return kept_note(name, self.engine, self.device, self.dtype, text_model)

    def _load_whole(self, name: str, subject: Message | None = None) -> Encoder:
        text_model = self.text_model if name == self.chosen else ""
        uses_zerogpu = zerogpu.is_chosen(self.device)
        if uses_zerogpu and zerogpu.can_place():
            from encoders.zerogpu_encoder import load_zerogpu

            return load_zerogpu(name, self.dtype, text_model, subject)
        from encoders.engines.quicken import quicken
        from encoders.loading import load_encoder

        encoder = load_encoder(name, "cpu" if uses_zerogpu else self.device, self.dtype, text_model, subject)
        if not uses_zerogpu:  # whose workers are forks of this process
            quicken(encoder, self.engine, self.dtype, self.library, reading=self._reading(name), bits=self.bits)
        return encoder


def check_models(set_up: Iterable[str], offered: Iterable[str], chosen: str, fallback: str) -> None:
    """Raises UnknownModel for one of CLIP_OTHERS that is a folder without a model, and for two models that would be
    known by one name."""
    for name in set_up:
        find_folder(name, message("model_setting", setting="CLIP_OTHERS", name=name))
    known = {fallback: fallback, display_name(chosen): chosen}
    for name in offered:
        if known.setdefault(display_name(name), name) != name:
            raise UnknownModel("models_of_one_name", name=display_name(name))
