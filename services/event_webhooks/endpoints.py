"""Endpoints: where a tenant wants its events, with which secret, and how they fare."""

from __future__ import annotations

import json
import secrets
import sqlite3
import string
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final, NamedTuple

from pydantic import SecretStr

from services.event_webhooks.payload import Wishes
from services.event_webhooks.retry_schedule import is_dead
from services.event_webhooks.signature import make_secret
from services.event_webhooks.store import Store, from_ms, to_ms

ID_LETTERS: Final = 12
"""Letters alone: digits could look like a phone number, and be masked."""


class EndpointState(StrEnum):
    ACTIVE = "active"
    PAUSED = "paused"
    """By hand.  What happens meanwhile waits."""
    DEAD = "dead"
    """Nothing has succeeded for a day.  What happens meanwhile waits."""
    GONE = "gone"
    """It answered 410: it wants nothing any more.  Nothing is kept for it."""


class Endpoint(NamedTuple):
    id: str
    tenant: str
    url: str
    owner: str
    """The mail address of those who run it."""
    about: str
    events: tuple[str, ...]
    """Types, or `GROUP.*`."""
    wishes: Wishes
    state: EndpointState
    created_at: datetime
    secret: SecretStr
    old_secret: SecretStr | None
    old_until: datetime | None
    failures: int
    """In a row, of any of its deliveries."""
    failing_since: datetime | None
    success_at: datetime | None

    def valid_secrets(self, now: datetime) -> tuple[SecretStr, ...]:
        """The new one first."""
        if self.old_secret is None or self.old_until is None or now >= self.old_until:
            return (self.secret,)
        return (self.secret, self.old_secret)


class NewSecret(NamedTuple):
    endpoint: Endpoint
    secret: SecretStr
    """It is shown now and never again."""


class Endpoints:
    """Each method is one step; callers put several into a transaction."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def all(self) -> list[Endpoint]:
        """Oldest first."""
        found = self._store.rows("SELECT * FROM endpoints ORDER BY created_ms, id")
        return [_read(row) for row in found]

    def find(self, identity: str) -> Endpoint | None:
        found = self._store.rows("SELECT * FROM endpoints WHERE id = ?", identity)
        return _read(found[0]) if found else None

    def add(self, tenant: str, now: datetime, **fields: Any) -> NewSecret:
        identity = "ep_" + "".join(
            secrets.choice(string.ascii_lowercase) for _ in range(ID_LETTERS)
        )
        secret = make_secret()
        self._store.execute(
            "INSERT INTO endpoints (id, tenant, url, owner, about, events, numbers, texts, state,"
            " created_ms, secret) VALUES (?, ?, '', '', '', '[]', 0, 0, ?, ?, ?)",
            identity,
            tenant,
            EndpointState.ACTIVE,
            to_ms(now),
            secret.get_secret_value(),
        )
        self.change(identity, **fields)
        return NewSecret(self._get(identity), secret)

    def change(self, identity: str, **fields: Any) -> None:
        """`url`, `owner`, `about`, `events`, `numbers`, `texts`."""
        if "events" in fields:
            fields["events"] = json.dumps(list(fields["events"]))
        names = ", ".join(f"{name} = ?" for name in fields)
        self._store.execute(
            f"UPDATE endpoints SET {names} WHERE id = ?", *fields.values(), identity
        )

    def rotate(self, identity: str, now: datetime, keep: timedelta) -> NewSecret:
        """The secret until now stays valid for `keep`; an older one ends."""
        secret = make_secret()
        self._store.execute(
            "UPDATE endpoints SET old_secret = secret, old_until_ms = ?, secret = ? WHERE id = ?",
            to_ms(now + keep),
            secret.get_secret_value(),
            identity,
        )
        return NewSecret(self._get(identity), secret)

    def forget_old_secrets(self, now: datetime) -> None:
        self._store.execute(
            "UPDATE endpoints SET old_secret = NULL, old_until_ms = NULL WHERE old_until_ms <= ?",
            to_ms(now),
        )

    def set_state(self, identity: str, state: EndpointState) -> None:
        self._store.execute(
            "UPDATE endpoints SET state = ?, failures = 0, failing_since_ms = NULL WHERE id = ?",
            state,
            identity,
        )

    def delete(self, identity: str) -> None:
        """With its deliveries; what was done to it stays on record."""
        self._store.execute("DELETE FROM deliveries WHERE endpoint = ?", identity)
        self._store.execute("DELETE FROM mails WHERE endpoint = ?", identity)
        self._store.execute("DELETE FROM endpoints WHERE id = ?", identity)

    def note_success(self, identity: str, now: datetime) -> None:
        self._store.execute(
            "UPDATE endpoints SET failures = 0, failing_since_ms = NULL, success_ms = ?"
            " WHERE id = ?",
            to_ms(now),
            identity,
        )

    def note_failure(self, identity: str, now: datetime) -> bool:
        """Whether it has to be taken for dead now."""
        self._store.execute(
            "UPDATE endpoints SET failures = failures + 1,"
            " failing_since_ms = coalesce(failing_since_ms, ?) WHERE id = ?",
            to_ms(now),
            identity,
        )
        found = self.find(identity)
        if found is None or found.state != EndpointState.ACTIVE or found.failing_since is None:
            return False
        return is_dead(found.failures, now - found.failing_since)

    def record_change(
        self, endpoint: Endpoint, by: str, action: str, now: datetime, **detail: Any
    ) -> None:
        """What was done to it, and by whom.  Never a secret."""
        self._store.execute(
            "INSERT INTO changes (at_ms, endpoint, tenant, by, action, detail)"
            " VALUES (?, ?, ?, ?, ?, ?)",
            to_ms(now),
            endpoint.id,
            endpoint.tenant,
            by,
            action,
            json.dumps(detail, ensure_ascii=False),
        )

    def count_by_state(self) -> dict[str, int]:
        found = self._store.rows("SELECT state, count(*) AS n FROM endpoints GROUP BY state")
        return dict.fromkeys(EndpointState, 0) | {row["state"]: row["n"] for row in found}

    def _get(self, identity: str) -> Endpoint:
        found = self.find(identity)
        if found is None:
            raise KeyError(identity)
        return found


def _read(row: sqlite3.Row) -> Endpoint:
    created_at = from_ms(row["created_ms"])
    assert created_at is not None
    return Endpoint(
        id=row["id"],
        tenant=row["tenant"],
        url=row["url"],
        owner=row["owner"],
        about=row["about"],
        events=tuple(json.loads(row["events"])),
        wishes=Wishes(bool(row["numbers"]), bool(row["texts"])),
        state=EndpointState(row["state"]),
        created_at=created_at,
        secret=SecretStr(row["secret"]),
        old_secret=SecretStr(row["old_secret"]) if row["old_secret"] else None,
        old_until=from_ms(row["old_until_ms"]),
        failures=row["failures"],
        failing_since=from_ms(row["failing_since_ms"]),
        success_at=from_ms(row["success_ms"]),
    )
