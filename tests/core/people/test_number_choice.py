"""Which number a text goes to, and what is said where there is none."""

from __future__ import annotations

from typing import Any

import pytest

from schemas.decision import Verdict
from schemas.topics import SEND_REQUESTS
from tests.core.people.cases import (
    HOME,
    MINUTE,
    NEW,
    NOON,
    OLD,
    THIRD,
    decisions,
    mobile,
    person_processor,
    request,
    summarize,
    upsert,
)

home = {"number": HOME, "type": "home"}
off = {"sms_enabled": False}
on = {"sms_enabled": True}

FOUND: list[Any] = [
    pytest.param([mobile(OLD)], {}, (), OLD, id="their mobile"),
    pytest.param([mobile(OLD), mobile(NEW)], {}, (), OLD, id="the first told"),
    pytest.param([mobile(OLD), mobile(NEW, primary=True)], {}, (), NEW, id="the primary one first"),
    pytest.param(
        [mobile(OLD, primary=True) | off, mobile(NEW)],
        {},
        (),
        NEW,
        id="one that is on before a primary off",
    ),
    pytest.param(
        [home | on | {"primary": True}, mobile(OLD)],
        {},
        (),
        OLD,
        id="a mobile before any primary other",
    ),
    pytest.param([mobile("+1 (415) 555-0142")], {}, (), OLD, id="written by a person"),
    pytest.param(
        [mobile(OLD), mobile(NEW)],
        {"to": "+1 628-555-0119"},
        (),
        NEW,
        id="the mobile that is named",
    ),
    pytest.param(
        [mobile(OLD), home | on],
        {"to": HOME},
        ("home",),
        HOME,
        id="another type, named and allowed",
    ),
    pytest.param(
        [mobile(OLD), home | on],
        {"number_type": "home"},
        ("home",),
        HOME,
        id="a type, named and allowed",
    ),
    pytest.param(
        [home | on, mobile(OLD)], {}, ("home",), OLD, id="allowed is not enough: it must be named"
    ),
    pytest.param([mobile(OLD)], {"number_type": "mobile"}, (), OLD, id="mobile, named"),
]

NO, OFF = "no_number", "not_sms_enabled"
HELD: list[Any] = [
    pytest.param([], {}, (), [NO], id="no number"),
    pytest.param([mobile(OLD) | off], {}, (), [OFF], id="switched off"),
    pytest.param([home | on], {}, (), [NO, "no_mobile"], id="no mobile"),
    pytest.param(
        [home | on], {}, ("home",), [NO, "no_mobile"], id="no mobile, and the other is not named"
    ),
    pytest.param(
        [mobile(OLD), home | on],
        {"to": HOME},
        (),
        [OFF, "type_not_allowed"],
        id="named, not allowed",
    ),
    pytest.param(
        [mobile(OLD), home | on],
        {"number_type": "home"},
        ("work",),
        [OFF, "type_not_allowed"],
        id="type",
    ),
    pytest.param(
        [mobile(OLD), home], {"to": HOME}, ("home",), [OFF], id="named and allowed, but off"
    ),
    pytest.param(
        [mobile(OLD)], {"to": THIRD}, (), [NO, "number_not_theirs"], id="named, not theirs"
    ),
    pytest.param(
        [mobile(OLD)],
        {"number_type": "work"},
        ("work",),
        [NO, "no_number_of_type"],
        id="none of the type",
    ),
]


@pytest.mark.parametrize(("numbers", "asked", "types", "number"), FOUND)
def test_which_number_is_chosen(
    numbers: list[dict[str, Any]], asked: dict[str, Any], types: tuple[str, ...], number: str
) -> None:
    processor = person_processor(number_types=types)
    processor.feed(upsert(*numbers))
    assert summarize(processor.publish_from(request(**asked))) == [("asked", "m1", number)]


@pytest.mark.parametrize(("numbers", "asked", "types", "rules"), HELD)
def test_why_a_request_waits(
    numbers: list[Any], asked: dict[str, Any], types: tuple[str, ...], rules: list[str]
) -> None:
    processor = person_processor(number_types=types)
    processor.feed(upsert(*numbers))
    assert summarize(processor.publish_from(request(**asked))) == [
        ("decided", "m1", "hold", *rules)
    ]


def test_a_request_for_an_unknown_person_waits() -> None:
    assert summarize(person_processor().publish_from(request())) == [
        ("decided", "m1", "hold", "no_number", "unknown_person")
    ]


@pytest.mark.parametrize(
    ("numbers", "reason", "next_step"),
    [
        pytest.param([], "No phone number on file", "add a mobile number", id="no number"),
        pytest.param(
            [mobile(OLD) | off], "The number isn't enabled for SMS", "turn on SMS for it", id="off"
        ),
    ],
)
def test_the_reasons_in_words(numbers: list[dict[str, Any]], reason: str, next_step: str) -> None:
    processor = person_processor()
    processor.feed(upsert(*numbers))
    processor.feed(request())
    first = decisions(processor)[0].findings[0]
    assert (first.reason, first.next_step, first.verdict) == (reason, next_step, Verdict.HOLD)


def test_the_send_request_has_all_of_the_request() -> None:
    processor = person_processor()
    processor.feed(upsert(mobile(OLD), time_zone="America/Denver", postal_region="CO"))
    said = {
        "branch": "south",
        "sender": "24273",
        "case_id": "c",
        "event_id": "e",
        "time_zone": "America/Chicago",
        "not_before": NOON + MINUTE,
        "valid_until": NOON + 2 * MINUTE,
        "resend_of": "m0",
        "requested_by": "jo",
    }
    processor.feed(request(**said))
    asked = processor.published_on(SEND_REQUESTS)[0]
    assert {name: getattr(asked, name) for name in said} == said
    assert (asked.person_id, asked.body, asked.kind, asked.requested_at) == (
        "p1",
        "Your documents are ready.",
        "reminder",
        NOON - MINUTE,
    )
    assert (asked.postal_region, asked.resolved.received_at, asked.resolved.decided) == (
        "CO",
        NOON,
        0,
    )


def test_a_waiting_text_is_counted_as_it_would_be_sent() -> None:
    processor = person_processor(smart_encoding=True)
    processor.feed(request(body="“Tomorrow at 5…”" + " and" * 20))
    assert decisions(processor)[0].segments == 1


def test_a_decision_has_all_that_the_gates_would_have() -> None:
    processor = person_processor()
    processor.feed(request(branch="south", case_id="c", requested_by="jo"))
    decision = decisions(processor)[0]
    assert (decision.tenant, decision.branch, decision.person_id, decision.case_id) == (
        "acme",
        "south",
        "p1",
        "c",
    )
    assert (decision.requested_by, decision.segments, decision.seq) == ("jo", 1, 1)
    assert decision.evidence.topic == "sms.person-requests"
    assert decision.policy_version == processor.settings.versions["acme"]
