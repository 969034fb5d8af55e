"""What must hold of every story, whatever happened in it.

Nothing here shares code with the product: it reads records as JSON, and believes the provider's
journal and the outside's own moves."""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from tests.simulation.scenario import NEED_NO_YES
from tests.stories.reading import (
    SOON,
    STOPS,
    consent_words,
    is_opted_in,
    last_of_each,
    last_outcomes,
    list_said,
    may_still_agree,
    original_id,
    parse_time,
    read_asked,
    read_kinds,
    when_known,
    yes_words,
)
from tests.stories.stage import AT_NIGHT_NOT, COURT_AT_ONCE, Played
from tests.stories.story import SETTINGS, SHARED

OUT: Final = {
    "accepted",
    "sent",
    "delivered",
    "undelivered",
    "failed",
    "unknown",
    "read",
    "in_doubt",
}
MOVING: Final = {"queued", "sending", "deferred"}
HERE: Final = ZoneInfo("America/Los_Angeles")
"""Of all numbers."""

Promise = Callable[[Played], Iterator[str]]


def find_broken(played: Played) -> list[str]:
    """The promises that this story breaks: name and case of each."""
    return [f"{name}: {case}" for name, promise in PROMISES.items() for case in promise(played)]


# --- the promises


def nothing_is_lost(played: Played) -> Iterator[str]:
    known = {(tenant, original_id(name)) for tenant, name in last_outcomes(played)}
    for key in read_asked(played).keys() - known:
        yield f"{key} has no outcome"


def nothing_goes_twice(played: Played) -> Iterator[str]:
    taken = Counter(
        (one.tenant, original_id(one.message_id)) for one in played.calls if one.is_taken
    )
    for key, times in taken.items():
        if times > 1:
            yield f"{key} was taken {times} times"
    tries = Counter((one.tenant, one.message_id, one.attempt) for one in played.calls)
    for key3, times in tries.items():
        if times > 1:
            yield f"{key3} was called {times} times"


def nothing_goes_after_a_stop(played: Played) -> Iterator[str]:
    """Nor before a yes, for nobody is texted who has not opted in."""
    kinds = read_kinds(played)
    for call in played.calls:
        if kinds.get((call.tenant, call.message_id)) in NEED_NO_YES:
            continue
        words = consent_words(played, call)
        sure = [one for one in words if when_known(played, one.at) < call.at]
        fresh = [one.is_yes for one in words[len(sure) :] if one.at <= call.at]
        if not (is_opted_in(sure) or any(fresh)):
            yield f"{call.message_id} to {call.to} at {call.at}, after {words}"


def no_call_overtakes_its_stop(played: Played) -> Iterator[str]:
    for call in played.overtaken:
        yield f"{call.message_id} attempt {call.attempt}"


def texts_keep_their_time(played: Played) -> Iterator[str]:
    asked = read_asked(played)
    for call in played.calls:
        one = asked.get((call.tenant, original_id(call.message_id)))
        if one is None:
            continue
        if one.get("not_before") and call.at < parse_time(one["not_before"]):
            yield f"{call.message_id} left before its time"
        if one.get("valid_until") and call.at > parse_time(one["valid_until"]) + SOON:
            yield f"{call.message_id} left at {call.at}, after it had expired"


def what_is_taken_back_stays(played: Played) -> Iterator[str]:
    asked = read_asked(played)
    for topic in ("sms.request-cancels", "sms.person-cancels"):
        for at, word in list_said(played, topic):
            name = word.get("message_id") or word.get("request_id")
            number = word.get("number")
            for call in played.calls:
                if (call.tenant, original_id(call.message_id)) != (word["tenant"], name):
                    continue
                wanted = asked[call.tenant, str(name)]
                if number is not None and wanted.get("to") != number:
                    continue
                if call.at > when_known(played, at):
                    yield f"{call.message_id} left at {call.at}, taken back at {at}"


def what_came_before_their_time_counts(played: Played) -> Iterator[str]:
    """To the millisecond: a text that waits for its time heeds what lay on the gate's topics when
    it came."""
    asked = read_asked(played)
    words = [
        (at, one["tenant"], one["number"], None)
        for at, one in list_said(played, "sms.consent-events")
        if one["action"] == "opt_out"
    ] + [
        (at, one["tenant"], one["number"], one["message_id"])
        for at, one in list_said(played, "sms.request-cancels")
    ]
    yes = yes_words(played)
    for call in played.calls:
        one = asked.get((call.tenant, call.message_id), {})
        if not one.get("not_before"):
            continue
        due = parse_time(one["not_before"])
        for at, tenant, number, message_id in words:
            is_about = (tenant, number) == (call.tenant, call.to)
            if not is_about or message_id not in (None, call.message_id) or at >= due:
                continue
            if message_id is None and may_still_agree(played, yes, number, at):
                continue
            yield f"{call.message_id} was due at {due} and left, though at {at} they said no"


