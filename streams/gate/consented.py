"""What a consent fact leads to: its entry in the log, the new status, Stops to dispatch, and another look at all
that waits."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Final

from schemas.base import Evidence
from schemas.consent_change import ConsentChange
from schemas.consent_event import ConsentAction
from schemas.consent_status import ConsentStatus
from schemas.controls import Stop
from schemas.topics import CONSENT_LOG, CONSENT_STATUS, DISPATCH_CONTROLS
from streams.gate.consent import Claim, blocked, claim_of_event, claim_of_reply, weigh
from streams.gate.release import judged_anew
from streams.gate.rows import NUMBER, NumberRow
from streams.seen import SeenRow, forget_at, seen, seen_row
from streams.step import NOTHING, Fact, Publication, Rows, Settings, Step

_FAMILY: Final = re.compile(r"([A-Za-z0-9][A-Za-z0-9._:@-]{0,127})/(\+[0-9]{3,15})")
"""A family by its record's key alone may be anything; only a tenant's number can be blocked."""


def on_consent_event(rows: Rows, fact: Fact, now: datetime, settings: Settings) -> Step:
    """A repeat, by event id, changes nothing and says nothing."""
    claim = claim_of_event(fact)
    return NOTHING if seen(rows, claim.row) else _on_claim(rows, claim, fact.value.at, now, settings)


def on_reply(rows: Rows, fact: Fact, now: datetime, settings: Settings) -> Step:
    """Keywords are acted on, by the provider's id once; any other text is for people to read."""
    claim = claim_of_reply(fact, seen_row("in", fact.value.provider_id))
    if claim is None or seen(rows, claim.row):
        return NOTHING
    return _on_claim(rows, claim, fact.value.received_at, now, settings)


def on_unreadable(rows: Rows, fact: Fact, now: datetime, settings: Settings) -> Step:
    family = _FAMILY.fullmatch(rows.family)
    if family is None:
        return NOTHING
    before = rows.get(NUMBER, NumberRow) or NumberRow()
    after = blocked(before, fact.at_ms)
    place = Evidence(topic=fact.topic, partition=fact.partition, offset=fact.offset)
    change = ConsentChange(
        tenant=family[1],
        number=family[2],
        event_id=f"{fact.topic}/{fact.partition}/{fact.offset}",
        action="unreadable",
        source=fact.topic,
        was=before.state,
        now=after.state,
        applied=True,
        reason="a record could not be read: nothing is sent until somebody has looked",
        consent_epoch=after.epoch,
        claimed_at=fact.at,
        at=now,
        evidence=place,
    )
    logged = Publication(CONSENT_LOG, change)
    return Step({NUMBER: after}, (logged, *_stops(rows.family, after, now)))


def _on_claim(rows: Rows, claim: Claim, claimed_at: datetime, now: datetime, settings: Settings) -> Step:
    before = rows.get(NUMBER, NumberRow) or NumberRow()
    after, applied, reason = weigh(before, claim)
    logged = _logged(rows.family, claim, claimed_at, before, after, applied, reason, now)
    told = _told(rows.family, claim, after, now) if applied else ()
    anew = judged_anew(rows, after, claim.place, now, settings) if applied else Step({NUMBER: after})
    remembered = {claim.row: SeenRow(at_ms=claim.at_ms)}
    forget = {claim.row: forget_at(now, for_good=claim.action is ConsentAction.OPT_IN)}
    return Step({**anew.rows, **remembered}, (logged, *told, *anew.publish), {**anew.wake, **forget})


def _logged(
    family: str,
    claim: Claim,
    claimed_at: datetime,
    before: NumberRow,
    after: NumberRow,
    applied: bool,
    reason: str,
    now: datetime,
) -> Publication:
    tenant, _, number = family.partition("/")
    change = ConsentChange(
        tenant=tenant,
        number=number,
        sender=claim.sender,
        event_id=claim.event_id,
        action=claim.action,
        source=claim.source,
        was=before.state,
        now=after.state,
        applied=applied,
        reason=reason,
        consent_epoch=after.epoch,
        claimed_at=claimed_at,
        at=now,
        evidence=claim.evidence,
    )
    return Publication(CONSENT_LOG, change)


def _told(family: str, claim: Claim, after: NumberRow, now: datetime) -> tuple[Publication, ...]:
    """The new status, and, if consent was taken away, every sender this number was ever texted from."""
    tenant, _, number = family.partition("/")
    status = ConsentStatus(
        tenant=tenant,
        number=number,
        state=after.state,
        consent_epoch=after.epoch,
        since=datetime.fromtimestamp(after.since_ms / 1000, UTC),
        source=after.source,
    )
    told = (Publication(CONSENT_STATUS, status),)
    return told + _stops(family, after, now) if claim.action is ConsentAction.OPT_OUT else told


def _stops(family: str, row: NumberRow, now: datetime) -> tuple[Publication, ...]:
    tenant, _, number = family.partition("/")
    return tuple(
        Publication(
            DISPATCH_CONTROLS, Stop(sender=sender, number=number, tenant=tenant, consent_epoch=row.epoch, at=now)
        )
        for sender in row.senders
    )
