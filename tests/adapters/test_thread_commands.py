"""`sayso inbox` and `sayso thread`: who waits for an answer, everything in one order, and what
staff did."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from schemas.consent import ConsentChange
from schemas.inbound import Reply
from schemas.person import NumberFact
from schemas.thread import MailRequest, Thread
from schemas.topics import (
    CONSENT_LOG,
    MAIL_REQUESTS,
    NUMBER_FACTS,
    REPLIES,
    THREAD_EVENTS,
    THREADS,
)
from services.cli.app import run
from tests.adapters.case_ledger import LUIS, MARIA, NOW, Office, open_office
from tests.adapters.ledger_messages import make_decision, make_outcome, make_request

MINUTE = timedelta(minutes=1)


class Talk:
    """Minutes are counted back from now."""

    def __init__(self, office: Office) -> None:
        self.office = office

    def wrote(self, inbound_id: str, body: str, ago: int, number: str = MARIA, **more: Any) -> None:
        known = {
            "tenant": "harbor",
            "number": number,
            "sender": "72975",
            "provider_id": inbound_id,
            "body": body,
            "received_at": NOW - ago * MINUTE,
            "evidence": {"topic": "sms.inbound", "partition": 1, "offset": 42},
        }
        self.office.add(REPLIES, Reply.model_validate(known | more))

    def stands(self, last: str | None, ago: int | None, number: str = MARIA, **more: Any) -> None:
        known: dict[str, Any] = {
            "tenant": "harbor",
            "number": number,
            "waiting_since": None if ago is None else NOW - ago * MINUTE,
            "waiting_texts": 0 if ago is None else 1,
            "cases": ["8841"],
            "person_ids": ["maria"],
            "version": 1,
            "at": NOW,
        }
        if last is not None:
            known["last_inbound"] = {
                "inbound_id": last,
                "case_id": "8841",
                "use": "waits",
                "at": NOW - (ago or 0) * MINUTE,
            }
        self.office.add(THREADS, Thread.model_validate(known | more))

    def texted(self, message_id: str, ago: int, state: str = "delivered", **more: Any) -> None:
        at = NOW - ago * MINUTE
        of = {"tenant": "harbor", "to": MARIA, "kind": "direct"} | more
        body = of.pop("body", "Hello")
        self.office.add(*make_request(message_id, at, body=body, **of))
        self.office.add(*make_decision(message_id, at, **of))
        of.pop("written_by", None)
        self.office.add(*make_outcome(message_id, state, at, **of))


def furnish(office: Office) -> Talk:
    office.settle()
    office.meet("maria", "Maria Rivera", MARIA)
    office.meet("luis", "Luis Rivera", LUIS, "+14155550112")
    office.case()
    return Talk(office)


@pytest.fixture
def talk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Talk]:
    office = open_office(tmp_path, monkeypatch)
    yield furnish(office)
    office.store.close()


@pytest.fixture(scope="module")
def one_talk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Talk]:
    """Maria asked which room, and waits.  Nothing is added to it."""
    with pytest.MonkeyPatch.context() as patch:
        made = furnish(open_office(tmp_path_factory.mktemp("talk"), patch))
        made.wrote("SM0", "START", 80)
        made.wrote("SM1", "leave my wife alone", 50)
        made.stands("SM1", 50)
        yield made
        made.office.store.close()


@pytest.fixture
def waits(one_talk: Talk) -> Talk:
    one_talk.office.published.clear()
    return one_talk


def printed(capsys: pytest.CaptureFixture[str], *command: str) -> Any:
    capsys.readouterr()
    assert run([*command, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_the_inbox_has_who_waits_longest_first(
    talk: Talk, capsys: pytest.CaptureFixture[str]
) -> None:
    talk.wrote("SM1", "Which room?", 5)
    talk.wrote("SM2", "Please call", 50, LUIS)
    talk.stands("SM1", 5)
    talk.stands("SM2", 50, LUIS, person_ids=["luis"], assigned_to="sam")
    talk.stands("SM3", None, "+14155550199")
    found = printed(capsys, "inbox")
    assert [(one["names"], one["text"]) for one in found] == [
        (["Luis Rivera"], "Please call"),
        (["Maria Rivera"], "Which room?"),
    ]
    assert all("•" in one["number"] for one in found)
    assert [one["names"] for one in printed(capsys, "inbox", "--assigned", "sam")] == [
        ["Luis Rivera"]
    ]
    assert printed(capsys, "inbox", "--unassigned") == []
    assert run(["inbox", "--unmask"]) == 0
    shown = capsys.readouterr().out
    assert MARIA in shown
    assert "Which room?" in shown


def test_a_later_version_of_a_thread_holds(talk: Talk, capsys: pytest.CaptureFixture[str]) -> None:
    talk.stands(None, None, version=3)
    talk.stands("SM1", 5, version=2)
    assert printed(capsys, "inbox") == []
    assert run(["inbox"]) == 0
    assert "Nobody waits" in capsys.readouterr().out


def fill(talk: Talk) -> None:
    fact = {"tenant": "harbor", "number": MARIA, "person_id": "maria", "sms_enabled": True}
    for ago in (99, 98):
        talk.office.add(NUMBER_FACTS, NumberFact.model_validate(fact | {"at": NOW - ago * MINUTE}))
    talk.texted("ask-1", 90, kind="consent_ask", body="Reply START")
    talk.wrote("SM0", "START", 80)
    change = {
        "tenant": "harbor",
        "number": MARIA,
        "event_id": "e1",
        "action": "opt_in",
        "source": "inbound",
        "was": "pending",
        "now": "opted_in",
        "applied": True,
        "reason": "x",
        "consent_epoch": 2,
        "claimed_at": NOW,
        "at": NOW - 79 * MINUTE,
    }
    talk.office.add(CONSENT_LOG, ConsentChange.model_validate(change))
    again = change | {"was": "opted_in", "event_id": "e2", "at": NOW - 78 * MINUTE}
    talk.office.add(CONSENT_LOG, ConsentChange.model_validate(again))
    talk.texted("m1", 60, "undelivered", case_id="8841", written_by="dana", body="Room 5.")
    talk.wrote("SM1", "Which room? +1 212 555 0199", 50, media=("https://x.example/1",))
    talk.wrote("SM1", "Which room? +1 212 555 0199", 50)
    mail = {
        "tenant": "harbor",
        "mail_id": "mail-1",
        "to": "a@b.example",
        "reason": "reply",
        "number": MARIA,
        "inbound_id": "SM1",
        "at": NOW - 49 * MINUTE,
    }
    talk.office.add(MAIL_REQUESTS, MailRequest.model_validate(mail))
    note = {"tenant": "harbor", "number": MARIA, "by": "sam", "at": (NOW - 40 * MINUTE).isoformat()}
    for more in (
        {"type": "note_added", "change_id": "n1", "text": "Prefers calls."},
        {"type": "note_added", "change_id": "n1", "text": "Prefers calls."},
        {"type": "snoozed"},
    ):
        talk.office.add(THREAD_EVENTS, note | more)
    talk.stands("SM1", 50)


def test_a_text_that_was_moved_to_a_case_is_filed_with_it(
    talk: Talk, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nobody in the case has the number; still the text does not belong to "no case"."""
    talk.wrote("SM1", "Hi", 5)
    talk.stands("SM1", 5, cases=[], person_ids=[])
    assert run(["thread", MARIA]) == 0
    assert "filed with case 8841; waiting" in capsys.readouterr().out