def a_new_owner_reads_before_it_decides(played: Played) -> Iterator[str]:
    """What the gate's owner finds on its topics, it knows when it decides, whatever it fetches
    first."""
    opened = defaultdict[int, list[int]](list)
    for one in played.openings:
        if one.processor == "gate":
            opened[one.partition].append(int(one.at.timestamp() * 1000))
    nos = [
        (int(at.timestamp() * 1000), one["tenant"], one["number"], one.get("message_id"))
        for topic in ("sms.consent-events", "sms.request-cancels")
        for at, one in list_said(played, topic)
        if one.get("action") != "opt_in"
    ]
    partitions = {
        (one["tenant"], one["number"]): one["_partition"]
        for topic in ("sms.consent-events", "sms.request-cancels")
        for one in played.records[topic]
    }
    yes = yes_words(played)
    called = {(call.tenant, call.message_id) for call in played.calls}
    for one in played.records["sms.decisions"]:
        if one["verdict"] != "send" or one["kind"] in NEED_NO_YES:
            continue
        if (one["tenant"], one["message_id"]) not in called:
            continue  # let go by a yes, and taken back by what came after that
        mine = opened[partitions.get((one["tenant"], one.get("to")), -1)]
        since = max((at for at in mine if at < one["_at"]), default=0)
        for at, tenant, number, message_id in nos:
            is_about = (tenant, number) == (one["tenant"], one.get("to"))
            if not is_about or message_id not in (None, one["message_id"]) or at >= since:
                continue
            said = datetime.fromtimestamp(at / 1000, UTC)
            if message_id is None and may_still_agree(played, yes, number, said):
                continue
            yield f"{one['message_id']} was let go at {one['_at']}, though {at} came before {since}"


def nothing_waits_for_ever(played: Played) -> Iterator[str]:
    for key, one in last_of_each(played.records["sms.decisions"], "seq").items():
        if (
            one["verdict"] == "hold"
            and one.get("until")
            and parse_time(one["until"]) < played.ended_at
        ):
            yield f"{key} waits until {one['until']}, and that is over"


def texts_go_to_their_number(played: Played) -> Iterator[str]:
    """A text to a person goes to a number that was theirs within the last seconds."""
    wanted = {one["message_id"]: one["person_id"] for one in played.records["sms.person-requests"]}
    theirs: dict[str, list[tuple[datetime, set[str]]]] = defaultdict(list)
    for at, one in list_said(played, "sms.person-events"):
        may = {n["number"] for n in one.get("numbers", ()) if n.get("sms_enabled", True)}
        theirs[one["person_id"]].append((at, may))
    for call in played.calls:
        person_id = wanted.get(original_id(call.message_id))
        if person_id is None:
            continue
        said = [(at, may) for at, may in theirs[person_id] if at <= call.at]
        settled = [may for at, may in said if when_known(played, at) < call.at]
        fresh = [may for at, may in said[len(settled) :]]
        allowed = set().union(*(settled[-1:] + fresh))
        if call.to not in allowed:
            yield f"{call.message_id} went to {call.to} at {call.at}; theirs are {allowed}"


def what_waits_for_approval_waits(played: Played) -> Iterator[str]:
    settings = {played.story.policy} | {
        one.value for one in played.story.moves if one.what == SETTINGS
    }
    if COURT_AT_ONCE in settings:
        return
    asked = read_asked(played)
    for call in played.calls:
        one = asked.get((call.tenant, call.message_id), {})
        if one.get("branch") != "court":
            continue
        seen = hashlib.sha256(str(one["body"]).encode()).hexdigest()
        words = [
            word
            for at, word in list_said(played, "sms.approvals")
            if at <= call.at
            and (word["tenant"], word["message_id"], word["body_sha256"])
            == (call.tenant, call.message_id, seen)
            and word["action"] == "approve"
        ]
        if not words:
            yield f"{call.message_id} left, and nobody had approved it"


def nobody_is_woken(played: Played) -> Iterator[str]:
    if played.story.policy != AT_NIGHT_NOT or any(
        one.what == SETTINGS for one in played.story.moves
    ):
        return
    asked = read_asked(played)
    for call in played.calls:
        one = asked.get((call.tenant, original_id(call.message_id)), {})
        clock = call.at.astimezone(HERE)
        if one.get("kind") in ("reminder", "transactional") and not 8 <= clock.hour < 21:
            yield f"{call.message_id} left at {clock}"


