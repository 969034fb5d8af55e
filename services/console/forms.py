"""One key for each drawn form: Enter held, a double click, back and send again give one text.

The page draws `<input type=hidden name=form_key>`. The first post under a key does the work and
keeps its result; a later one gets that result. A post that comes while the first is under way is
told so.
"""

from __future__ import annotations

import contextlib
import json
import secrets
import sqlite3
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any, Final

from services.console.access import Visit

KEPT: Final = timedelta(days=7)


class StillUnderWay(Exception):
    """The same form was sent before and has no result yet."""


def new_key() -> str:
    return secrets.token_urlsafe(18)


async def once(visit: Visit, key: str, work: Callable[[], Awaitable[Any]]) -> tuple[Any, bool]:
    """The result of the work, which has to fit into JSON, and whether it was done before.

    A key is one of its viewer. Where the work fails, it is free again. Raises StillUnderWay and
    what the work raises.
    """
    store, name = visit.console.store, visit.viewer.name
    at = int(visit.now.timestamp())
    oldest = at - int(KEPT.total_seconds())
    with store.transaction():
        store.change("DELETE FROM form_results WHERE at < ?", oldest)
        is_new = store.change(
            "INSERT OR IGNORE INTO form_results VALUES (?, ?, ?, NULL)", name, key, at
        )
        rows = store.rows(_FIND, name, key)
    if not is_new:
        if rows[0]["result"] is None:
            raise StillUnderWay
        return json.loads(rows[0]["result"]), True
    try:
        result = await work()
    except BaseException:
        store.change("DELETE FROM form_results WHERE name = ? AND key = ?", name, key)
        raise
    # It is done, whatever becomes of this: a locked file must not tell people to do it again.
    with contextlib.suppress(sqlite3.OperationalError):
        sql = "UPDATE form_results SET result = ? WHERE name = ? AND key = ?"
        store.change(sql, json.dumps(result), name, key)
    return result, False


def find_result(visit: Visit, key: str) -> Any | None:
    """What was done under the key, for the page that a form leads to."""
    rows = visit.console.store.rows(_FIND, visit.viewer.name, key)
    return json.loads(rows[0]["result"]) if rows and rows[0]["result"] else None


_FIND: Final = "SELECT result FROM form_results WHERE name = ? AND key = ?"
