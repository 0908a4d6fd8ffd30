"""Pseudonyms as Python's own hmac makes them."""

from __future__ import annotations

import hashlib
import hmac
import os
from urllib.parse import urlsplit


def pseudonym(name: str | None) -> str | None:
    """Of a name, whatever its case, spaces and ё; None for none."""
    plain = " ".join((name or "").lower().replace("ё", "е").split())
    secret = os.environ["MCU_PSEUDONYM_SECRET"].encode()
    return hmac.new(secret, plain.encode(), hashlib.sha256).hexdigest() if plain else None


def page(url: str | None) -> str | None:
    """Host and path of an address, without what differs though the page is the same."""
    if not url:
        return None
    parts = urlsplit(url if "://" in url else f"//{url}")
    return parts.netloc.lower().removeprefix("www.").removeprefix("m.") + parts.path.rstrip("/")
