"""Count what a worker has published.

The metrics come from committed batches: processors know nothing of metrics, and what was rolled
back is not counted.
"""

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
from services.observability.registry import MetricRegistry
from streams.error_codes import all_codes


class MessageMetrics:
    def __init__(self, room: str, metrics: MetricRegistry) -> None:
        self._room = room
        self._metrics = metrics
        self._senders: dict[str, SenderStatus] = {}
        self._counters: dict[type, Callable[[Any, datetime], None]] = {
            Decision: self._decision,
            ConsentChange: self._consent_change,
            Attempt: self._attempt,
            Outcome: self._outcome,
            DeadLetter: self._dead_letter,
            SenderStatus: self._sender_status,
        }

    def count(self, published: Iterable[tuple[Any, Any]], now: datetime) -> None:
        """Call it with each batch that has been committed: (topic, message) of each record."""
        for _, message in published:
            counter = self._counters.get(type(message))
            if counter is not None:
                counter(message, now)

    def _decision(self, decision: Decision, now: datetime) -> None:
        rules = (one.rule for one in decision.findings if one.verdict is decision.verdict)
        rule = next(rules, "none")
        self._metrics.count("sayso_decisions_total", verdict=decision.verdict, rule=rule)
        if decision.kind == SystemKind.CONSENT_ASK and decision.verdict is Verdict.SEND:
            self._metrics.count("sayso_asks_total")

    def _consent_change(self, change: ConsentChange, now: datetime) -> None:
        if not change.applied:
            return
        self._metrics.count(
            "sayso_consent_changes_total", action=change.action, source=change.source
        )
        if change.action == ConsentAction.OPT_OUT and change.source == ConsentSource.INBOUND:
            seconds = max(0.0, (now - change.claimed_at).total_seconds())
            self._metrics.observe("sayso_stop_to_effect_seconds", seconds)

    def _attempt(self, attempt: Attempt, now: datetime) -> None:
        self._metrics.count("sayso_attempts_total", state=attempt.state)
        if attempt.state is AttemptState.ACCEPTED:
            self._metrics.count("sayso_segments_total", attempt.segments or 1)

    def _outcome(self, outcome: Outcome, now: datetime) -> None:
        code = outcome.error_code or ""
        self._metrics.count("sayso_outcomes_total", state=outcome.state, code=code)
        if code and code not in all_codes():
            self._metrics.count("sayso_unknown_codes_total", code=code)

    def _dead_letter(self, letter: DeadLetter, now: datetime) -> None:
        self._metrics.count("sayso_dead_letters_total", room=letter.room, cause=letter.cause)

    def _sender_status(self, status: SenderStatus, now: datetime) -> None:
        """Summed over all senders: a sender may be a phone number, and no label holds one."""
        self._senders[status.sender] = status
        queued: dict[str, int] = {}
        for sender in self._senders.values():
            for depth in sender.queued:
                queued[depth.lane] = queued.get(depth.lane, 0) + depth.segments
        self._metrics.clear("sayso_queue_segments", "sayso_senders_held_up")
        for lane, segments in queued.items():
            self._metrics.set("sayso_queue_segments", segments, lane=lane)
        busy = [sender for sender in self._senders.values() if sender.queued]
        self._metrics.set("sayso_pace_allowed", sum(sender.pace or 0 for sender in busy))
        slowest = max((sender.drain_seconds or 0 for sender in busy), default=0)
        self._metrics.set("sayso_pace_drain_seconds", slowest)
        for state in SenderState:
            if state is not SenderState.RUNNING:
                count = sum(sender.state is state for sender in self._senders.values())
                self._metrics.set("sayso_senders_held_up", count, state=state)
