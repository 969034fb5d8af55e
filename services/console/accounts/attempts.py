"""How often somebody may try to sign in: by name and by address, each failure longer to wait.

A try counts before its password is looked at, so that many at once are as slow as one after
another. Names that nobody has are counted alike.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from schemas.text_hash import sha256_hex
from services.console.accounts.store import Store

OF_NAME: Final = 5
OF_ADDRESS: Final = 30
"""Failures without a wait. Behind one address may be an office."""
LONGEST: Final = timedelta(minutes=15)
FORGOTTEN: Final = timedelta(hours=2)
"""After so long without a failure they are not counted any more."""


class SignInAttempts:
    """In the store, for all processes and after a restart."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def begin(self, name: str, address: str, now: datetime) -> int:
        """Seconds to wait. 0: the password may be looked at, and the try counts as a failure until
        `succeed`."""
        at = int(now.timestamp())
        keys = ((_key("name", name), OF_NAME), (_key("address", address), OF_ADDRESS))
        with self._store.transaction():
            oldest = at - int(FORGOTTEN.total_seconds())
            self._store.change("DELETE FROM attempts WHERE at < ?", oldest)
            wait = max(self._wait(key, at) for key, _ in keys)
            if wait == 0:
                for key, free in keys:
                    self._count(key, free, at)
        return wait

    def succeed(self, name: str, address: str) -> None:
        with self._store.transaction():
            self._store.change("DELETE FROM attempts WHERE key = ?", _key("name", name))
            # Of the address only this try: others may be guessing behind it.
            sql = "UPDATE attempts SET failures = failures - 1, until = at WHERE key = ?"
            self._store.change(sql, _key("address", address))

    def _wait(self, key: str, at: int) -> int:
        rows = self._store.rows("SELECT until FROM attempts WHERE key = ?", key)
        return max(0, rows[0]["until"] - at) if rows else 0

    def _count(self, key: str, free: int, at: int) -> None:
        rows = self._store.rows("SELECT failures FROM attempts WHERE key = ?", key)
        failures = (rows[0]["failures"] if rows else 0) + 1
        over = failures - free
        wait = min(2**over, int(LONGEST.total_seconds())) if 0 <= over < 20 else 0
        if over >= 20:
            wait = int(LONGEST.total_seconds())
        self._store.change(
            "INSERT OR REPLACE INTO attempts VALUES (?, ?, ?, ?)", key, failures, at, at + wait
        )


def _key(kind: str, value: str) -> str:
    """Hashed: what was typed as a name may be a password."""
    return sha256_hex(f"{kind}:{value}")
