"""Answers an upload onto a full disk with a sentence, and removes what it had begun."""

from pathlib import Path
from traceback import walk_tb

from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from library.errors import StoreUnavailable
from library.running.disk import is_full
from ui.sentences import sentence_for

INSUFFICIENT_STORAGE = 507


class FullDiskAnswer:
    """Passes requests on, and answers those that end because the disk took no more."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        has_begun = False

        async def noted(message: Message) -> None:
            nonlocal has_begun
            has_begun = True
            await send(message)

        try:
            await self._app(scope, receive, noted)
        except OSError as error:
            if scope["type"] != "http" or has_begun or not is_full(error):
                raise
            _remove_what_was_begun(error)
            refusal = StoreUnavailable("upload_disk_full")
            await PlainTextResponse(sentence_for(refusal, scope), INSUFFICIENT_STORAGE)(scope, receive, send)


def _remove_what_was_begun(error: OSError) -> None:
    """Removes the files of an upload that failed, which would keep the disk full: Gradio itself leaves them there."""
    for frame, _ in walk_tb(error.__traceback__):
        for file in getattr(frame.f_locals.get("self"), "_files_to_close_on_error", ()):
            file.close()
            Path(file.name).unlink(missing_ok=True)
