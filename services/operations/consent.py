"""Record what a person said about being texted, and ask somebody to opt in."""

from __future__ import annotations

import hashlib
import json
from datetime import datetime
from pathlib import Path
from typing import Any

from schemas.blank_text import is_blank
from schemas.consent import ConsentEvent, ConsentSource
from schemas.consent_dates import is_placeholder
from schemas.topics import CONSENT_EVENTS
from services.ledger import Ledger
from services.operations.errors import InvalidRequest, OperationFailed
from services.operations.session import Session
from services.operations.validation import build_message, new_id


def build_consent_event(
    action: str,
    number: str,
    tenant: str,
    sender: str | None,
    evidence: dict[str, str | None],
    now: datetime,
) -> ConsentEvent:
    """Build a consent event.  Raises InvalidRequest.

    `action` is opt_in, opt_out, resolved, go_on or ask; `number` is in E.164."""
    return build_message(
        ConsentEvent,
        event_id=new_id("a" if action == "ask" else "c"),
        tenant=tenant,
        number=number,
        sender=sender,
        action=action,
        source=ConsentSource.MANUAL,
        at=now,
        evidence=evidence,
    )


async def record_consent(kafka: Session, event: ConsentEvent) -> None:
    """Publish the event, if its tenant exists.  Raises OperationError."""
    await kafka.require_tenants(event.tenant)
    await kafka.publish(CONSENT_EVENTS, [event])


def require_proof(document: str | None, actor: str | None) -> None:
    """Raises InvalidRequest: without a proof and a name the gate would refuse the opt-in."""
    if is_placeholder(document or "") or is_blank(actor):
        raise InvalidRequest(
            "An opt-in needs proof",
            "give --document (where it is kept) or --file (the form itself), and --actor"
            " (who recorded it)",
        )


async def record_and_wait(
    kafka: Session, ledger: Ledger, event: ConsentEvent
) -> dict[str, Any] | None:
    """Publish the event; return the gate's entry of the consent log, None if it takes too long.

    Raises OperationError."""
    await record_consent(kafka, event)
    return await kafka.wait_for(ledger, lambda: _find_entry(ledger, event))


async def request_opt_in(kafka: Session, ledger: Ledger, event: ConsentEvent) -> str:
    """Have the gate send an opt-in request; return its answer.

    Raises OperationError where the gate refuses."""
    answer = await record_and_wait(kafka, ledger, event)
    if answer is None:
        raise OperationFailed(
            "The gate has not answered yet; look again",
            f"sayso consent show {event.number} -t {event.tenant}",
        )
    if not answer["applied"]:
        raise OperationFailed(f"Not asked: {answer['reason'].removeprefix('not asked: ')}")
    return str(answer["reason"])


def describe_document(document: str | None, file: Path | None) -> str | None:
    """Say where the proof is kept; for a file with its digest: `intake-17.pdf sha256:9f86d0...`.

    Raises InvalidRequest."""
    if file is None:
        return document
    try:
        with file.open("rb") as scan:
            digest = hashlib.file_digest(scan, "sha256").hexdigest()
    except OSError as error:
        raise InvalidRequest(f"--file {file} cannot be read: {error.strerror}") from None
    return f"{document or file.name} sha256:{digest}"


def _find_entry(ledger: Ledger, event: ConsentEvent) -> dict[str, Any] | None:
    """Its entry in the consent log, once there is one."""
    sql = "SELECT json FROM consent_log WHERE number = ? AND tenant = ? ORDER BY off DESC"
    entries = (json.loads(row["json"]) for row in ledger.rows(sql, event.number, event.tenant))
    return next((entry for entry in entries if entry["event_id"] == event.event_id), None)
