"""Sessions: a random id in a cookie, its hash in the store, so that each can be ended.

The id is made anew at each sign-in. A session ends after IDLE without a request, and LIFE after the
sign-in at the latest.
"""

from __future__ import annotations

import secrets
from datetime import UTC, datetime, timedelta
from typing import Final, NamedTuple

from schemas.text_hash import sha256_hex
from services.console.accounts.store import Store
from services.console.accounts.users import Users, as_viewer
from services.console.viewer import Viewer

IDLE: Final = timedelta(hours=2)
LIFE: Final = timedelta(hours=12)
LINK_LIFE: Final = timedelta(minutes=15)
"""A sign-in link is for now."""
_SEEN_EVERY: Final = 60
"""Seconds between two notes of when a session was seen."""


class OpenSession(NamedTuple):
    hash: str
    began_at: datetime
    seen_at: datetime


class Sessions:
    def __init__(self, store: Store, users: Users) -> None:
        self._store = store
        self._users = users

    def begin(self, name: str, now: datetime) -> str:
        """The new session's id, for the cookie."""
        at = int(now.timestamp())
        session_id = secrets.token_urlsafe(32)
        with self._store.transaction():
            self._store.change("DELETE FROM sessions WHERE created_at < ?", at - _seconds(LIFE))
            self._store.change(
                "INSERT INTO sessions VALUES (?, ?, ?, ?)", sha256_hex(session_id), name, at, at
            )
        return session_id

    def find(self, session_id: str, now: datetime, *, seen: bool = True) -> Viewer | None:
        """Who it is, unless the session has ended or the user was disabled.

        `seen`: somebody is there, so that the time without a request begins again."""
        at = int(now.timestamp())
        hashed = sha256_hex(session_id)
        rows = self._store.rows("SELECT * FROM sessions WHERE hash = ?", hashed)
        if not rows:
            return None
        row = rows[0]
        if at - row["created_at"] > _seconds(LIFE) or at - row["seen_at"] > _seconds(IDLE):
            self.end(session_id)
            return None
        if seen and at - row["seen_at"] > _SEEN_EVERY:
            self._store.change("UPDATE sessions SET seen_at = ? WHERE hash = ?", at, hashed)
        user = self._users.find(row["name"])
        return None if user is None or user.disabled else as_viewer(user, hashed)

    def end(self, session_id: str) -> None:
        self._store.change("DELETE FROM sessions WHERE hash = ?", sha256_hex(session_id))

    def all_of(self, name: str, now: datetime) -> tuple[OpenSession, ...]:
        """That have not ended, the newest first."""
        at = int(now.timestamp())
        sql = """SELECT * FROM sessions WHERE name = ? AND created_at >= ? AND seen_at >= ?
            ORDER BY created_at DESC, hash"""
        rows = self._store.rows(sql, name, at - _seconds(LIFE), at - _seconds(IDLE))
        return tuple(
            OpenSession(
                row["hash"],
                datetime.fromtimestamp(row["created_at"], UTC),
                datetime.fromtimestamp(row["seen_at"], UTC),
            )
            for row in rows
        )

    def end_others(self, name: str, hashed: str) -> int:
        """All but the one of this hash. How many there were."""
        return self._store.change("DELETE FROM sessions WHERE name = ? AND hash <> ?", name, hashed)

    def end_all(self, name: str) -> int:
        """How many there were."""
        return self._store.change("DELETE FROM sessions WHERE name = ?", name)

    def make_link(self, name: str, now: datetime) -> str:
        """A token that signs this user in once, within LINK_LIFE."""
        token = secrets.token_urlsafe(32)
        expires = int((now + LINK_LIFE).timestamp())
        self._store.change("INSERT INTO links VALUES (?, ?, ?)", sha256_hex(token), name, expires)
        return token

    def use_link(self, token: str, now: datetime) -> str | None:
        """The user's name; None if the link was used, is too old, or never was."""
        with self._store.transaction():
            hashed = sha256_hex(token)
            rows = self._store.rows("SELECT * FROM links WHERE hash = ?", hashed)
            self._store.change("DELETE FROM links WHERE hash = ?", hashed)
            user = self._users.find(rows[0]["name"]) if rows else None
        if user is None or user.disabled:
            return None
        at = int(now.timestamp())
        return rows[0]["name"] if rows and rows[0]["expires_at"] >= at else None


def _seconds(span: timedelta) -> int:
    return int(span.total_seconds())
