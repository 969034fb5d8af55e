"""What makes two requests the same text, and what staff have seen the one that waits."""

from __future__ import annotations

import hashlib

from schemas.send_request import SendRequest


def sha256_of(body: str) -> str:
    """As an approval names what was seen."""
    return hashlib.sha256(body.encode(errors="surrogatepass")).hexdigest()


def fingerprint(request: SendRequest) -> str:
    """Tells a repeat from another text under the same id."""
    return hashlib.sha256(f"{request.number}\0{request.body}".encode()).hexdigest()[:16]
