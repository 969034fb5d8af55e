"""API keys: each made for one tenant and shown once. The state folder keeps their hashes; no topic
has them."""

from __future__ import annotations

import fcntl
import hmac
import os
import re
import secrets
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, NamedTuple

from pydantic import BaseModel, ConfigDict, ValidationError

from schemas.base import Slug, UtcTime
from schemas.text_hash import sha256_hex
from services.console.api.scopes import Scope

FILE: Final = "api-keys.json"
SECRET_BYTES: Final = 32
"""256 random bits cannot be guessed, so one plain SHA-256 is enough to hide them (a password needs
more)."""

DEFAULT_RATE: Final = 50
"""Calls a second, on average."""
HIGHEST_RATE: Final = 100_000

_WRITTEN: Final = re.compile(r"sayso_([0-9a-f]{12})_([A-Za-z0-9_-]{43})")


class KeysError(Exception):
    """One sentence for the person who asked."""


class ApiKey(BaseModel):
    model_config = ConfigDict(frozen=True)

    id: str
    """May be shown, and is kept as evidence."""
    tenant: Slug
    label: str = ""
    sha256: str
    """Of the secret half."""
    scopes: tuple[str, ...] = (Scope.CONSENTS,)
    """What it may do. A key of a version before 0.3 reports consents."""
    rate: int = DEFAULT_RATE
    """Calls a second, on average."""
    test: bool = False
    """What is asked for with it is judged, and never sent."""
    created_at: UtcTime
    revoked_at: UtcTime | None = None


class _File(BaseModel):
    keys: tuple[ApiKey, ...] = ()


class NewKey(NamedTuple):
    key: ApiKey
    written: str
    """What the caller sends. Nobody else knows it, and we forget it."""


_NO_KEY: Final = ApiKey(
    id="", tenant="nobody", sha256="0" * 64, created_at=datetime(1970, 1, 1, tzinfo=UTC)
)
"""Compared with when no key has the id that was sent, so that both cases take the same time."""


class ApiKeys:
    """Reads the file again when it has changed, so that a revoked key is refused at the next
    call."""

    def __init__(self, state: Path) -> None:
        self._path = state / FILE
        self._stamp: tuple[int, int, int] | None = None
        self._keys: tuple[ApiKey, ...] = ()
        self._by_id: dict[str, ApiKey] = {}

    def all(self) -> tuple[ApiKey, ...]:
        """Oldest first. Raises KeysError."""
        try:
            stat = self._path.stat()
        except FileNotFoundError:
            self._keys, self._by_id, self._stamp = (), {}, None
            return ()
        stamp = (stat.st_ino, stat.st_mtime_ns, stat.st_size)
        if stamp != self._stamp:
            self._keys = self._read()
            self._by_id = {key.id: key for key in self._keys}
            self._stamp = stamp
        return self._keys

    def find(self, written: str) -> ApiKey | None:
        """The key that a caller sent, if it exists and is not revoked. Raises KeysError."""
        parts = _WRITTEN.fullmatch(written)
        identity, secret = parts.groups() if parts else ("", "")
        self.all()
        key = self._by_id.get(identity, _NO_KEY)
        same = hmac.compare_digest(key.sha256, sha256_hex(secret))
        return key if same and key.revoked_at is None else None

    def add(
        self,
        tenant: str,
        label: str,
        now: datetime,
        *,
        scopes: Collection[Scope] = (Scope.CONSENTS,),
        rate: int = DEFAULT_RATE,
        test: bool = False,
    ) -> NewKey:
        """Raises KeysError."""
        identity = secrets.token_hex(6)
        secret = secrets.token_urlsafe(SECRET_BYTES)
        key = ApiKey(
            id=identity,
            tenant=tenant,
            label=label,
            sha256=sha256_hex(secret),
            scopes=tuple(scope for scope in Scope if scope in scopes),
            rate=rate,
            test=test,
            created_at=now,
        )
        with self._lock():
            self._write((*self._read(), key))
        return NewKey(key, f"sayso_{identity}_{secret}")

    def revoke(self, identity: str, now: datetime) -> ApiKey:
        """The key stays in the file, so that its consents can be traced. Raises KeysError."""
        with self._lock():
            keys = self._read()
            found = next((key for key in keys if key.id == identity), None)
            if found is None:
                raise KeysError(f"There is no key {identity!r}: see `sayso keys list`")
            revoked = found if found.revoked_at else found.model_copy(update={"revoked_at": now})
            self._write(tuple(revoked if key.id == identity else key for key in keys))
        return revoked

    def _read(self) -> tuple[ApiKey, ...]:
        try:
            return _File.model_validate_json(self._path.read_bytes()).keys
        except FileNotFoundError:
            return ()
        except (ValidationError, OSError):
            raise KeysError(
                f"{self._path} cannot be read: put its last good copy back, or delete it and "
                "make new keys"
            ) from None

    def _write(self, keys: tuple[ApiKey, ...]) -> None:
        """Replace the whole file at once. Nobody but its owner can read the new one at any time."""
        draft = self._path.with_name(FILE + ".new")
        draft.unlink(missing_ok=True)
        with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(_File(keys=keys).model_dump_json(indent=1, exclude_none=True) + "\n")
            file.flush()
            os.fsync(file.fileno())
        draft.replace(self._path)

    @contextmanager
    def _lock(self) -> Iterator[None]:
        """One change at a time: two keys made at once are both kept."""
        self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        lock = os.open(self._path.with_name(FILE + ".lock"), os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
        finally:
            os.close(lock)
