"""Files that somebody has sent, between the preview of an import and its confirmation.

They hold numbers: they are kept for an hour, for the one who sent them, in the console's own file,
and deleted when they are imported."""

from __future__ import annotations

import secrets
from datetime import timedelta
from typing import Final, NamedTuple

from services.console.access import Visit
from services.operations.table_file import HeldFile

KEPT: Final = timedelta(hours=1)
_NAME_AT_MOST: Final = 100


class Upload(NamedTuple):
    key: str
    kind: str
    file: HeldFile


def keep_upload(visit: Visit, kind: str, name: str, data: bytes) -> str:
    """The key under which it is found again. Deletes what is too old."""
    store = visit.console.store
    key = secrets.token_urlsafe(18)
    at = int(visit.now.timestamp())
    shown = name.replace("\\", "/").rpartition("/")[2][:_NAME_AT_MOST] or "file.csv"
    with store.transaction():
        store.change("DELETE FROM uploads WHERE at < ?", at - int(KEPT.total_seconds()))
        store.change(
            "INSERT INTO uploads VALUES (?, ?, ?, ?, ?, ?, ?)",
            key,
            visit.viewer.name,
            visit.tenant,
            kind,
            shown,
            at,
            data,
        )
    return key


def find_upload(visit: Visit, key: str) -> Upload | None:
    """None: it was imported, is too old, or is somebody else's."""
    oldest = int((visit.now - KEPT).timestamp())
    sql = """SELECT kind, file_name, data FROM uploads
        WHERE key = ? AND name = ? AND tenant = ? AND at >= ?"""
    rows = visit.console.store.rows(sql, key, visit.viewer.name, visit.tenant, oldest)
    if not rows:
        return None
    return Upload(key, rows[0]["kind"], HeldFile(rows[0]["file_name"], bytes(rows[0]["data"])))


def drop_upload(visit: Visit, key: str) -> None:
    visit.console.store.change("DELETE FROM uploads WHERE key = ?", key)
