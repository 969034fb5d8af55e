"""Put the life of a message in words: what to do now, one line a step, and its error codes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any, Final, NamedTuple

from schemas.numbers import e164, mask_number, mask_text
from schemas.visible_text import ON_ONE_LINE
from services.display_text import format_local, format_utc
from services.ledger import Ledger
from services.ledger.explain import AmbiguousMessage, Explanation, UnknownMessage, explain
from services.ledger.times import parse_time
from services.operations.errors import InvalidRequest
from streams.error_codes import OWNERS, Code, lookup
from streams.error_codes.reference import summarize
from streams.lifecycle import STATE_INFO, State

Data = dict[str, Any]


WAITS_AT_SENDER: Final = frozenset({State.QUEUED, State.DEFERRED})


class Headline(NamedTuple):
    """What to do now, and what we hold true of the message.

    `details` follows the state: the code, the reason, and reports that contradict it."""

    next_step: str
    name: str
    state: str
    details: str

    def __str__(self) -> str:
        return f"Next: {self.next_step}\n{self.name} is {self.state}{self.details}"


class StepLine(NamedTuple):
    """One step of the message.

    `result` is the word that says how it ended; `place` names its record on Kafka."""

    local: str
    utc: str
    what: str
    result: str
    words: str
    place: str

    def __str__(self) -> str:
        what = f"{self.what} {self.result}" if self.result else self.what
        return f"{self.utc}  {what}: {self.words}  {self.place}"


def find_explained(
    ledger: Ledger, message_id: str, tenant: str | None, as_of: datetime | None = None
) -> Explanation:
    """Raises InvalidRequest where it is not on record, or several tenants have such a message."""
    match explain(ledger, message_id, tenant, as_of):
        case UnknownMessage():
            raise InvalidRequest(
                f"No message {message_id!r} is on record"
                + (f" at {tenant}" if tenant else "")
                + (f" as of {as_of:%Y-%m-%d %H:%M:%S} UTC" if as_of else "")
            )
        case AmbiguousMessage(tenants=tenants):
            raise InvalidRequest(
                f"{', '.join(tenants)} each have a message {message_id!r}",
                "say which with --tenant",
            )
        case found:
            return found


def describe(found: Explanation, unmask: bool) -> Headline:
    """Say what to do, what we hold true now, and what its code means."""
    now = found.outcome or _unsent(found.origin)
    details = f" with code {now['error_code']}" if now.get("error_code") else ""
    if because := now.get("error_title") or _deciding_reasons(found):
        details += f": {_mask(because, unmask)}"
    if found.sender_error and now.get("state") in WAITS_AT_SENDER:
        details += f"; its sender rests, for {found.sender_error}"
        details += f" ({lookup(found.sender_error).title})"
    if found.origin is not None:
        details += f"\nMade by {describe_origin(found.origin)}"
        details += _describe_template(found.origin, found.template)
    if beside := now.get("contradictions"):
        details += f"\nReported beside it, which cannot be true too: {', '.join(beside)}"
    return Headline(
        _mask(_next_step(now), unmask),
        f"{found.tenant}/{found.message_id}",
        now.get("state", "not judged yet"),
        details,
    )


def _describe_template(origin: Data, template: Data | None) -> str:
    """A template names fields and nobody's values, so it is shown as it is."""
    words = (template or {}).get("texts", {}).get(origin.get("language"))
    if template is None or words is None:
        return ""
    lines = "".join(f"\n    {line.translate(ON_ONE_LINE)}" for line in words.splitlines())
    return f"\nThe template said then (applied {format_utc(template['at'])}):{lines}"


def _unsent(origin: Data | None) -> Data:
    """What the case says of a text that it never requested."""
    if origin is None or origin.get("message_id") is not None:
        return {}
    says = origin.get("says") or f"nothing: the case has not requested it ({origin['state']})"
    return {"state": origin["state"], "next_step": says, "final": True}


def _next_step(outcome: Data) -> str:
    """What the code or the gate asks for; else that nobody needs to act, and why."""
    if step := outcome.get("next_step"):
        return str(step)
    if not outcome:
        return (
            "look again in a moment;"
            " if it stays so, sayso balance and sayso dlq show what is missing"
        )
    meaning = STATE_INFO.get(State(outcome["state"])) if outcome["state"] in set(State) else None
    words = meaning.description if meaning else "a state that this version does not know"
    return f"nothing, {words}" if outcome["final"] else f"wait: {words}"


