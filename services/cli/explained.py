"""A message's life in words: one line a step."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from rich.text import Text

from schemas.numbers import e164, mask_number
from services.cli.masking import mask_text
from services.cli.screen import ON_ONE_LINE, clock, coloured, local
from services.ledger.days import moment
from services.ledger.explain import Event, Explained
from streams.lifecycle import MEANINGS, State

Data = dict[str, Any]


def headline(found: Explained, unmask: bool) -> Text:
    """What to do; what we hold true now; what its code means."""
    now = found.outcome or {}
    name = (f"{found.tenant}/{found.message_id}", "bold")
    step = _hidden(_next(now), unmask)
    said = Text.assemble(
        ("Next: ", "bold"), step, "\n", name, " is ", coloured(now.get("state", "not judged yet"))
    )
    if now.get("error_code"):
        said.append(f" with code {now['error_code']}")
    if because := now.get("error_title") or _because(found):
        said.append(f": {_hidden(because, unmask)}")
    if beside := now.get("contradictions"):
        said.append(f"\nReported beside it, which cannot be true too: {', '.join(beside)}")
    return said


def _next(outcome: Data) -> str:
    """What the code or the gate asks for; where nobody need act, that, and why."""
    if said := outcome.get("next_step"):
        return str(said)
    if not outcome:
        return "look again in a moment; if it stays so, sayso balance and sayso dlq show what is astray"
    means = MEANINGS.get(State(outcome["state"])) if outcome["state"] in set(State) else None
    words = means.words if means else "a state that this version does not know"
    return f"nothing, {words}" if outcome["final"] else f"wait: {words}"


def _because(found: Explained) -> str:
    """The finding that decided, where the gate did not say send."""
    decisions = [event.data for event in found.events if event.what == "decision"]
    last = max(decisions, key=lambda one: int(one.get("seq", 1)), default={})
    deciding = [
        one["reason"]
        for one in last.get("findings", ())
        if one["verdict"] == last["verdict"] != "send"
    ]
    return "; ".join(deciding)


def steps(found: Explained, unmask: bool) -> Iterator[tuple[str, str, Text, Text]]:
    """(there, at in UTC, what, in words and where), oldest first; the line of the usage report last.  Of the
    recipient's consent, what the message was judged by: it goes before what came at the same time."""
    judged = [event.data for event in found.events if event.what == "decision"]
    epochs = {decision["consent_epoch"] for decision in judged}
    consent = (one for one in found.consent if one.data["consent_epoch"] in epochs)
    told = sorted((*consent, *found.events), key=lambda event: moment(event.at))
    for event in (*told, *filter(None, [found.usage])):
        words = _hidden("; ".join(filter(None, _WORDS[event.what](event.data, unmask))), unmask)
        where = (event.place, "dim")
        yield (
            local(event.at, found.zone),
            clock(event.at),
            _what(event),
            Text.assemble(words, "  ", where),
        )


def _what(event: Event) -> Text:
    word = str(event.data.get(_VERDICT.get(event.what, ""), ""))
    return Text.assemble(event.what, " " if word else "", coloured(word.translate(ON_ONE_LINE)))


_VERDICT = {
    "decision": "verdict",
    "attempt": "state",
    "receipt": "status",
    "outcome": "state",
    "consent": "now",
    "control": "type",
    "approval": "action",
    "approval answer": "verdict",
}
"""The field that names what happened in a step of this kind."""


def _request(data: Data, unmask: bool) -> list[str]:
    body = repr(data["body"]) if unmask else f"{len(data['body'])} characters"
    by = f" by {data['requested_by']}" if data.get("requested_by") else ""
    return [f"{data['kind']} to {_number(data['to'], unmask)}{by}", body]


def _person_request(data: Data, unmask: bool) -> list[str]:
    body = repr(data["body"]) if unmask else f"{len(data['body'])} characters"
    by = f" by {data['requested_by']}" if data.get("requested_by") else ""
    return [f"{data['kind']} to person {data['person_id']}{by}", body]


def _cancel(data: Data, unmask: bool) -> list[str]:
    return [f"by {data['by']}" if data.get("by") else "", data.get("reason", "")]


def _approval(data: Data, unmask: bool) -> list[str]:
    return [f"by {data['by']}"]


def _approval_answer(data: Data, unmask: bool) -> list[str]:
    to = f"to the {data['action']} by {data['by']}"
    return [
        "taken" if data["applied"] else "not taken",
        to,
        f"{data['rule']}: {data['reason']}",
        data.get("next_step", ""),
    ]


def _decision(data: Data, unmask: bool) -> list[str]:
    found = [
        f"{one['rule']}: {one['reason']}"
        + (f" → {one['next_step']}" if one.get("next_step") else "")
        for one in data.get("findings", ())
    ]
    until = f"until {clock(data['until'])}" if data.get("until") else ""
    by = data.get("evidence", {})
    place = f"{by['topic']}@{by.get('partition')}:{by.get('offset')}" if by.get("topic") else ""
    return [
        *(found or ["nothing against it"]),
        until,
        f"consent epoch {data['consent_epoch']}" + (f" by {place}" if place else ""),
        f"settings {data['policy_version']}",
    ]


def _order(data: Data, unmask: bool) -> list[str]:
    return [
        f"from {data['sender']}, {data['lane']} lane",
        f"to leave before {clock(data['send_before'])}",
    ]


def _control(data: Data, unmask: bool) -> list[str]:
    return [f"to {data['sender']}", data.get("reason", "")]


def _returned(data: Data, unmask: bool) -> list[str]:
    return [data["reason"]]


def _attempt(data: Data, unmask: bool) -> list[str]:
    code = f"code {data['code']}" if data.get("code") else ""
    return [
        f"try {data['attempt']} from {data['sender']}",
        data.get("provider_id") or "",
        code,
        data.get("evidence") or "",
    ]


def _receipt(data: Data, unmask: bool) -> list[str]:
    code = f"code {data['error_code']}" if data.get("error_code") else ""
    return [f"try {data['attempt']}", data["provider_id"], code]


def _outcome(data: Data, unmask: bool) -> list[str]:
    code = f"code {data['error_code']}" if data.get("error_code") else ""
    predicted, billed = data.get("segments_predicted"), data.get("segments_billed")
    differs = (
        f"{predicted} segments predicted, {billed} billed"
        if billed not in (None, predicted)
        else ""
    )
    return [f"version {data['version']}", code, differs, "final" if data["final"] else "not final"]


def _usage(data: Data, unmask: bool) -> list[str]:
    costs = [data, *data.get("other_costs", ())] if data.get("currency") else []
    cost = " + ".join(f"{one['cost_billed'] / 1e6:,.4f} {one['currency']}" for one in costs)
    more = f"one of {data['messages']:,} messages, {data['segments']:,} segments"
    return [f"counted {data['period']} as {data['kind']} {data['state']}", more, cost]


def _consent(data: Data, unmask: bool) -> list[str]:
    return [
        f"{data['action']} by {data['source']}",
        data["reason"],
        f"epoch {data['consent_epoch']}",
    ]


_WORDS: dict[str, Callable[[Data, bool], list[str]]] = {
    "person request": _person_request,
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


def _number(written: str, unmask: bool) -> str:
    return written if unmask else mask_number(e164(written))


def _hidden(text: str, unmask: bool) -> str:
    return (text if unmask else mask_text(text)).translate(ON_ONE_LINE)
