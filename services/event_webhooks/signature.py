"""Secrets and signatures as Standard Webhooks 1.0 has them (standardwebhooks.com)."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from collections.abc import Iterable
from typing import Final

from pydantic import SecretStr

PREFIX: Final = "whsec_"
SECRET_BYTES: Final = 32

ID: Final = "webhook-id"
TIMESTAMP: Final = "webhook-timestamp"
SIGNATURE: Final = "webhook-signature"


def make_secret() -> SecretStr:
    """`whsec_` and the base64 of 256 random bits."""
    return SecretStr(PREFIX + base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode())


def build_headers(
    event_id: str, at: int, body: bytes, valid: Iterable[SecretStr]
) -> dict[str, str]:
    """Sign with every secret that is valid now: the receiver needs to know only one of them.

    `at`: the time of this attempt, in seconds since 1970.  A receiver refuses what is too old, so
    each attempt is signed again."""
    signed = f"{event_id}.{at}.".encode() + body
    return {
        ID: event_id,
        TIMESTAMP: str(at),
        SIGNATURE: " ".join(_sign(secret, signed) for secret in valid),
    }


def _sign(secret: SecretStr, signed: bytes) -> str:
    key = base64.b64decode(secret.get_secret_value().removeprefix(PREFIX))
    return "v1," + base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode()
