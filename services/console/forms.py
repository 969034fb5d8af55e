"""One key for each drawn form: Enter held, a double click, back and send again give one text.

The page draws `<input type=hidden name=form_key>`. The first post under a key does the work and
keeps its result; a later one gets that result. A post that comes while the first is under way is
told so.
"""

from __future__ import annotations

import json
import secrets
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

    Where the work fails, the key is free again. Raises StillUnderWay and what the work raises.
    """
    store = visit.console.store
    at = int(visit.now.timestamp())
    oldest = at - int(KEPT.total_seconds())
    with store.transaction():
        store.change("DELETE FROM forms WHERE at < ?", oldest)
        name = visit.viewer.name
        is_new = store.change("INSERT OR IGNORE INTO forms VALUES (?, ?, ?, NULL)", key, name, at)
        rows = store.rows("SELECT result FROM forms WHERE key = ? AND name = ?", key, name)
    if not is_new:
        if not rows or rows[0]["result"] is None:
            raise StillUnderWay
        return json.loads(rows[0]["result"]), True
    try:
        result = await work()
    except BaseException:
        store.change("DELETE FROM forms WHERE key = ?", key)
        raise
    store.change("UPDATE forms SET result = ? WHERE key = ?", json.dumps(result), key)
    return result, False


def find_result(visit: Visit, key: str) -> Any | None:
    """What was done under the key, for the page that a form leads to."""
    sql = "SELECT result FROM forms WHERE key = ? AND name = ?"
    rows = visit.console.store.rows(sql, key, visit.viewer.name)
    return json.loads(rows[0]["result"]) if rows and rows[0]["result"] else None