def test_everything_stands_in_one_order(talk: Talk, capsys: pytest.CaptureFixture[str]) -> None:
    fill(talk)
    (found,) = printed(capsys, "thread", MARIA)
    assert found["time_zone"] == "America/New_York"
    assert [(one["entry"], one["who"], one["id"]) for one in found["entries"]] == [
        ("number", "number", ""),
        ("out", "us", "ask-1"),
        ("in", "them", "SM0"),
        ("consent", "consent", ""),
        ("out", "dana", "m1"),
        ("in", "them", "SM1"),
        ("mail", "mail", ""),
        ("note", "sam", ""),
        ("note", "sam", ""),
    ]
    by_id = {one["id"]: one for one in found["entries"]}
    assert by_id["m1"]["state"] == "undelivered"
    assert by_id["m1"]["says"] == "Room 5. [case 8841]"
    assert (by_id["ask-1"]["kind"], by_id["m1"]["case_id"]) == ("consent_ask", "8841")
    assert by_id["SM1"]["media"] == ["https://x.example/1"]
    assert "212 555" not in json.dumps(found)
    assert run(["thread", "maria"]) == 0
    shown = capsys.readouterr().out
    assert "waiting for an answer for" in shown
    assert "note: Prefers calls." in shown
    assert MARIA not in shown


ACTIONS = [
    (
        ["note", "Prefers calls."],
        {"type": "note_added", "text": "Prefers calls.", "case_id": "8841"},
    ),
    (["answered", "Called her."], {"type": "answered", "note": "Called her.", "inbound_id": "SM1"}),
    (["answered"], {"type": "answered", "note": ""}),
    (["no-answer-needed"], {"type": "no_answer_needed", "inbound_id": "SM1"}),
    (["assign", "sam"], {"type": "assigned", "to": "sam"}),
    (["assign", "nobody"], {"type": "assigned"}),
    (["move", "SM1", "8841"], {"type": "moved_to_case", "inbound_id": "SM1", "case_id": "8841"}),
    (["move", "SM1", "none"], {"type": "moved_to_case", "inbound_id": "SM1"}),
]


