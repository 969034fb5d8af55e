"""What staff say of texts that wait, told to the gate; and what it made of each."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from schemas.approval import Approval

PATIENCE = 15.0
"""Seconds until the gate has answered, and a hundredth for each."""


def told(
    approvals: Sequence[Approval], bootstrap: str | None, state: Path
) -> list[dict[str, Any] | None]:
    """The gate's answer to each, in their order; None where there is none yet.  Raises Refused."""
    from schemas.topics import APPROVALS
    from services.cli.bar import waiting_for
    from services.cli.kafka import bootstrap_of, publish

    if not approvals:
        return []
    publish(bootstrap_of(bootstrap, state), APPROVALS, approvals)
    deadline = time.monotonic() + PATIENCE + len(approvals) / 100
    found = _answers(approvals, bootstrap, state)
    with waiting_for("waiting for the gate's answer"):
        while None in found and time.monotonic() < deadline:
            time.sleep(0.2)
            found = _answers(approvals, bootstrap, state)
    return found


def _answers(
    approvals: Sequence[Approval], bootstrap: str | None, state: Path
) -> list[dict[str, Any] | None]:
    from services.cli.kafka import ledger

    sql = "SELECT json FROM approval_log WHERE message_id = ? AND tenant = ? AND approval_id = ?"
    with ledger(bootstrap, state) as opened:
        rows = [opened.rows(sql, one.message_id, one.tenant, one.approval_id) for one in approvals]
    return [json.loads(found[0]["json"]) if found else None for found in rows]


NO_ANSWER = {
    "applied": False,
    "rule": "no_answer",
    "reason": "The gate has not answered yet",
    "next_step": "look again in a moment: what it makes of it counts",
}
