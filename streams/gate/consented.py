"""What a consent fact leads to: its entry in the log, the new status, Stops to dispatch, and another look at all
that waits."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Final

from schemas.consent_change import ConsentChange
from schemas.consent_event import ConsentAction
from schemas.consent_status import ConsentStatus
from schemas.controls import Stop
from schemas.topics import CONSENT_LOG, CONSENT_STATUS, DISPATCH_CONTROLS
from streams.gate.chain import Linked, linked
from streams.gate.claims import Claim, claim_of_event, claim_of_reply, claim_of_unreadable
from streams.gate.consent import Weighed, blocked, weigh
from streams.gate.release import judged_anew
from streams.gate.rows import NUMBER, NumberRow
from streams.seen import SeenRow, forget_at, seen, seen_row
from streams.step import NOTHING, Fact, Publication, Rows, Settings, Step

_FAMILY: Final = re.compile(r"([A-Za-z0-9][A-Za-z0-9._:@-]{0,127})/(\+[0-9]{3,15})")
"""A family by its record's key alone may be anything; only a tenant's number can be blocked."""


def on_consent_event(rows: Rows, fact: Fact, now: datetime, settings: Settings) -> Step:
    """A repeat, by event id, changes nothing and says nothing."""
    claim = claim_of_event(fact)
    name = seen_row("ev", claim.event_id)
    return NOTHING if seen(rows, name) else _on_claim(rows, name, claim, now, settings)


def on_reply(rows: Rows, fact: Fact, now: datetime, settings: Settings) -> Step:
    """Keywords and revocations are acted on, by the provider's id once; any other text is for people to read."""
    standing, tenant = rows.get(NUMBER, NumberRow) or NumberRow(), settings.tenants.get(fact.value.tenant)
    claim = claim_of_reply(fact, standing, tenant)
    if claim is None:
        return NOTHING
    name = seen_row("in", claim.event_id)
    return NOTHING if seen(rows, name) else _on_claim(rows, name, claim, now, settings)


def on_unreadable(rows: Rows, fact: Fact, now: datetime, settings: Settings) -> Step:
    if _FAMILY.fullmatch(rows.family) is None:
        return NOTHING
    before = rows.get(NUMBER, NumberRow) or NumberRow()
    claim = claim_of_unreadable(fact)
    weighed = blocked(before, claim)
    after, change = _logged(rows.family, claim, before, weighed, now)
    return Step({NUMBER: after}, (Publication(CONSENT_LOG, change), *_stops(rows.family, after, now)))


def _on_claim(rows: Rows, name: str, claim: Claim, now: datetime, settings: Settings) -> Step:
    before = rows.get(NUMBER, NumberRow) or NumberRow()
    weighed = weigh(before, claim)
    after, change = _logged(rows.family, claim, before, weighed, now)
    told = _told(rows.family, claim, after, now) if weighed.applied else ()
    anew = judged_anew(rows, after, claim.place, now, settings) if weighed.applied else Step({NUMBER: after})
    remembered = {name: SeenRow(at_ms=claim.at_ms)}
    forget = {name: forget_at(now, for_good=claim.action == ConsentAction.OPT_IN)}
    logged = Publication(CONSENT_LOG, change)
    return Step({**anew.rows, **remembered}, (logged, *told, *anew.publish), {**anew.wake, **forget})


def _logged(family: str, claim: Claim, before: NumberRow, weighed: Weighed, now: datetime) -> Linked:
    tenant, _, number = family.partition("/")
    change = ConsentChange(
        tenant=tenant,
        number=number,
        sender=claim.sender,
        event_id=claim.event_id,
        action=claim.action,
        source=claim.source,
        was=before.state,
        now=weighed.row.state,
        applied=weighed.applied,
        flagged=claim.flagged and weighed.applied,
        reason=weighed.reason,
        consent_epoch=weighed.row.epoch,
        claimed_at=claim.claimed_at,
        at=now,
        evidence=claim.evidence,
    )
    return linked(weighed.row, change)


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
        log_seq=after.log_seq,
        log_hash=after.log_hash,
    )
    told = (Publication(CONSENT_STATUS, status),)
    return told + _stops(family, after, now) if claim.action == ConsentAction.OPT_OUT else told


def _stops(family: str, row: NumberRow, now: datetime) -> tuple[Publication, ...]:
    tenant, _, number = family.partition("/")
    return tuple(
        Publication(
            DISPATCH_CONTROLS, Stop(sender=sender, number=number, tenant=tenant, consent_epoch=row.epoch, at=now)
        )
        for sender in row.senders
    )
