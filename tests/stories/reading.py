"""What the promises read: records as JSON, and what was said, when, and by when it was known."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, Final, NamedTuple

from tests.stories.stage import Called, Played
from tests.stories.story import JUMP, OUTAGE, SHARED

SOON: Final = timedelta(seconds=5)
"""Within this time a word has reached everybody who works on it.  In a story, virtual time passes
only by milliseconds while anybody has something to do."""
STOPS: Final = {"stop", "unsubscribe"}
MOVED: Final = ":moved-"
APPENDED: Final = ("_at", "_partition")
"""What the onlooker adds to a record."""


def parse_time(said: Any) -> datetime:
    return datetime.fromisoformat(str(said))


def original_id(message_id: str) -> str:
    return message_id.partition(MOVED)[0]


def last_outcomes(played: Played) -> dict[tuple[str, str], dict[str, Any]]:
    return last_of_each(played.records["sms.outcomes"], "version")


def last_of_each(
    records: list[dict[str, Any]], counter: str
) -> dict[tuple[str, str], dict[str, Any]]:
    """By message, the record with the highest `counter`; it is left out where it is the first."""
    last: dict[tuple[str, str], dict[str, Any]] = {}
    for one in records:
        key = one["tenant"], one["message_id"]
        if key not in last or one.get(counter, 0) > last[key].get(counter, 0):
            last[key] = one
    return last


def read_kinds(played: Played) -> dict[tuple[str, str], str]:
    return {
        (one["tenant"], one["message_id"]): one["kind"] for one in played.records["sms.decisions"]
    }


def read_asked(played: Played) -> dict[tuple[str, str], dict[str, Any]]:
    """Requests by producers and by staff, to a number or to a person; the first word holds."""
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for topic in ("sms.send-requests", "sms.person-requests"):
        for one in played.records[topic]:
            found.setdefault((one["tenant"], original_id(one["message_id"])), one)
    return found


def list_said(played: Played, topic: str) -> list[tuple[datetime, dict[str, Any]]]:
    """The outside's own words, by when each was on Kafka for the first time."""
    first: dict[str, tuple[datetime, dict[str, Any]]] = {}
    for one in played.records[topic]:
        said = {name: value for name, value in one.items() if name not in APPENDED}
        word = json.dumps(said, sort_keys=True)
        if word in played.outside:
            at = datetime.fromtimestamp(one["_at"] / 1000, UTC)
            first.setdefault(word, (at, said))
    return sorted(first.values(), key=lambda pair: pair[0])


def when_known(played: Played, at: datetime) -> datetime:
    """When a word that was on Kafka at `at` has reached everybody, who may have been away or have
    slept."""
    for begins, ends in sorted(_absences(played)):
        if begins <= at + SOON:
            at = max(at, ends)
    return at + SOON


def _absences(played: Played) -> Iterator[tuple[datetime, datetime]]:
    """The machine sleeps once after the other."""
    awake = played.story.moves[0].at
    for one in played.story.moves:
        if one.what == OUTAGE:
            yield one.at, one.at + timedelta(seconds=one.value[1])
        elif one.what == JUMP:
            begins, awake = one.at, max(one.at, awake) + timedelta(seconds=one.value)
            yield begins, awake


class Word(NamedTuple):
    at: datetime
    is_yes: bool
    is_own: bool
    """The person wrote it; nobody entered it for them."""


def is_opted_in(words: list[Word]) -> bool:
    """After a no, only the person's own yes counts."""
    may = is_out = False
    for one in words:
        if one.is_own or not (one.is_yes and is_out):
            may, is_out = one.is_yes, not one.is_yes
    return may


def consent_words(played: Played, call: Called) -> list[Word]:
    """What was said of texts from this tenant to this number, in order."""
    found: list[Word] = []
    for at, one in list_said(played, "sms.consent-events"):
        if (one["tenant"], one["number"]) == (call.tenant, call.to):
            found.append(Word(at, one["action"] == "opt_in", is_own=False))
    for at, one in list_said(played, "sms.inbound"):
        word = one["body"].casefold().strip(".")
        if one["number"] != call.to:
            continue
        if word in STOPS and call.tenant in _heard_by(played, one["sender"], call.to, at):
            found.append(Word(at, is_yes=False, is_own=True))
        elif word in ("start", "yes") and call.tenant in _may_be_answered(
            played, one["sender"], call.to, at
        ):
            found.append(Word(at, is_yes=True, is_own=True))
    return sorted(found, key=lambda one: one.at)


def _heard_by(played: Played, sender: str, number: str, at: datetime) -> set[str]:
    """Who is meant by a text to this sender: its owner, or who has texted them from it."""
    if sender != SHARED:
        return {"acme"}
    return {
        one.tenant
        for one in played.calls
        if (one.sender, one.to) == (sender, number) and one.at + SOON < at
    }


def _may_be_answered(played: Played, sender: str, number: str, at: datetime) -> set[str]:
    """Whom a yes to this sender may be for: its owner, or whose text had reached the provider from
    it.  What is in doubt may have."""
    if sender != SHARED:
        return {"acme"}
    taken = {
        one.tenant
        for one in played.calls
        if (one.sender, one.to) == (sender, number) and one.is_taken and one.at <= at + SOON
    }
    return taken | _in_doubt(played, sender, number, at)


def _in_doubt(played: Played, sender: str, number: str, at: datetime) -> set[str]:
    until = (at + SOON).timestamp() * 1000
    known = [one for one in played.records["sms.outcomes"] if one["_at"] <= until]
    return {
        one["tenant"]
        for one in last_of_each(known, "version").values()
        if (one.get("sender"), one.get("to")) == (sender, number)
        and one["state"] in ("in_doubt", "unknown")
    }


def yes_words(played: Played) -> list[tuple[datetime, str]]:
    """With the number; any text of theirs may be one."""
    return [
        (at, one["number"])
        for topic in ("sms.consent-events", "sms.inbound")
        for at, one in list_said(played, topic)
        if one.get("action") != "opt_out"
    ]


def may_still_agree(
    played: Played, yes: list[tuple[datetime, str]], number: str, since: datetime
) -> bool:
    return any(who == number and when_known(played, at) >= since for at, who in yes)