def _deciding_reasons(found: Explanation) -> str:
    """The reasons of the findings that decided, unless the gate decided to send."""
    decisions = [event.data for event in found.events if event.what == "decision"]
    last = max(decisions, key=lambda one: int(one.get("seq", 1)), default={})
    return "; ".join(
        one["reason"]
        for one in last.get("findings", ())
        if one["verdict"] == last["verdict"] != "send"
    )


def describe_steps(found: Explanation, unmask: bool) -> Iterator[StepLine]:
    """All steps, oldest first; the line of the usage report comes last.

    Of the recipient's consent only the entries that the gate decided by are shown."""
    decisions = (event.data for event in found.events if event.what == "decision")
    epochs = {decision["consent_epoch"] for decision in decisions}
    consent = (one for one in found.consent if one.data["consent_epoch"] in epochs)
    in_order = sorted((*consent, *found.events), key=lambda event: parse_time(event.at))
    for event in (*in_order, *filter(None, [found.usage])):
        words = "; ".join(filter(None, _WORDS[event.what](event.data, unmask)))
        result = str(event.data.get(_RESULT.get(event.what, ""), ""))
        yield StepLine(
            format_local(event.at, found.zone),
            format_utc(event.at),
            event.what,
            result.translate(ON_ONE_LINE),
            _mask(words, unmask),
            event.place,
        )


def describe_code(code: Code) -> list[tuple[str, str]]:
    """The page of an error code, as pieces of text with their style: bold, green, dim or none."""
    causes = "".join(f"  - {cause}\n" for cause in code.causes)
    steps = "".join(f"  {n}. {step}\n" for n, step in enumerate(code.steps, 1))
    pieces = [
        (f"{code.code}  {code.title}", "bold"),
        (f"\n{code.description}\n", ""),
        (f"\nNext: {code.next_step}\n", "green"),
        (f"\nWho must act: {OWNERS[code.owner]}\n{'; '.join(summarize(code))}\n", "dim"),
        ("\nCommon causes\n", "bold"),
        (causes, ""),
        ("\nWhat to do\n", "bold"),
        (steps, ""),
    ]
    return [*pieces, (f"\nThe provider's page: {code.url}\n", "")] if code.url else pieces


_RESULT: Final = {
    "decision": "verdict",
    "attempt": "state",
    "receipt": "status",
    "outcome": "state",
    "consent": "now",
    "case text": "state",
    "control": "type",
    "approval": "action",
    "approval answer": "verdict",
}
"""The field that says how a step of this kind ended."""


def _request(data: Data, unmask: bool) -> list[str]:
    return _describe_request(data, _number(data["to"], unmask), unmask)


def _person_request(data: Data, unmask: bool) -> list[str]:
    return _describe_request(data, f"person {data['person_id']}", unmask)


def _describe_request(data: Data, recipient: str, unmask: bool) -> list[str]:
    by = f" by {data['requested_by']}" if data.get("requested_by") else ""
    by += f", written by hand by {data['written_by']}" if data.get("written_by") else ""
    by += ", in test mode" if data.get("test_mode") else ""
    body = repr(data["body"]) if unmask else f"{len(data['body'])} characters"
    return [f"{data['kind']} to {recipient}{by}", body]


def _cancel(data: Data, unmask: bool) -> list[str]:
    return [f"by {data['by']}" if data.get("by") else "", data.get("reason", "")]


def _approval(data: Data, unmask: bool) -> list[str]:
    return [f"by {data['by']}"]


def _approval_answer(data: Data, unmask: bool) -> list[str]:
    return [
        "taken" if data["applied"] else "not taken",
        f"to the {data['action']} by {data['by']}",
        f"{data['rule']}: {data['reason']}",
        data.get("next_step", ""),
    ]


