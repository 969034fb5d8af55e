"""What makes two requests the same text."""

from __future__ import annotations

import hashlib

from schemas.send_request import SendRequest


def fingerprint(request: SendRequest) -> str:
    """Tells a repeat from another text under the same id."""
    return hashlib.sha256(f"{request.number}\0{request.body}".encode()).hexdigest()[:16]
