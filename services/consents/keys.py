"""API keys: made for one tenant each, shown once, kept as hashes in a file of the state folder, never on a topic."""

from __future__ import annotations

import fcntl
import hashlib
import hmac
import os
import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, NamedTuple

from pydantic import BaseModel, ConfigDict, ValidationError

from schemas.base import Slug, UtcTime

FILE: Final = "api-keys.json"
SECRET_BYTES: Final = 32
"""256 bits of chance: nobody can try them all, so one plain SHA-256 is enough to hide them (a password needs more)."""

_WRITTEN: Final = re.compile(r"sayso_([0-9a-f]{12})_([A-Za-z0-9_-]{43})")


class KeysError(Exception):
    """One sentence for the person who asked."""


class Key(BaseModel):
    """`id` may be shown and is kept as evidence; `sha256` is of the secret half."""

    model_config = ConfigDict(frozen=True)

    id: str
    tenant: Slug
    label: str = ""
    sha256: str
    created_at: UtcTime
    revoked_at: UtcTime | None = None


class _File(BaseModel):
    keys: tuple[Key, ...] = ()


class Made(NamedTuple):
    """`written` is what the caller sends, and is known here and now only."""

    key: Key
    written: str


_NOBODY: Final = Key(
    id="", tenant="nobody", sha256="0" * 64, created_at=datetime(1970, 1, 1, tzinfo=UTC)
)
"""Compared with where no key has the id that was sent, so that both take the same time."""


class Keys:
    """Read afresh whenever the file has changed: a revoked key is refused at the next call."""

    def __init__(self, state: Path) -> None:
        self._path = state / FILE
        self._seen: tuple[int, int, int] | None = None
        self._keys: tuple[Key, ...] = ()

    def all(self) -> tuple[Key, ...]:
        """Oldest first.  Raises KeysError."""
        try:
            stat = self._path.stat()
        except FileNotFoundError:
            return ()
        stamp = (stat.st_ino, stat.st_mtime_ns, stat.st_size)
        if stamp != self._seen:
            self._keys, self._seen = self._read(), stamp
        return self._keys

    def holder(self, written: str) -> Key | None:
        """Whose key this is, if it is one that holds."""
        parts = _WRITTEN.fullmatch(written)
        identity, secret = parts.groups() if parts else ("", "")
        key = next((key for key in self.all() if key.id == identity), _NOBODY)
        same = hmac.compare_digest(key.sha256, _digest(secret))
        return key if same and key.revoked_at is None else None

    def add(self, tenant: str, label: str, now: datetime) -> Made:
        """Raises KeysError."""
        identity, secret = secrets.token_hex(6), secrets.token_urlsafe(SECRET_BYTES)
        key = Key(id=identity, tenant=tenant, label=label, sha256=_digest(secret), created_at=now)
        with self._changing():
            self._write((*self._read(), key))
        return Made(key, f"sayso_{identity}_{secret}")

    def revoke(self, identity: str, now: datetime) -> Key:
        """Kept in the file, so that what it brought can be traced.  Raises KeysError."""
        with self._changing():
            keys = self._read()
            found = next((key for key in keys if key.id == identity), None)
            if found is None:
                raise KeysError(f"There is no key {identity!r}: see `sayso keys list`")
            revoked = found if found.revoked_at else found.model_copy(update={"revoked_at": now})
            self._write(tuple(revoked if key.id == identity else key for key in keys))
        return revoked

    def _read(self) -> tuple[Key, ...]:
        try:
            return _File.model_validate_json(self._path.read_bytes()).keys
        except FileNotFoundError:
            return ()
        except (ValidationError, OSError):
            raise KeysError(
                f"{self._path} cannot be read: put its last good copy back, or delete it and make new keys"
            ) from None

    def _write(self, keys: tuple[Key, ...]) -> None:
        """Whole or not at all, and from its first byte for its owner only."""
        draft = self._path.with_name(FILE + ".new")
        draft.unlink(missing_ok=True)
        with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(_File(keys=keys).model_dump_json(indent=1, exclude_none=True) + "\n")
            file.flush()
            os.fsync(file.fileno())
        draft.replace(self._path)

    @contextmanager
    def _changing(self) -> Iterator[None]:
        """One at a time: two keys made at once are both kept."""
        self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        lock = os.open(self._path.with_name(FILE + ".lock"), os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
        finally:
            os.close(lock)


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