@pytest.mark.parametrize(
    ("words", "says"), [pytest.param(*one, id=" ".join(one[0])) for one in ACTIONS]
)
def test_what_staff_did_is_recorded(words: list[str], says: dict[str, Any], waits: Talk) -> None:
    assert run(["thread", "maria", *words, "--by", "dana"]) == 0
    (event,) = waits.office.sent
    assert (event["number"], event["by"]) == (MARIA, "dana")
    got = {name: event.get(name) for name in ("type", "text", "note", "to", "case_id")}
    assert {name: got.get(name, event.get(name)) for name in says} == says
    assert ("to" in event) == ("to" in says)
    assert ("case_id" in event) == ("case_id" in says)


def test_they_want_no_more_texts(waits: Talk) -> None:
    """An opt-out by staff, with their own text and its place on Kafka as evidence."""
    for _ in range(2):
        assert run(["thread", MARIA, "no-more-texts", "SM1", "--by", "dana"]) == 0
    first, again = waits.office.sent
    assert [topic for topic, _ in waits.office.published] == ["sms.consent-events"] * 2
    assert (first["action"], first["source"]) == ("opt_out", "manual")
    assert first["evidence"] == {
        "topic": "sms.inbound",
        "partition": 1,
        "offset": 42,
        "text": "leave my wife alone",
        "actor": "dana",
        "origin": "sms.inbound/1@42",
    }
    assert first["event_id"] == again["event_id"]


REFUSED = [
    (["+14155550190"], "Nothing is on record of that number"),
    (["mria"], "Nobody is on record as 'mria': did you mean 'maria'?"),
    (["luis"], "There is no conversation with 'luis'"),
    (["maria", "asing", "sam"], "There is no action 'asing': did you mean 'assign'"),
    (["maria", "assign"], "sayso thread NUMBER assign WHO"),
    (["maria", "note", "a", "b"], 'sayso thread NUMBER note "TEXT"'),
    (["maria", "note", " "], "The note is empty"),
    (["maria", "move", "SM9", "8841"], "no inbound text 'SM9' in this conversation"),
    (["maria", "move", "SM1", "8842"], "There is no case '8842' at harbor: did you mean '8841'?"),
    (["maria", "no-more-texts", "SM9"], "did you mean 'SM1' or 'SM0'?"),
]


@pytest.mark.parametrize(
    ("words", "says"), [pytest.param(*one, id=" ".join(one[0])) for one in REFUSED]
)
def test_what_nobody_knows_is_refused(
    words: list[str], says: str, waits: Talk, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["thread", *words]) == 2
    said = [line for line in capsys.readouterr().err.splitlines() if "No broker" not in line]
    assert len(said) == 1
    assert says in said[0]
    assert waits.office.published == []


def test_a_person_with_two_conversations_is_asked_which(
    talk: Talk, capsys: pytest.CaptureFixture[str]
) -> None:
    """Unless one of them waits."""
    other = "+14155550112"
    talk.wrote("SM1", "Hi", 50, LUIS)
    talk.wrote("SM2", "Hi", 50, other)
    assert len(printed(capsys, "thread", "luis")) == 2
    assert run(["thread", "luis", "assign", "sam"]) == 2
    talk.stands("SM2", 50, other)
    assert run(["thread", "luis", "assign", "sam"]) == 0
    assert talk.office.sent[0]["number"] == other


def test_a_persons_former_number_keeps_its_conversation(
    talk: Talk, capsys: pytest.CaptureFixture[str]
) -> None:
    former = "+14155550188"
    fact = {"tenant": "harbor", "number": former, "person_id": "luis", "at": NOW}
    talk.office.add(NUMBER_FACTS, NumberFact.model_validate(fact | {"sms_enabled": True}))
    talk.office.add(NUMBER_FACTS, NumberFact.model_validate(fact | {"left": True}))
    talk.wrote("SM1", "Hi", 50, former)
    talk.wrote("SM2", "It is me, Luis", 40, LUIS)
    now, before = printed(capsys, "thread", "luis")
    assert [one["id"] for one in now["entries"]] == ["SM2"]
    assert [one["says"] for one in before["entries"]] == [
        "Hi",
        "a number of luis, on for texts",
        "no longer the number of luis",
    ]
