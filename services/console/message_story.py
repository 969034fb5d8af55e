"""The life of one message as a picture: steps on a time line, and where the time went.

Wordings are for staff; each step also has the record behind it. A sentence stands here with the
names of what is put in (`%(who)s`), and is translated where it is drawn.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final, NamedTuple

from schemas.send_request import CancelSource
from services.console.message_phases import Phase, find_phases
from services.ledger.explain import Event, Explanation
from services.ledger.times import parse_time
from streams.error_codes import lookup

Data = dict[str, Any]


class Said(NamedTuple):
    """A sentence, what is put into it, and the mark beside it (of `badge` in macros.html)."""

    words: str
    values: Mapping[str, Any] = {}
    mark: str = "info"
    more: tuple[str, ...] = ()
    """Further lines, which others have written: reasons, next steps."""
    until: datetime | None = None


class Step(NamedTuple):
    at: datetime
    said: Said
    event: Event

    @property
    def record(self) -> str:
        """As it stands on Kafka."""
        return json.dumps(self.event.data, indent=2, ensure_ascii=False)


class Story(NamedTuple):
    steps: tuple[Step, ...]
    phases: tuple[Phase, ...]
    records: tuple[Event, ...]
    """All, also those that are no step."""


def tell_story(found: Explanation, now: datetime) -> Story:
    decisions = [event.data for event in found.events if event.what == "decision"]
    epochs = {one["consent_epoch"] for one in decisions}
    consent = [one for one in found.consent if one.data["consent_epoch"] in epochs]
    records = tuple(sorted((*consent, *found.events), key=lambda event: parse_time(event.at)))
    steps = tuple(
        Step(parse_time(event.at), said, event) for event in records if (said := _say(event))
    )
    is_over = bool(found.outcome and found.outcome["final"])
    phases = find_phases((step.event for step in steps), now, is_over)
    return Story(steps, phases, (*records, *filter(None, [found.usage])))


# What each record says.


def _say(event: Event) -> Said | None:
    tell = _TELL.get(event.what)
    return tell(event.data) if tell else None


def _request(data: Data) -> Said:
    by = data.get("written_by") or data.get("requested_by")
    if data.get("resend_of"):
        again = Said("Sent again, for %(before)s", {"before": data["resend_of"]})
        return again if not by else Said("%(who)s sent it again", {"who": by})
    if data.get("resolved"):
        return Said("The person's number was chosen: %(number)s", {"number": data["to"]})
    return Said("%(who)s asked for it", {"who": by}) if by else Said("Somebody asked for it")


def _decision(data: Data) -> Said:
    verdict = data["verdict"]
    findings = [one for one in data.get("findings", ()) if one["verdict"] == verdict]
    first = findings[0] if findings else {"reason": "", "next_step": ""}
    more = tuple(_with_step(one) for one in findings[1:])
    step = first.get("next_step") or ""
    until = parse_time(data["until"]) if data.get("until") else None
    reason = {"why": first["reason"]}
    if verdict == "send":
        warnings = tuple(one["reason"] for one in findings if one.get("rule") != "ready")
        return Said("It may go: no rule is against it", {}, "good", warnings)
    if verdict == "hold":
        return Said("%(why)s", reason, "wait", (step, *more), until)
    if verdict == "cancel":
        return Said("Taken back: %(why)s", reason, "off", (step, *more))
    if verdict == "expire":
        return Said("Too late: %(why)s", reason, "bad", (step, *more))
    return Said("Not sent: %(why)s", reason, "bad", (step, *more))


def _with_step(finding: Data) -> str:
    return ": ".join(filter(None, (finding["reason"], finding.get("next_step"))))


_APPROVALS: Final = {
    "approve": "%(who)s approved it",
    "reject": "%(who)s rejected it",
    "send_now": "%(who)s had it looked at again",
}


def _approval(data: Data) -> Said:
    return Said(_APPROVALS.get(data["action"], "%(who)s decided"), {"who": data["by"]}, "info")


def _approval_answer(data: Data) -> Said | None:
    if data["applied"]:
        return None  # the decision after it says the same
    return Said("That changed nothing: %(why)s", {"why": data["reason"]}, "warn")


def _order(data: Data) -> Said:
    return Said("Handed to the sender %(sender)s", {"sender": data["sender"]})


def _returned(data: Data) -> Said:
    title = lookup(data["reason"]).title
    return Said("The sender gave it back: %(why)s", {"why": title}, "warn")


_TAKEN_BACK: Final[Mapping[str, str]] = {
    CancelSource.PEOPLE: "The person has another number now, and the text goes there",
    CancelSource.CASES: "The case took it back",
    CancelSource.OUTCOMES: "An earlier try went out after all, so this one was taken back",
    "": "It was taken back",
}


def _cancel(data: Data) -> Said:
    by = data.get("by") or ""
    if by in _TAKEN_BACK:
        return Said(_TAKEN_BACK[by], {}, "off", (data.get("reason") or "",))
    return Said("%(who)s took it back", {"who": by}, "off", (data.get("reason") or "",))


_ATTEMPTS: Final[Mapping[str, tuple[str, str]]] = {
    "queued": ("In line at the sender", "wait"),
    "sending": ("Being handed to the provider, try %(attempt)s", "info"),
    "accepted": ("The provider took it", "good"),
    "refused": ("The provider refused it: %(title)s", "bad"),
    "deferred": ("Not taken this time, and tried again: %(title)s", "wait"),
    "in_doubt": ("The call was cut off: it may have gone out", "warn"),
    "canceled": ("Taken back at the sender", "off"),
    "expired": ("It could not leave in time, and goes back to be looked at again", "warn"),
    "given_up": ("Nobody could find out whether it went out", "warn"),
}


def _attempt(data: Data) -> Said:
    words, mark = _ATTEMPTS.get(data["state"], ("Try %(attempt)s: %(state)s", "info"))
    return _with_code(data | {"code": data.get("code")}, words, mark, "code")


_RECEIPTS: Final[Mapping[str, tuple[str, str]]] = {
    "accepted": ("The provider has it", "info"),
    "scheduled": ("The provider has it", "info"),
    "queued": ("The provider has it", "info"),
    "sending": ("The provider is sending it", "info"),
    "sent": ("The carrier has it", "info"),
    "delivered": ("It arrived", "good"),
    "read": ("It was opened", "good"),
    "undelivered": ("It did not arrive: %(title)s", "bad"),
    "partially_delivered": ("Only a part arrived: %(title)s", "bad"),
    "failed": ("It could not be sent: %(title)s", "bad"),
    "canceled": ("The provider did not send it", "off"),
}


def _receipt(data: Data) -> Said:
    words, mark = _RECEIPTS.get(data["status"], ("The provider says: %(status)s", "info"))
    return _with_code(data, words, mark, "error_code")


def _with_code(data: Data, words: str, mark: str, field: str) -> Said:
    code = data.get(field)
    known = lookup(code) if code else None
    title = f"{known.title} ({code})" if known else ""
    return Said(words, {**data, "title": title}, mark, (known.next_step,) if known else ())


def _dismissal(data: Data) -> Said:
    return Said("%(who)s took it off the list", {"who": data["by"]}, "off")


_CONSENTS: Final = {
    "opt_in": ("They said yes to texts", "good"),
    "opt_out": ("They said no to texts", "bad"),
    "ask": ("They were asked to opt in", "info"),
    "maybe_revoked": ("What they wrote may be a no", "warn"),
    "go_on": ("Staff have read it, and it was no no", "info"),
}


def _consent(data: Data) -> Said:
    words, mark = _CONSENTS.get(data["action"], ("Their consent: %(action)s", "info"))
    applied = () if data.get("applied", True) else (data.get("reason") or "",)
    return Said(words, data, mark, applied)


def _case_text(data: Data) -> Said:
    if data.get("task_id"):
        return Said("The case planned it, by its task %(task_id)s", data)
    if data.get("recipe"):
        return Said("The case planned it, by its reminder %(recipe)s", data)
    return Said("The case planned it", data)


def _outcome(data: Data) -> Said | None:
    if data["state"] == "unknown":
        return Said("No word about it came for 72 hours", {}, "warn")
    return None


_TELL: Final[Mapping[str, Callable[[Data], Said | None]]] = {
    "case text": _case_text,
    "person request": _request,
    "request": _request,
    "person cancel": _cancel,
    "cancel": _cancel,
    "approval": _approval,
    "approval answer": _approval_answer,
    "decision": _decision,
    "order": _order,
    "returned": _returned,
    "attempt": _attempt,
    "receipt": _receipt,
    "outcome": _outcome,
    "dismissal": _dismissal,
    "consent": _consent,
}
"""Controls say what the records around them say."""
