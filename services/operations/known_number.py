"""What the gate knows of a number, as far as the ledger has it: enough to ask the gate's own rules.

The gate's state is its own.  Here it is put together from what the gate and others have published:
the number's consent and its log, facts about the number, and the texts it was sent.  What the gate
has not published, such as the moment of a record that it could not read, is taken from the log of
what it made of it.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any, Final, NamedTuple

from schemas.consent import ConsentAction, ConsentSource, ConsentState, ConsentStatus
from schemas.decision import Verdict
from schemas.person import NumberFact
from schemas.send_request import SystemKind
from schemas.when import TEXTS_AT_MOST
from services.ledger import Ledger
from services.ledger.cases import list_statuses
from streams.gate.number_facts import apply_fact
from streams.gate.state import NumberState, OptInRequests, OptInStatus, RevocationQuestion, to_ms

_OPT_IN_STATUS: Final = {Verdict.SEND: OptInStatus.OUT, Verdict.HOLD: OptInStatus.WAITING}
_SETTLES_UNREADABLE: Final = frozenset({ConsentAction.OPT_IN, ConsentAction.RESOLVED})


class KnownNumber(NamedTuple):
    state: NumberState
    status: ConsentStatus | None
    """None: the gate has said nothing of it yet."""
    facts: int
    """How many facts are on record."""
    texts: int
    """How many texts were let go to it."""


class _LastDecision(NamedTuple):
    """The last word on a message to the number."""

    message_id: str
    kind: str
    verdict: Verdict
    sender: str | None
    at: datetime


def read_known_number(ledger: Ledger, tenant: str, number: str) -> KnownNumber:
    """`number` in E.164."""
    status = list_statuses(ledger, tenant, {number}).get(number)
    facts = _read_facts(ledger, tenant, number)
    decisions = _read_decisions(ledger, tenant, number)
    sent = [one for one in decisions if one.verdict is Verdict.SEND]
    state = NumberState(
        **_read_consent(ledger, tenant, number, status),
        **_read_senders(sent),
        opt_in=_read_opt_in(status, decisions),
        texted_ms=_read_times(sent),
    )
    for fact in facts:
        state = apply_fact(state, fact)
    return KnownNumber(state, status, len(facts), len(sent))


def _read_facts(ledger: Ledger, tenant: str, number: str) -> list[NumberFact]:
    sql = "SELECT json FROM number_facts WHERE number = ? AND tenant = ? ORDER BY part, off"
    return [NumberFact.model_validate_json(row["json"]) for row in ledger.rows(sql, number, tenant)]


def _read_decisions(ledger: Ledger, tenant: str, number: str) -> list[_LastDecision]:
    """Oldest first.  An order that came back has a later decision, which says so."""
    sql = """SELECT message_id, kind, verdict, json_extract(json, '$.sender') AS sender,
        json_extract(json, '$.decided_at') AS at FROM (SELECT message_id, kind, verdict, json,
            row_number() OVER (PARTITION BY message_id ORDER BY seq DESC) AS place
        FROM decisions WHERE number = ? AND tenant = ?) x WHERE place = 1 ORDER BY message_id"""
    found = [
        _LastDecision(
            row["message_id"],
            row["kind"],
            Verdict(row["verdict"]),
            row["sender"],
            datetime.fromisoformat(row["at"]),
        )
        for row in ledger.rows(sql, number, tenant)
    ]
    return sorted(found, key=lambda one: one.at)


def _read_consent(
    ledger: Ledger, tenant: str, number: str, status: ConsentStatus | None
) -> dict[str, Any]:
    """The state as it was published, and from the log what that leaves out."""
    if status is None:
        return {}
    flagged = False
    unreadable_ms = 0
    stopped: dict[str, int] = {}
    blocked: dict[str, int] = {}
    sql = """SELECT action, source, sender, applied, was, now, said_ms,
        json_extract(json, '$.flagged') AS flagged FROM consent_log
        WHERE number = ?1 AND tenant = ?2 ORDER BY chain = number, chain, part, off"""
    for row in ledger.rows(sql, number, tenant):
        action, sender, at_ms = row["action"], row["sender"], row["said_ms"]
        if not row["applied"]:
            continue
        if action == ConsentAction.UNREADABLE:
            unreadable_ms = max(at_ms, 1)
        elif action in _SETTLES_UNREADABLE:
            unreadable_ms = 0
        if action == ConsentAction.OPT_OUT:
            if sender and row["source"] == ConsentSource.CARRIER:
                blocked[sender] = at_ms
            elif sender and row["now"] == ConsentState.OPTED_IN:
                stopped[sender] = at_ms
            else:
                flagged = bool(row["flagged"])
        elif action == ConsentAction.OPT_IN and sender:
            stopped.pop(sender, None)
            if row["source"] == ConsentSource.INBOUND:
                blocked.pop(sender, None)
    return {
        "state": status.state,
        "epoch": status.consent_epoch,
        "since_ms": to_ms(status.since),
        "source": status.source,
        "flagged": flagged and status.state is ConsentState.OPTED_OUT,
        "unreadable_ms": unreadable_ms,
        "stopped_senders": stopped or None,
        "blocked_senders": blocked or None,
        "question": _read_question(status),
    }


def _read_question(status: ConsentStatus) -> RevocationQuestion | None:
    asked = status.in_question
    if asked is None:
        return None
    return RevocationQuestion(
        since_ms=to_ms(asked.since),
        opt_out_at=asked.opt_out_at,
        event_id=asked.event_id,
        read_by=asked.read_by,
    )


def _read_senders(sent: Iterable[_LastDecision]) -> dict[str, Any]:
    names = [one.sender for one in sent if one.sender]
    return {"senders": tuple(dict.fromkeys(names)), "sender": names[-1] if names else ""}


def _read_opt_in(
    status: ConsentStatus | None, decisions: Iterable[_LastDecision]
) -> OptInRequests | None:
    """A request that went out and has not made the number pending has failed."""
    asked = [one for one in decisions if one.kind == SystemKind.CONSENT_ASK]
    if not asked:
        return None
    last = _OPT_IN_STATUS.get(asked[-1].verdict, OptInStatus.FAILED)
    if last is OptInStatus.OUT and status is not None and status.state is ConsentState.NONE:
        last = OptInStatus.FAILED
    return OptInRequests(count=len(asked), last=last, issued_at=status.asked_at if status else None)


def _read_times(sent: Iterable[_LastDecision]) -> dict[str, tuple[int, ...]] | None:
    """By kind, when the last texts were ordered; rounded up, as the gate keeps them."""
    times: dict[str, list[int]] = {}
    for one in sent:
        times.setdefault(one.kind, []).append(to_ms(one.at))
    return {kind: tuple(found[-TEXTS_AT_MOST:]) for kind, found in times.items()} or None
