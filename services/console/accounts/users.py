"""Local users with a password, or with a subject at the identity provider; and their roles."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterable
from datetime import datetime
from typing import Final, NamedTuple

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerifyMismatchError

from services.console.accounts.store import Store
from services.console.viewer import Grant, Role, Viewer

NAME: Final = re.compile(r"[a-z0-9](?:[a-z0-9._@+-]{0,62}[a-z0-9])?")
MIN_PASSWORD: Final = 12
"""Characters. NIST SP 800-63B-4, section 3.1.1.2, wants 15 for a password alone and 8 beside a
second factor."""
MAX_PASSWORD: Final = 256
MAX_DISPLAY_NAME: Final = 100
_HASHER: Final = PasswordHasher()
_NOBODY: Final = _HASHER.hash("nobody has this password")
"""Compared with when there is no such user, so that both cases take the same time."""


class UsersError(Exception):
    """One sentence for the person who asked."""


class User(NamedTuple):
    name: str
    display_name: str
    by_hand: tuple[Grant, ...]
    """Roles that an admin gave."""
    by_group: tuple[Grant, ...]
    """Roles of their groups at the identity provider, as of their last sign-in there."""
    has_password: bool
    subject: str | None
    """Who they are at the identity provider."""
    disabled: bool

    @property
    def grants(self) -> tuple[Grant, ...]:
        """All of them: what they may do."""
        return tuple(sorted({*self.by_hand, *self.by_group}))


class Users:
    def __init__(self, store: Store) -> None:
        self._store = store

    def all(self) -> tuple[User, ...]:
        return tuple(map(self._read, self._store.rows("SELECT * FROM users ORDER BY name")))

    def find(self, name: str) -> User | None:
        rows = self._store.rows("SELECT * FROM users WHERE name = ?", name)
        return self._read(rows[0]) if rows else None

    def find_subject(self, subject: str) -> User | None:
        rows = self._store.rows("SELECT * FROM users WHERE subject = ?", subject)
        return self._read(rows[0]) if rows else None

    def add(
        self,
        name: str,
        display_name: str,
        grants: Iterable[Grant],
        now: datetime,
        *,
        password: str | None = None,
        subject: str | None = None,
    ) -> User:
        """Raises UsersError."""
        if not NAME.fullmatch(name):
            raise UsersError(
                f"{name!r} is no name for a user: use small letters, digits and . _ @ + -"
            )
        hashed = None if password is None else hash_password(password)
        try:
            with self._store.transaction():
                self._store.change(
                    "INSERT INTO users VALUES (?, ?, ?, ?, NULL, ?)",
                    name,
                    display_name or name,
                    hashed,
                    int(now.timestamp()),
                    subject,
                )
                self._write_grants("grants", name, grants)
        except sqlite3.IntegrityError:
            raise UsersError(f"There is a user {name!r} already") from None
        return self._require(name)

    def set_password(self, name: str, password: str, *, but_session: str = "") -> None:
        """Ends their sessions as well, but for the one of this hash. Raises UsersError."""
        self._require(name)
        hashed = hash_password(password)
        with self._store.transaction():
            self._store.change("UPDATE users SET password = ? WHERE name = ?", hashed, name)
            sql = "DELETE FROM sessions WHERE name = ? AND hash <> ?"
            self._store.change(sql, name, but_session)
            self._store.change("DELETE FROM links WHERE name = ?", name)

    def set_grants(self, name: str, grants: Iterable[Grant]) -> User:
        """Those by hand; what their groups give stays. Raises UsersError."""
        return self._replace_grants("grants", name, grants)

    def set_group_grants(self, name: str, grants: Iterable[Grant]) -> User:
        """Raises UsersError."""
        return self._replace_grants("group_grants", name, grants)

    def disable(self, name: str, now: datetime) -> None:
        """Their name stays taken: it stands in records. Raises UsersError."""
        self._require(name)
        with self._store.transaction():
            self._store.change(
                "UPDATE users SET disabled_at = ? WHERE name = ?", int(now.timestamp()), name
            )
            self._store.change("DELETE FROM sessions WHERE name = ?", name)
            self._store.change("DELETE FROM links WHERE name = ?", name)

    def enable(self, name: str) -> None:
        """Raises UsersError."""
        self._require(name)
        self._store.change("UPDATE users SET disabled_at = NULL WHERE name = ?", name)

    def set_display_name(self, name: str, display_name: str) -> None:
        """Raises UsersError."""
        shown = " ".join(display_name.split())
        if not shown or len(shown) > MAX_DISPLAY_NAME or not shown.isprintable():
            raise UsersError(f"Write a name of 1 to {MAX_DISPLAY_NAME} letters")
        self._store.change("UPDATE users SET display_name = ? WHERE name = ?", shown, name)

    def check_password(self, name: str, password: str) -> User | None:
        """The user, if the password is theirs and they may sign in."""
        rows = self._store.rows("SELECT * FROM users WHERE name = ?", name)
        held = rows[0]["password"] if rows else None
        try:
            _HASHER.verify(held or _NOBODY, password[:MAX_PASSWORD])
        except (VerifyMismatchError, InvalidHashError):
            return None
        user = self._read(rows[0]) if rows and held else None
        return None if user is None or user.disabled else user

    def _require(self, name: str) -> User:
        found = self.find(name)
        if found is None:
            raise UsersError(f"There is no user {name!r}: see `sayso users list`")
        return found

    def _replace_grants(self, table: str, name: str, grants: Iterable[Grant]) -> User:
        self._require(name)
        with self._store.transaction():
            self._store.change(f"DELETE FROM {table} WHERE name = ?", name)
            self._write_grants(table, name, grants)
        return self._require(name)

    def _write_grants(self, table: str, name: str, grants: Iterable[Grant]) -> None:
        for tenant, branch, role in grants:
            sql = f"INSERT OR IGNORE INTO {table} VALUES (?, ?, ?, ?)"
            self._store.change(sql, name, tenant, branch, role.value)

    def _read(self, row: sqlite3.Row) -> User:
        return User(
            row["name"],
            row["display_name"],
            self._read_grants("grants", row["name"]),
            self._read_grants("group_grants", row["name"]),
            row["password"] is not None,
            row["subject"],
            row["disabled_at"] is not None,
        )

    def _read_grants(self, table: str, name: str) -> tuple[Grant, ...]:
        sql = f"SELECT * FROM {table} WHERE name = ? ORDER BY tenant, branch, role"
        return tuple(
            Grant(one["tenant"], one["branch"], Role(one["role"]))
            for one in self._store.rows(sql, name)
        )


def hash_password(password: str) -> str:
    """Raises UsersError for one that is too short or too long."""
    if not MIN_PASSWORD <= len(password) <= MAX_PASSWORD:
        raise UsersError(
            f"A password has {MIN_PASSWORD} to {MAX_PASSWORD} characters: a sentence is a good one"
        )
    return _HASHER.hash(password)


def as_viewer(user: User, session_id: str = "") -> Viewer:
    return Viewer(user.name, user.display_name, user.grants, session_id)
