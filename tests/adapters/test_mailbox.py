"""Mailboxes over a ledger: what is in which, by which filter, how it is shown; and what may be
asked for again."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pyarrow import parquet

from schemas.decision import Decision
from schemas.outcome import Outcome
from schemas.person import NumberType, Person, PersonNumber, PersonRequest
from schemas.send_request import Dismissal, SendRequest
from schemas.tenant_settings import TenantSettings
from schemas.topics import (
    DECISIONS,
    DISMISSALS,
    OUTCOMES,
    PEOPLE,
    PERSON_REQUESTS,
    SEND_REQUESTS,
    SETTINGS,
)
from services.cli.app import run
from services.ledger.ledger import FILE
from services.ledger.mailbox import MailboxFilter, find_messages, list_mailbox
from services.operations.resend_plan import TOO_EARLY, NoResend, Resend, plan_resend, resend_id
from streams.lifecycle import State
from streams.mailboxes import Box
from tests.adapters.ledger_filler import LedgerFiller

NOON = datetime(2026, 11, 21, 17, tzinfo=UTC)
PHONE, OTHER = "+14155550100", "+14155550101"
APPROVAL = {
    "rule": "awaiting_approval",
    "verdict": "hold",
    "reason": "It waits",
    "next_step": "approve",
}
UNREADABLE = {
    "rule": "consent_unreadable",
    "verdict": "hold",
    "reason": f"{PHONE} wrote",
    "next_step": "look",
}


class MailboxFiller(LedgerFiller):
    def __init__(self, state: Path) -> None:
        super().__init__(state / FILE)
        self.state = state

    def text(
        self, name: str, state: str = "held", *findings: dict[str, Any], body: str = "", **more: Any
    ) -> None:
        """Asked for, decided, and what became of it."""
        asked = {
            "message_id": name,
            "tenant": "acme",
            "kind": "reminder",
            "requested_at": NOON,
        } | more
        request = {"to": PHONE, "body": body or f"Text {name}"} | asked
        self.add(SEND_REQUESTS, SendRequest.model_validate(request))
        verdict = {"held": "hold", "rejected": "reject", "expired": "expire"}.get(state, "send")
        decided = {
            "verdict": verdict,
            "findings": findings,
            "decided_at": NOON,
            "policy_version": "1",
            "to": PHONE,
            "consent_epoch": 0,
            "evidence": {},
        } | asked
        self.add(DECISIONS, Decision.model_validate(decided))
        became = {"to": PHONE, "state": state, "final": True, "version": 1, "at": NOON} | asked
        self.add(OUTCOMES, Outcome.model_validate(became))

    def box(self, box: Box, wanted: MailboxFilter = MailboxFilter()) -> list[str]:  # noqa: B008 - a constant
        return [item.message_id for item in list_mailbox(self.ledger, box, wanted, NOON)]


@pytest.fixture
def books(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[MailboxFiller]:
    monkeypatch.setenv("SAYSO_STATE", str(tmp_path))
    monkeypatch.delenv("SAYSO_BOOTSTRAP", raising=False)
    opened = MailboxFiller(tmp_path)
    opened.add(
        SETTINGS,
        TenantSettings(tenant="acme", name="Acme", sender="1", time_zone="America/Los_Angeles"),
    )
    yield opened
    opened.store.close()


def test_each_message_is_in_its_box_newest_first(books: MailboxFiller) -> None:
    books.text("ready", "held", APPROVAL)
    books.text("waits", "held", UNREADABLE, APPROVAL)
    books.text("refused", "refused", error_code="21610")
    books.text("gone", "delivered")
    books.text("lost", "undelivered", error_code="30005")
    books.text("back", "canceled")
    assert books.box(Box.READY) == ["ready"]
    assert books.box(Box.OUTBOX) == ["refused", "waits"]
    assert books.box(Box.SENTBOX) == ["lost", "gone"]


def test_what_was_dismissed_or_resent_leaves_the_outbox(books: MailboxFiller) -> None:
    for name in ("m1", "m2", "m3", "m4"):
        books.text(name, "refused")
    books.add(DISMISSALS, Dismissal(tenant="acme", message_id="m1", by="dana", at=NOON))
    books.text("m5", "queued", resend_of="m2")
    books.add(
        PERSON_REQUESTS,
        PersonRequest(
            message_id="m6",
            tenant="acme",
            person_id="p",
            body="x",
            kind="direct",
            resend_of="m3",
            requested_at=NOON,
        ),
    )
    books.add(DISMISSALS, Dismissal(tenant="bolt", message_id="m4", by="dana", at=NOON))
    assert books.box(Box.OUTBOX) == ["m5", "m4"]


LOCAL: list[Any] = [
    pytest.param(MailboxFilter(branch="court"), ["court"], id="branch"),
    pytest.param(MailboxFilter(person="p1"), ["jo"], id="person"),
    pytest.param(MailboxFilter(code="30005"), ["lost"], id="code"),
    pytest.param(MailboxFilter(tenant="bolt"), [], id="another tenant"),
    pytest.param(MailboxFilter(since=date(2026, 11, 22)), [], id="since the next day"),
    pytest.param(
        MailboxFilter(until=date(2026, 11, 20)),
        ["late"],
        id="until the day before, where the tenant is",
    ),
    pytest.param(
        MailboxFilter(since=date(2026, 11, 21), until=date(2026, 11, 21)),
        ["lost", "jo", "court"],
        id="that day",
    ),
    pytest.param(MailboxFilter(branch="court", code="30005"), [], id="both"),
]


@pytest.mark.parametrize(("wanted", "found"), LOCAL)
def test_a_box_is_filtered(books: MailboxFiller, wanted: MailboxFilter, found: list[str]) -> None:
    books.text(
        "late", "delivered", requested_at=datetime(2026, 11, 21, 5, tzinfo=UTC)
    )  # 21:00 the day before
    books.text("court", "delivered", branch="court")
    books.text("jo", "delivered", person_id="p1")
    books.text("lost", "undelivered", error_code="30005")
    assert books.box(Box.SENTBOX, wanted) == found


def test_a_message_is_found_by_its_id_whatever_box_it_is_in(books: MailboxFiller) -> None:
    books.text("m1", "canceled")
    books.text("m1", "delivered", tenant="bolt")
    assert [
        one.tenant for one in find_messages(books.ledger, MailboxFilter(ids=("m1", "m2")), NOON)
    ] == [
        "bolt",
        "acme",
    ]
    assert [
        one.box for one in find_messages(books.ledger, MailboxFilter("acme", ids=("m1",)), NOON)
    ] == [None]
    assert find_messages(books.ledger, MailboxFilter(), NOON) == ()


# --- on the screen


def shown(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    capsys.readouterr()
    assert run(["box", *words]) == 0
    return capsys.readouterr().out


def test_a_text_to_approve_is_shown_and_its_number_is_masked(
    books: MailboxFiller, capsys: pytest.CaptureFixture[str]
) -> None:
    books.text("m1", "held", APPROVAL, body="Your hearing is on Tuesday.", branch="court")
    screen, data = shown(capsys, "ready"), json.loads(shown(capsys, "ready", "--json"))
    assert "Your hearing is on Tuesday." in screen
    assert "+141••••0100" in screen
    assert (data[0]["text"], data[0]["to"]) == ("Your hearing is on Tuesday.", "+141••••0100")
    assert PHONE in shown(capsys, "ready", "--unmask")
    assert "\x1b" not in screen, "plain in a pipe"


def test_who_approves_a_text_sees_all_of_it(
    books: MailboxFiller, capsys: pytest.CaptureFixture[str]
) -> None:
    """What a terminal would obey could hide the rest, or be taken for another text."""
    books.text(
        "m1", "held", APPROVAL, body="Pay here\x1b[8m: evil.example\x1b[2K\rSee you at 9\x9b1A"
    )
    screen = shown(capsys, "ready")
    assert not set(screen) & set("\x1b\r\x9b")
    assert "Pay here\u241b[8m: evil.example" in screen


def test_other_boxes_keep_texts_to_themselves_unless_asked(
    books: MailboxFiller, capsys: pytest.CaptureFixture[str]
) -> None:
    books.text("m1", "held", UNREADABLE, body="a secret")
    screen = shown(capsys, "outbox") + shown(capsys, "outbox", "--json")
    assert "a secret" not in screen
    assert PHONE not in screen
    assert "!  m1" in screen
    assert "a secret" in shown(capsys, "outbox", "--unmask")


def test_only_what_somebody_should_look_at(
    books: MailboxFiller, capsys: pytest.CaptureFixture[str]
) -> None:
    books.text("m1", "delivered")
    books.text("m2", "undelivered", error_code="30005", error_title="No such number")
    found = json.loads(shown(capsys, "sentbox", "--attention", "--json"))
    assert [(one["message_id"], one["error_title"], one["attention"]) for one in found] == [
        ("m2", "No such number", True)
    ]


@pytest.mark.parametrize(
    ("options", "names"),
    [
        ((), ["m2", "m1"]),
        (("--case", "c1"), ["m1"]),
        (("--kind", "alert"), ["m2"]),
        (("--state-is", "failed"), ["m2"]),
        (("--search", "Text m1"), ["m1"]),
    ],
)
def test_failed_has_what_nobody_has_seen_to_of_both_boxes(
    books: MailboxFiller,
    capsys: pytest.CaptureFixture[str],
    options: tuple[str, ...],
    names: list[str],
) -> None:
    books.text("m1", "refused", case_id="c1")
    books.text("m2", "failed", kind="alert")
    books.text("m3", "delivered")
    books.text("m4", "held", UNREADABLE)
    found = json.loads(shown(capsys, "failed", "--json", *options))
    assert [one["message_id"] for one in found] == names


@pytest.mark.parametrize("ending", ["csv", "parquet", "xls"])
def test_a_box_is_written_to_a_file(
    books: MailboxFiller, capsys: pytest.CaptureFixture[str], tmp_path: Path, ending: str
) -> None:
    """Numbers and texts are masked there too, unless they are asked for."""
    books.text("m1", "delivered", body="a secret")
    file = tmp_path / f"sent.{ending}"
    if ending == "xls":
        assert run(["box", "sentbox", "--out", str(file)]) == 2
        return
    for options, is_whole in (((), False), (("--unmask",), True)):
        assert "has 1 message." in shown(capsys, "sentbox", "--out", str(file), *options)
        (row,) = read_exported(file)
        assert (row["text"] == "a secret", row["to"] == PHONE) == (is_whole, is_whole)
    assert file.stat().st_mode & 0o777 == 0o600


def read_exported(file: Path) -> list[dict[str, Any]]:
    if file.suffix == ".parquet":
        rows: list[dict[str, Any]] = parquet.read_table(file).to_pylist()
        return rows
    return list(csv.DictReader(io.StringIO(file.read_text("utf-8-sig"), newline="")))


def test_the_newest_are_shown_and_it_is_said_that_there_are_more(
    books: MailboxFiller, capsys: pytest.CaptureFixture[str]
) -> None:
    for n in range(4):
        books.text(f"m{n}", "delivered")
    capsys.readouterr()
    assert run(["box", "sentbox", "--most", "2", "--json"]) == 0
    said = capsys.readouterr()
    assert [one["message_id"] for one in json.loads(said.out)] == ["m3", "m2"]
    assert "the newest 2" in said.err


WRONG: list[Any] = [
    pytest.param(
        "box drafts",
        "There is no mailbox 'drafts': they are ready, outbox, sentbox",
        2,
        id="no such box",
    ),
    pytest.param("approve", "Name the messages, or say which", 2, id="nothing named"),
    pytest.param("approve m1 --all", "not both", 2, id="named and all"),
    pytest.param("approve m9", "No message 'm9' is on record", 2, id="unknown"),
    pytest.param(
        "approve m9 -t bolt", "No message 'm9' is on record at bolt", 2, id="unknown there"
    ),
    pytest.param(
        "approve both",
        "acme, bolt each have a message 'both': say which with --tenant",
        2,
        id="two tenants",
    ),
    pytest.param(
        "approve --all", "Approve 1 text? There is nobody to ask here", 2, id="nobody to ask"
    ),
    pytest.param(
        "reject --branch elsewhere", "Nothing that matches waits for approval", 1, id="no match"
    ),
    pytest.param(
        "send-now --branch elsewhere",
        "Nothing that matches waits, or has failed",
        1,
        id="nothing to send",
    ),
    pytest.param(
        "send-now --all",
        "Send now 1 text? There is nobody to ask here",
        2,
        id="nobody to ask, again",
    ),
    pytest.param(
        "send-now both -t bolt",
        "both has arrived: to send it a second time, say resend",
        1,
        id="arrived",
    ),
    pytest.param(
        "box outbox --since gestern",
        "'gestern' is not a day: write it as 2026-11-20",
        2,
        id="no day",
    ),
    pytest.param(
        "dismiss m1", "m1 is held: only what has failed can be dismissed", 1, id="not failed"
    ),
    pytest.param(
        "dismiss --all", "Dismiss 1 text? There is nobody to ask here", 2, id="nobody to ask at all"
    ),
    pytest.param("resend m1", "m1 is held: it waits still", 1, id="waits still"),
    pytest.param(
        "resend m3 --number 415", "--number '415' is not a phone number", 2, id="no number"
    ),
    pytest.param("test nobody", "Nobody is on record as 'nobody'", 2, id="nobody"),
    pytest.param("approve m1", "No broker: run `sayso up` first", 2, id="no broker"),
]


@pytest.mark.parametrize(("arguments", "words", "code"), WRONG)
def test_what_is_wrong_is_one_sentence(
    books: MailboxFiller, capsys: pytest.CaptureFixture[str], arguments: str, words: str, code: int
) -> None:
    books.text("m1", "held", APPROVAL)
    books.text("both", "delivered")
    books.text("both", "delivered", tenant="bolt")
    books.text("m2", "queued")
    books.text("m3", "refused")
    assert run(arguments.split()) == code
    said = capsys.readouterr().err.splitlines()
    assert words in said[-1]
    assert [line for line in said if not line.startswith("No broker is running")] == said[-1:]


def test_what_is_asked_for_and_not_judged_yet_is_said_to_be_so(
    books: MailboxFiller, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = {"message_id": "m7", "tenant": "acme", "kind": "reminder", "requested_at": NOON}
    books.add(SEND_REQUESTS, SendRequest.model_validate(asked | {"to": PHONE, "body": "Hi"}))
    assert run(["approve", "m7", "-t", "acme"]) == 1
    assert "m7 is not judged yet" in capsys.readouterr().err
    assert run(["approve", "m7", "-t", "bolt"]) == 2


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_terminal_shows_the_matching_texts_before_it_asks(
    books: MailboxFiller, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    books.text("m1", "held", APPROVAL, body="Your hearing is on Tuesday.")
    monkeypatch.setattr("sys.stdin", Terminal("n\n"))
    assert run(["approve", "--all"]) == 1
    said = capsys.readouterr()
    assert "Your hearing is on Tuesday." in said.out
    assert "Approve 1 text? [y/N]" in said.err
    assert said.err.splitlines()[-1].endswith("Nothing was done")


# --- once more


def once_more(
    books: MailboxFiller, name: str, number: str | None = None, now: datetime = NOON
) -> Resend | NoResend:
    (item,) = find_messages(books.ledger, MailboxFilter(ids=(name,)), now)
    return plan_resend(books.ledger, item, number, "dana", now)


@pytest.mark.parametrize("state", list(State))
def test_what_may_still_arrive_is_not_sent_again(books: MailboxFiller, state: State) -> None:
    books.text("m1", state.value)
    found = once_more(books, "m1")
    assert isinstance(found, NoResend) == (state in TOO_EARLY)


def test_a_resend_is_a_new_request_with_one_id_for_everybody(
    books: MailboxFiller,
) -> None:
    event = {"case_id": "c1", "event_at": NOON + timedelta(days=2)}
    books.text("m1", "refused", branch="court", not_before=NOON - timedelta(days=2), **event)
    one, other = once_more(books, "m1"), once_more(books, "m1", now=NOON + timedelta(seconds=1))
    assert isinstance(one, Resend)
    assert isinstance(other, Resend)
    request = one.request
    assert isinstance(request, SendRequest)
    assert (request.resend_of, request.to, request.body, request.branch) == (
        "m1",
        PHONE,
        "Text m1",
        "court",
    )
    assert {"case_id": request.case_id, "event_at": request.event_at} == event
    assert (request.not_before, request.requested_by) == (None, "dana")
    assert request.message_id == other.request.message_id != "m1"


def test_it_is_resent_once(books: MailboxFiller) -> None:
    books.text("m1", "refused")
    books.text("m2", "refused", resend_of="m1")
    assert once_more(books, "m1") == NoResend(
        "m1 was resent as m2: if that one failed too, resend that one"
    )


def test_what_is_past_its_time_or_not_on_record_is_not_resent(books: MailboxFiller) -> None:
    books.text("m1", "expired", valid_until=NOON)
    books.add(
        OUTCOMES,
        Outcome(
            message_id="old",
            tenant="acme",
            kind="direct",
            requested_at=NOON,
            state="refused",
            final=True,
            version=1,
            at=NOON,
        ),
    )
    books.add(
        DECISIONS,
        Decision(
            message_id="old",
            tenant="acme",
            kind="direct",
            requested_at=NOON,
            verdict="send",
            decided_at=NOON,
            policy_version="1",
            consent_epoch=0,
            evidence={},
        ),
    )
    assert "was of use until 2026-11-21 17:00 UTC" in str(once_more(books, "m1"))
    assert "is not on record" in str(once_more(books, "old"))


def person(*numbers: PersonNumber) -> Person:
    return Person(tenant="acme", person_id="p1", name="Jo Bell", numbers=numbers, at=NOON)


def test_a_number_is_corrected_where_the_person_is_on_record(books: MailboxFiller) -> None:
    books.add(
        PEOPLE,
        person(
            PersonNumber(number=PHONE, type=NumberType.MOBILE, sms_enabled=True, primary=True),
            PersonNumber(number="+14155550102", sms_enabled=False),
        ),
    )
    books.text("m1", "undelivered", person_id="p1")
    found = once_more(books, "m1", OTHER)
    assert isinstance(found, Resend)
    assert found.event is not None
    (change,) = found.event.numbers
    assert (change.number, change.type, change.primary, change.sms_enabled) == (
        OTHER,
        NumberType.MOBILE,
        True,
        True,
    )
    assert found.event.remove == (PHONE,)
    assert isinstance(found.request, PersonRequest)
    assert (found.request.to, found.request.person_id, found.request.resend_of) == (
        OTHER,
        "p1",
        "m1",
    )


def test_a_number_that_was_corrected_already_takes_nothing_away(books: MailboxFiller) -> None:
    books.add(PEOPLE, person(PersonNumber(number=OTHER, sms_enabled=True)))
    books.text("m1", "undelivered", person_id="p1")
    found = once_more(books, "m1", OTHER)
    assert isinstance(found, Resend)
    assert found.event is not None
    assert found.event.remove == ()


@pytest.mark.parametrize("known", [None, "deleted"])
def test_nobodys_record_is_corrected_where_there_is_none(
    books: MailboxFiller, known: str | None
) -> None:
    if known:
        books.add(PEOPLE, Person(tenant="acme", person_id="p1", deleted=True, at=NOON))
    books.text("m1", "undelivered", person_id="p1")
    found = once_more(books, "m1", OTHER)
    assert isinstance(found, Resend)
    assert found.event is None
    assert isinstance(found.request, SendRequest)
    assert found.request.to == OTHER


def test_what_people_had_issued_goes_to_the_number_they_have_now(books: MailboxFiller) -> None:
    issued = {"person_id": "p1", "request_id": "m1", "received_at": NOON}
    books.add(PEOPLE, person(PersonNumber(number=OTHER, sms_enabled=True)))
    books.text("m1:moved-2", "undelivered", person_id="p1", resolved=issued)
    found = once_more(books, "m1:moved-2")
    assert isinstance(found, Resend)
    assert isinstance(found.request, PersonRequest)
    assert (found.event, found.request.to, found.request.resend_of) == (None, None, "m1:moved-2")


def test_a_long_id_makes_one_that_is_not_too_long() -> None:
    one, other = (resend_id("acme", "m" * 127 + end, None) for end in "ab")
    assert len(one) == len(other) == 128
    assert one != other
    assert resend_id("acme", "m1", None) != resend_id("acme", "m1", PHONE)
