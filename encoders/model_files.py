"""Loads the files of a model from a folder here or from the hub, and explains why they cannot be used."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from encoders.fingerprints import cached_fingerprint, folder_fingerprint
from encoders.model_folders import find_folder
from library.errors import LikenessError, ModelUnavailable, UnknownModel
from library.messages import Message
from library.messages.reasons import reason_of
from library.running.disk import is_full
from library.running.proxies import web_proxy

HUB_TIMEOUT = 5.0  # seconds

T = TypeVar("T")


def load_from(place: Path | str, load: Callable[..., T]) -> T:
    """Loads from the folder or the cache of the hub; asks the hub only where the cache lacks the model.

    What is on this machine is taken as it is: its vectors stay comparable, and no network is needed.
    """
    try:
        return load(local_files_only=True)
    except OSError:
        if isinstance(place, Path):
            raise
    check_hub_answers()
    return load()


def fingerprint_of(place: Path | str) -> str:
    """Returns what tells apart two sets of weights under one name: a hash of the files, or the commit on the hub."""
    if isinstance(place, Path):
        return folder_fingerprint(place)
    from transformers.utils.hub import cached_file  # takes seconds, which a model that is not here need not cost

    # The cache of the hub keeps every file under snapshots/<commit>.
    return Path(str(cached_file(place, "config.json", local_files_only=True))).parent.name


def kept_fingerprint(model: str, subject: Message) -> str | None:
    """Returns the fingerprint of a model on this machine; None for one that the hub has to be asked for.

    Raises UnknownModel for what is no model, ModelUnavailable where the hub does not answer either.
    """
    place = find_folder(model, subject)
    with failures_explained(subject):
        if place:
            return folder_fingerprint(place)
        found = cached_fingerprint(model)
        if found is None:
            check_hub_answers()
        return found


@contextmanager
def failures_explained(subject: Message) -> Iterator[None]:
    """Turns what loading raises into UnknownModel or ModelUnavailable about the `subject`."""
    try:
        yield
    except LikenessError:
        raise
    except _failures() as error:
        raise _explained(subject, error) from error


def check_hub_answers() -> None:
    """Raises httpx.HTTPError at once where the hub's own client would try for half a minute."""
    import httpx
    from huggingface_hub import constants

    if not constants.HF_HUB_OFFLINE:
        httpx.head(constants.ENDPOINT, timeout=HUB_TIMEOUT)


def _failures() -> tuple[type[Exception], ...]:
    """Returns what loading raises; asked for only then, since importing these takes as long as a quick command."""
    import httpx
    from safetensors import SafetensorError

    return OSError, ValueError, RuntimeError, KeyError, SafetensorError, httpx.HTTPError


def _explained(subject: Message, error: Exception) -> LikenessError:
    import httpx
    from huggingface_hub.errors import (
        GatedRepoError,
        HFValidationError,
        LocalEntryNotFoundError,
        RepositoryNotFoundError,
    )

    causes = list(_causes(error))
    if any(isinstance(cause, GatedRepoError) for cause in causes):
        return UnknownModel("model_gated", model=subject)
    if any(isinstance(cause, RepositoryNotFoundError | HFValidationError) for cause in causes):
        return UnknownModel("model_not_found", model=subject)
    if any(map(is_full, causes)):
        return ModelUnavailable("model_not_kept", model=subject)
    if any(isinstance(cause, LocalEntryNotFoundError | httpx.HTTPError | ConnectionError) for cause in causes):
        return _away(subject)
    return UnknownModel("model_not_loaded", model=subject, problem=reason_of(error))


def _away(subject: Message) -> ModelUnavailable:
    from huggingface_hub import constants

    proxy = None if constants.HF_HUB_OFFLINE else web_proxy(constants.ENDPOINT)
    if proxy:
        return ModelUnavailable("model_away_by_proxy", model=subject, variable=proxy.variable, proxy=proxy.address)
    return ModelUnavailable("model_away", model=subject)


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__
