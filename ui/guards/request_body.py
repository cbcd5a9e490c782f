"""Reads the body of a request before those that answer it, and hands it on."""

from starlette.types import Message, Receive


class TooLarge(Exception):
    """Tells that a body has more bytes than are read here."""


async def read_body(receive: Receive, most: int | None = None) -> bytes | None:
    """Returns the body of a request; None where the client has gone. Raises TooLarge."""
    body = bytearray()
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        if not body and not message.get("more_body") and (most is None or len(message.get("body", b"")) <= most):
            return bytes(message.get("body", b""))  # as it is: a copy would take the memory twice
        body += message.get("body", b"")
        if most is not None and len(body) > most:
            raise TooLarge
        if not message.get("more_body"):
            return bytes(body)


def replayed(body: bytes, receive: Receive) -> Receive:
    """Returns a `receive` that gives a body that was read already, and then what comes after it."""
    messages: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive_again() -> Message:
        return messages.pop() if messages else await receive()

    return receive_again
