"""What a worker's committed batches say, as counts: metrics come from what was published, so that rooms know nothing
of them and what was rolled back was never counted."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any

from schemas.attempt import Attempt, AttemptState
from schemas.consent import ConsentAction, ConsentChange, ConsentSource
from schemas.dead_letter import DeadLetter
from schemas.decision import Decision, Verdict
from schemas.outcome import Outcome
from schemas.send_request import SystemKind
from schemas.sender import SenderState, SenderStatus
from services.observability.meters import Meters
from streams.error_codes import all_codes


class Told:
    """`tell` is called with each batch that has become durable."""

    def __init__(self, room: str, meters: Meters) -> None:
        self._room, self._meters = room, meters
        self._senders: dict[str, SenderStatus] = {}
        self._of: dict[type, Callable[[Any, datetime], None]] = {
            Decision: self._decision,
            ConsentChange: self._consent,
            Attempt: self._attempt,
            Outcome: self._outcome,
            DeadLetter: self._dead_letter,
            SenderStatus: self._sender,
        }

    def tell(self, told: Iterable[tuple[Any, Any]], now: datetime) -> None:
        for _, message in told:
            count = self._of.get(type(message))
            if count is not None:
                count(message, now)

    def _decision(self, said: Decision, now: datetime) -> None:
        decisive = next(
            (found.rule for found in said.findings if found.verdict is said.verdict), "none"
        )
        self._meters.count("sayso_decisions_total", verdict=said.verdict, rule=decisive)
        if said.kind == SystemKind.CONSENT_ASK and said.verdict is Verdict.SEND:
            self._meters.count("sayso_asks_total")

    def _consent(self, said: ConsentChange, now: datetime) -> None:
        if not said.applied:
            return
        self._meters.count("sayso_consent_changes_total", action=said.action, source=said.source)
        if said.action == ConsentAction.OPT_OUT and said.source == ConsentSource.INBOUND:
            self._meters.observe(
                "sayso_stop_to_effect_seconds", max(0.0, (now - said.claimed_at).total_seconds())
            )

    def _attempt(self, said: Attempt, now: datetime) -> None:
        self._meters.count("sayso_attempts_total", state=said.state)
        if said.state is AttemptState.ACCEPTED:
            self._meters.count("sayso_segments_total", said.segments or 1)

    def _outcome(self, said: Outcome, now: datetime) -> None:
        code = said.error_code or ""
        self._meters.count("sayso_outcomes_total", state=said.state, code=code)
        if code and code not in all_codes():
            self._meters.count("sayso_unknown_codes_total", code=code)

    def _dead_letter(self, said: DeadLetter, now: datetime) -> None:
        self._meters.count("sayso_dead_letters_total", room=said.room, cause=said.cause)

    def _sender(self, said: SenderStatus, now: datetime) -> None:
        """Summed over senders: a sender may be a phone number, and no label holds one."""
        self._senders[said.sender] = said
        queued: dict[str, int] = {}
        for one in self._senders.values():
            for depth in one.queued:
                queued[depth.lane] = queued.get(depth.lane, 0) + depth.segments
        self._meters.clear("sayso_queue_segments", "sayso_senders_held_up")
        for lane, segments in queued.items():
            self._meters.set("sayso_queue_segments", segments, lane=lane)
        busy = [one for one in self._senders.values() if one.queued]
        self._meters.set("sayso_pace_allowed", sum(one.pace or 0 for one in busy))
        self._meters.set(
            "sayso_pace_drain_seconds", max((one.drain_seconds or 0 for one in busy), default=0)
        )
        for state in SenderState:
            if state is not SenderState.RUNNING:
                count = sum(one.state is state for one in self._senders.values())
                self._meters.set("sayso_senders_held_up", count, state=state)
