"""Makes the sources of models: each loads one model, by its name, onto the device that was chosen."""

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from encoders import zerogpu
from library.messages import Message, message
from library.models import ModelSource, display_name
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
    def data_dir(self) -> Path: ...


@dataclass(frozen=True)
class ModelLoader:
    """Loads models for one device. `text_model` reads the texts of the chosen model instead of its own text tower;
    `engine` computes the towers, and `library` names the library whose pictures it may be fitted to."""

    chosen: str
    device: str = "auto"
    dtype: str = "auto"
    text_model: str = ""
    engine: str = "auto"
    library: str = ""

    @classmethod
    def of(cls, settings: ModelSettings) -> "ModelLoader":
        """Returns what loads the models of the settings."""
        chosen, device, dtype = settings.clip_model, settings.clip_device, settings.clip_dtype
        library = str(settings.data_dir.absolute())
        return cls(chosen, device, dtype, settings.clip_text_model, settings.clip_engine, library)

    def source(self, name: str = "") -> ModelSource:
        """Returns the source of the named model, or of the chosen one where none is named."""
        name = name or self.chosen
        return ModelSource(name, lambda: self._load(name))

    def offered_source(self, name: str) -> ModelSource:
        """Returns the source of a model offered beside the chosen one, whose errors name no setting."""
        subject = message("model_offered", name=display_name(name))
        return ModelSource(display_name(name), lambda: self._load(name, subject))

    def _load(self, name: str, subject: Message | None = None) -> Encoder:
        text_model = self.text_model if name == self.chosen else ""
        uses_zerogpu = zerogpu.is_chosen(self.device)
        if uses_zerogpu and zerogpu.can_place():
            from encoders.zerogpu_encoder import load_zerogpu

            return load_zerogpu(name, self.dtype, text_model, subject)
        from encoders.engines.quicken import quicken
        from encoders.loading import load_encoder

        encoder = load_encoder(name, "cpu" if uses_zerogpu else self.device, self.dtype, text_model, subject)
        if not uses_zerogpu:  # whose workers are forks of this process
            quicken(encoder, self.engine, self.dtype, self.library)
        return encoder