def no_reminder_of_what_is_canceled(played: Played) -> Iterator[str]:
    """A title names its event and the version of it, and stands in the reminder."""
    saved: dict[str, list[tuple[datetime, datetime, str]]] = defaultdict(list)
    over: dict[str, list[tuple[datetime, datetime]]] = defaultdict(list)
    for at, one in list_said(played, "sms.case-events"):
        if one["type"] == "event_saved":
            saved[one["event_id"]].append((parse_time(one["at"]), at, one["title"]))
        elif one["type"] == "event_canceled":
            over[one["event_id"]].append((parse_time(one["at"]), at))
    for call in played.calls:
        if not call.body.startswith("Hearing "):
            continue
        title = call.body.partition(" at ")[0]
        event_id = title.removeprefix("Hearing ").partition("/")[0]
        mine = [said for said, _, name in saved[event_id] if name == title]
        for said, heard in over[event_id]:
            if call.at > when_known(played, heard) and not any(
                late >= said for late, _, _ in saved[event_id]
            ):
                yield f"{call.body!r} left at {call.at}, canceled at {heard}"
        for said, heard, name in saved[event_id]:
            if name != title and said > max(mine) and call.at > when_known(played, heard):
                yield f"{call.body!r} left at {call.at}, but it is {name!r} since {heard}"


def each_reminder_goes_once(played: Played) -> Iterator[str]:
    sent = Counter(
        (one.to, one.body)
        for one in played.calls
        if one.is_taken and one.body.startswith("Hearing ")
    )
    people: dict[str, set[str]] = defaultdict(set)
    for _, one in list_said(played, "sms.person-events"):
        for number in one.get("numbers", ()):
            people[number["number"]].add(one["person_id"])
    for (number, body), times in sent.items():
        if times > len(people[number]):
            yield f"{body!r} went {times} times to {number}"


def the_books_balance(played: Played) -> Iterator[str]:
    lines: dict[tuple[Any, ...], dict[str, Any]] = {}
    names = ("tenant", "branch", "sender", "period", "kind", "state", "error_code")
    for one in played.records["sms.usage-report"]:
        lines[tuple(one.get(name) for name in names)] = one
    reported = Counter[tuple[Any, ...]]()
    for line in lines.values():
        reported[line["tenant"], line["state"], line.get("error_code")] += line["messages"]
    counted = Counter(
        (one["tenant"], one["state"], one.get("error_code"))
        for one in last_outcomes(played).values()
        if not one.get("test_mode")
    )
    if +reported != counted:
        yield f"usage says {dict(+reported - counted)}, outcomes say {dict(counted - reported)}"


def what_was_taken_counts_as_sent(played: Played) -> Iterator[str]:
    last = last_outcomes(played)
    for call in played.calls:
        one = last.get((call.tenant, call.message_id))
        if call.is_taken and (one is None or one["state"] not in OUT):
            yield f"{call.message_id} is {one and one['state']}"
    called = {(one.tenant, one.message_id) for one in played.calls}
    for key, one in last.items():
        if one["state"] in ("delivered", "sent", "read") and key not in called:
            yield f"{key} is {one['state']}, and the provider never heard of it"


def everything_comes_to_rest(played: Played) -> Iterator[str]:
    for key, one in last_outcomes(played).items():
        if one["state"] in MOVING and not _is_paused(played):
            yield f"{key} is still {one['state']}"


def _is_paused(played: Played) -> bool:
    """A pause whose end was cut from the story, or came before it."""
    words = [one["type"] for _, one in list_said(played, "sms.dispatch-controls")]
    return words.count("pause") > 0


def a_stop_is_remembered(played: Played) -> Iterator[str]:
    last: dict[tuple[str, str], dict[str, Any]] = {}
    for one in played.records["sms.consent-status"]:
        last[one["tenant"], one["number"]] = one
    for at, word in list_said(played, "sms.inbound"):
        if word["body"].casefold().strip(".") not in STOPS:
            continue
        later = [
            one
            for when, one in list_said(played, "sms.inbound")
            if one["number"] == word["number"] and when >= at and one != word
        ]
        if later or word["sender"] == SHARED:
            continue
        state = last.get(("acme", word["number"]), {}).get("state")
        if state != "opted_out":
            yield f"{word['number']} said STOP to acme and is {state}"


def nothing_is_set_aside(played: Played) -> Iterator[str]:
    for one in played.records["sms.dead-letters"]:
        if one.get("topic") == "sms.inbound" and "shared sender" in str(one.get("reason")):
            continue  # nobody has texted them from it
        yield f"{one.get('topic')}: {one.get('reason')}"


PROMISES: Final[dict[str, Promise]] = {
    promise.__name__: promise
    for promise in (
        nothing_is_lost,
        nothing_goes_twice,
        nothing_goes_after_a_stop,
        no_call_overtakes_its_stop,
        texts_keep_their_time,
        what_is_taken_back_stays,
        what_came_before_their_time_counts,
        a_new_owner_reads_before_it_decides,
        nothing_waits_for_ever,
        texts_go_to_their_number,
        what_waits_for_approval_waits,
        nobody_is_woken,
        no_reminder_of_what_is_canceled,
        each_reminder_goes_once,
        the_books_balance,
        what_was_taken_counts_as_sent,
        everything_comes_to_rest,
        a_stop_is_remembered,
        nothing_is_set_aside,
    )
}
