"""The message as one POST. The address of a hook is a secret: it stands in no log and no error."""

from __future__ import annotations

import logging
from typing import Any

import httpx

from mcu.alerts.message import Message
from mcu.alerts.tell import NotToldError

logging.getLogger("httpx").setLevel(logging.WARNING)  # it logs the address of every request, else

TIMEOUT = httpx.Timeout(15)  # seconds for each of connecting, writing, waiting for a piece of the answer

TEXT_CHARACTERS = 15_000  # chats refuse a longer one

# A file's name must not call everybody in a chat, nor set a link there.
HARMLESS = str.maketrans({"@": "＠", "<": "‹", ">": "›", "[": "(", "]": ")"})


def post(url: str, message: Message) -> tuple[()]:
    """Send it; there is nobody apart whom it could miss. Raises NotToldError for whatever is not answered with 2xx."""
    try:
        answer = httpx.post(url, json=body(message), timeout=TIMEOUT)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise NotToldError(f"webhook: {type(error).__name__}") from None
    if not answer.is_success:
        raise NotToldError(f"webhook: the answer is {answer.status_code}")
    return ()


def body(message: Message) -> Any:
    """What is sent: the message's body, in the form that a chat takes."""
    text = message.text if len(message.text) <= TEXT_CHARACTERS else f"{message.text[: TEXT_CHARACTERS - 1]}…"
    return harmless(message.body | {"text": text})


def harmless(value: Any) -> Any:
    """The JSON value, its texts without what chats take for a mention or a link."""
    if isinstance(value, str):
        return value.translate(HARMLESS)
    if isinstance(value, dict):
        return {name: harmless(part) for name, part in value.items()}
    return [harmless(part) for part in value] if isinstance(value, list) else value
