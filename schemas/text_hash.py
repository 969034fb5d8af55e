"""The SHA-256 of a text, in hex: how texts are recognised without being kept."""

from __future__ import annotations

import hashlib


def sha256_hex(text: str) -> str:
    """Of its UTF-8. Half a surrogate pair, which JSON can carry, is hashed too."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
