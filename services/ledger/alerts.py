"""Which texts have failed somebody, the most urgent first."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any, Final, NamedTuple

from schemas.outcome import Alert, Urgency
from schemas.topics import A_MONTH
from services.ledger.ledger import Ledger
from streams.outcomes.alert_text import urgency

_ORDER: Final = {Urgency.NOW: 0, Urgency.SOON: 1, Urgency.NORMAL: 2, Urgency.PASSED: 3}


class Standing(NamedTuple):
    """`urgency` as it is now; the record has what it was when the alert was raised."""

    alert: Alert
    urgency: Urgency


_TO_ACT_ON: Final = """open AND at_ms > ?3
    AND NOT EXISTS (SELECT 1 FROM dismissals WHERE dismissals.identity = alerts.identity)"""
"""Neither closed nor dismissed, nor older than what the topic itself keeps."""


def alerts(
    ledger: Ledger, now: datetime, tenant: str | None = None, *, closed: bool = False
) -> tuple[Standing, ...]:
    """`closed`: also those that nobody need act on any more."""
    sql = f"SELECT json FROM alerts WHERE (?1 OR {_TO_ACT_ON}) AND (?2 IS NULL OR tenant = ?2)"
    oldest = (now - A_MONTH).timestamp() * 1000
    found = (
        Alert.model_validate_json(row["json"]) for row in ledger.rows(sql, closed, tenant, oldest)
    )
    standing = [Standing(alert, urgency(alert.before, alert.event_at, now)) for alert in found]
    return tuple(sorted(standing, key=_first))


def _first(standing: Standing) -> tuple[int, datetime]:
    return _ORDER[standing.urgency], standing.alert.before or standing.alert.at


def as_data(standing: Standing) -> dict[str, Any]:
    said: dict[str, Any] = json.loads(standing.alert.model_dump_json(exclude_none=True))
    return said | {"urgency": standing.urgency}
