"""A number in the address of a page is a token that only this console can read.

Addresses land in histories and in logs of proxies, and phone numbers must not.
"""

from __future__ import annotations

import base64
import binascii

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV

from services.console.accounts.store import Store


class NumberTokens:
    """The same number always has the same token, so that a page keeps its address."""

    def __init__(self, store: Store) -> None:
        key = store.secret("number tokens a") + store.secret("number tokens b")
        self._cipher = AESSIV(key)

    def write(self, tenant: str, number: str) -> str:
        sealed = self._cipher.encrypt(number.encode(), [tenant.encode()])
        return base64.urlsafe_b64encode(sealed).rstrip(b"=").decode()

    def read(self, tenant: str, token: str) -> str | None:
        """None for what is no token of this tenant."""
        try:
            sealed = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
            return self._cipher.decrypt(sealed, [tenant.encode()]).decode()
        except (InvalidTag, ValueError, binascii.Error):
            return None
