"""Says in our own sentences, which name the next step, what Gradio refuses of an upload."""

import logging

from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from library.errors import LikenessError, NotAllowed, RejectedImage
from ui.guards.request_limits import ROUTE, TOO_LARGE
from ui.routes import route_of
from ui.sentences import sentence_for
from ui.uploaded_files import MAX_FILE_MEGABYTES

logger = logging.getLogger(__name__)

FILES_AT_ONCE = 1000  # as Gradio has it
BAD_REQUEST = 400
NOT_UNDERSTOOD = (LookupError, TypeError, ValueError)


class UploadRefusals:
    """Answers an upload that Gradio refuses, or fails over, with a sentence."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or route_of(scope).rstrip("/") != ROUTE or scope["method"] != "POST":
            await self._app(scope, receive, send)
            return
        has_begun = is_refused = False

        async def answered(message: Message) -> None:
            nonlocal has_begun, is_refused
            if not has_begun:
                is_refused = message["status"] in (BAD_REQUEST, TOO_LARGE)
            has_begun = True
            if not is_refused:
                await send(message)
            elif message["type"] == "http.response.body":
                await _refuse(message.get("body", b""), scope, receive, send)

        try:
            await self._app(scope, receive, answered)
        except NOT_UNDERSTOOD as error:
            if has_begun:
                raise
            logger.warning("An upload that cannot be understood was refused: %s", type(error).__name__)
            await _refuse(b"", scope, receive, send)


async def _refuse(said: bytes, scope: Scope, receive: Receive, send: Send) -> None:
    error: LikenessError
    code = TOO_LARGE
    if said.startswith(b"Too many files"):
        error = NotAllowed("too_many_files_at_once", most=FILES_AT_ONCE)
    elif said.startswith(b"File size exceeded"):
        error = RejectedImage("too_large_to_upload", megabytes=MAX_FILE_MEGABYTES)
    else:
        error, code = NotAllowed("upload_unreadable"), BAD_REQUEST
    await PlainTextResponse(sentence_for(error, scope), code)(scope, receive, send)
