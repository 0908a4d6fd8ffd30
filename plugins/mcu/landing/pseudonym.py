"""The key of the pseudonyms: HMAC-SHA256 needs a secret, so that nobody finds a person by hashing a list of names."""

from __future__ import annotations

import hashlib

from psycopg2.extensions import cursor as Cursor

VARIABLE = "MCU_PSEUDONYM_SECRET"
MIN_CHARACTERS = 16
BLOCK = 64  # bytes that SHA-256 takes at once

MISSING = f"""{VARIABLE} is not set, and this warehouse has no key of its pseudonyms yet. `make run` makes a secret by
itself, docker compose too; by hand: openssl rand -hex 32. Keep it as safe as a password."""
SHORT = f"{VARIABLE} is shorter than {MIN_CHARACTERS} characters: openssl rand -hex 32 makes a good one."
OTHER = f"""{VARIABLE} is not the one that this warehouse was set up with: one person would get two pseudonyms. Set the
old one, or none: the warehouse keeps what it needs. To change it for good, see docs/personal_data.md."""


class SecretError(Exception):
    """There is no secret, or not the right one. The text says what to do and shows nothing of it."""


def pads(secret: str) -> tuple[bytes, bytes]:
    """The key of HMAC-SHA256, filled up to a block, xored with the inner and the outer constant (RFC 2104)."""
    key = secret.encode()
    if len(key) > BLOCK:
        key = hashlib.sha256(key).digest()
    key = key.ljust(BLOCK, b"\0")
    return bytes(byte ^ 0x36 for byte in key), bytes(byte ^ 0x5C for byte in key)


def keep_key(cursor: Cursor, secret: str | None) -> None:
    """Give the warehouse the key that `pii.pseudonym` needs, once. Raises SecretError, see its text."""
    cursor.execute("select inner_pad, outer_pad from pii.pseudonym_key")
    kept = [tuple(map(bytes, row)) for row in cursor.fetchall()]
    if not secret:
        if not kept:
            raise SecretError(MISSING)
    elif kept:
        if kept != [pads(secret)]:
            raise SecretError(OTHER)
    elif len(secret) < MIN_CHARACTERS:
        raise SecretError(SHORT)
    else:
        cursor.execute("insert into pii.pseudonym_key (inner_pad, outer_pad) values (%s, %s)", pads(secret))