def _decision(data: Data, unmask: bool) -> list[str]:
    findings = [
        f"{one['rule']}: {one['reason']}"
        + (f" → {one['next_step']}" if one.get("next_step") else "")
        for one in data.get("findings", ())
    ]
    until = f"until {format_utc(data['until'])}" if data.get("until") else ""
    by = data.get("evidence", {})
    place = f" by {by['topic']}@{by.get('partition')}:{by.get('offset')}" if by.get("topic") else ""
    return [
        *(findings or ["nothing against it"]),
        until,
        f"consent epoch {data['consent_epoch']}{place}",
        f"settings {data['policy_version']}",
    ]


def _order(data: Data, unmask: bool) -> list[str]:
    return [
        f"from {data['sender']}, {data['lane']} priority",
        f"to leave before {format_utc(data['send_before'])}",
    ]


def _control(data: Data, unmask: bool) -> list[str]:
    return [f"to {data['sender']}", data.get("reason", "")]


def _returned(data: Data, unmask: bool) -> list[str]:
    return [data["reason"]]


def _attempt(data: Data, unmask: bool) -> list[str]:
    return [
        f"try {data['attempt']} from {data['sender']}",
        data.get("provider_id") or "",
        _code(data, "code"),
        data.get("evidence") or "",
    ]


def _receipt(data: Data, unmask: bool) -> list[str]:
    return [f"try {data['attempt']}", data["provider_id"], _code(data, "error_code")]


def _outcome(data: Data, unmask: bool) -> list[str]:
    predicted = data.get("segments_predicted")
    billed = data.get("segments_billed")
    differs = billed not in (None, predicted)
    return [
        f"version {data['version']}",
        _code(data, "error_code"),
        f"{predicted} segments predicted, {billed} billed" if differs else "",
        "final" if data["final"] else "not final",
    ]


def _usage(data: Data, unmask: bool) -> list[str]:
    costs = [data, *data.get("other_costs", ())] if data.get("currency") else []
    return [
        f"counted {data['period']} as {data['kind']} {data['state']}",
        f"one of {data['messages']:,} messages, {data['segments']:,} segments",
        " + ".join(f"{one['cost_billed'] / 1e6:,.4f} {one['currency']}" for one in costs),
    ]


def _consent(data: Data, unmask: bool) -> list[str]:
    return [
        f"{data['action']} by {data['source']}",
        data["reason"],
        f"found by {data['read_by']}" if data.get("read_by") else "",
        f"epoch {data['consent_epoch']}",
    ]


def _case_text(data: Data, unmask: bool) -> list[str]:
    return [
        describe_origin(data),
        f"due {format_utc(data['due_at'])}" if data.get("due_at") else "",
        data.get("says") or data.get("reason") or "",
    ]


def describe_origin(data: Data) -> str:
    """Which case, recipe or task, event and its time, template and language made a text."""
    made = f"recipe {data['recipe']}" if data.get("recipe") else ""
    if made and data.get("recipe_version"):
        made += f" (version {data['recipe_version']})"
    if data.get("task_id"):
        made = f"task {data['task_id']}"
    event = f"event {data['event_id']}" if data.get("event_id") else ""
    if event and data.get("event_starts_at"):
        event += f" at {data['event_starts_at']}"
    words = f"template {data['template']}" if data.get("template") else ""
    if words and data.get("template_version"):
        words += f" (version {data['template_version']})"
    if data.get("language"):
        words = f"{words} in {data['language']}".strip()
    parts = (f"case {data['case_id']}", made, event, words, f"for {data['person_id']}")
    return ", ".join(filter(None, parts))


_WORDS: Final[dict[str, Callable[[Data, bool], list[str]]]] = {
    "case text": _case_text,
    "person request": _person_request,
    "person cancel": _cancel,
    "cancel": _cancel,
    "approval": _approval,
    "approval answer": _approval_answer,
    "dismissal": _approval,
    "request": _request,
    "decision": _decision,
    "order": _order,
    "control": _control,
    "returned": _returned,
    "attempt": _attempt,
    "receipt": _receipt,
    "outcome": _outcome,
    "consent": _consent,
    "usage": _usage,
}


def _code(data: Data, field: str) -> str:
    code = data.get(field)
    return f"code {code} ({lookup(code).title})" if code else ""


def _number(written: str, unmask: bool) -> str:
    return written if unmask else mask_number(e164(written))


def _mask(text: str, unmask: bool) -> str:
    return (text if unmask else mask_text(text)).translate(ON_ONE_LINE)
