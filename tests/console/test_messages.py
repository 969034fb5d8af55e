"""The SMS manager and the page of one message: what they show to whom, and what they ask for."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pyarrow import parquet
from starlette.testclient import TestClient

from schemas.approval import ApprovalAnswer
from schemas.decision import Verdict
from schemas.person import NumberType, Person, PersonNumber, PersonRequest
from schemas.send_request import CancelRequest, Dismissal
from schemas.tenant_settings import Branch, TenantSettings
from schemas.text_hash import sha256_hex
from schemas.topics import (
    APPROVAL_LOG,
    APPROVALS,
    DISMISSALS,
    PEOPLE,
    PERSON_EVENTS,
    PERSON_REQUESTS,
    REQUEST_CANCELS,
    SEND_REQUESTS,
    SETTINGS,
)
from services.console.viewer import Role
from services.operations.resend_plan import resend_id
from tests.adapters.test_mailbox import APPROVAL, NOON, OTHER, PHONE, MailboxFiller
from tests.console.harness import Harness, console_on

LIST = "/t/acme/messages"


@pytest.fixture
def books(tmp_path: Path) -> Iterator[MailboxFiller]:
    opened = MailboxFiller(tmp_path)
    settings = TenantSettings(
        tenant="acme", name="Acme", sender="1", branches={"court": Branch(name="Court desk")}
    )
    opened.add(SETTINGS, settings)
    number = PersonNumber(number=PHONE, type=NumberType.MOBILE, sms_enabled=True, primary=True)
    jo = Person(tenant="acme", person_id="p1", name="Jo Bell", numbers=(number,), at=NOON)
    opened.add(PEOPLE, jo)
    yield opened
    opened.store.close()


@pytest.fixture
def house(books: MailboxFiller) -> Iterator[Harness]:
    with console_on(books.state, NOON) as found:
        yield found


def bulk(*names: str, seen: dict[str, str] | None = None, **more: Any) -> dict[str, Any]:
    """The form under the list."""
    hashes = seen if seen is not None else {name: sha256_hex(f"Text {name}") for name in names}
    return {
        "form_key": "key-1",
        "row": list(names),
        "seen": [f"{name} {sha}" for name, sha in hashes.items()],
        "of": len(hashes),
    } | more


def shown(client: TestClient, address: str) -> list[str]:
    """Ids of the messages that a list shows, in its order."""
    page = client.get(address)
    assert page.status_code == 200, page.text
    return re.findall(r'<tr id="m-([^"]+)"', page.text)


def test_an_approval_carries_the_text_that_was_seen(books: MailboxFiller, house: Harness) -> None:
    """Not the one that is there when the form arrives."""
    books.text("m1", "held", APPROVAL, body="Text m1")
    client = house.signed_in(Role.APPROVER)
    page = client.get(LIST).text
    assert f'value="m1 {sha256_hex("Text m1")}"' in page
    old = sha256_hex("an earlier text")
    client.post(f"{LIST}/approve", data=bulk("m1", seen={"m1": old}))
    ((topic, approval),) = house.kafka.published
    assert (topic, approval.body_sha256) == (APPROVALS.name, old)  # type: ignore[attr-defined]
    assert approval.by == "dana"  # type: ignore[attr-defined]


def answered(
    name: str, rule: str, *, applied: bool, by: str = "sam", **more: Any
) -> ApprovalAnswer:
    about: dict[str, Any] = {
        "approval_id": f"a-{name}-{by}",
        "tenant": "acme",
        "number": PHONE,
        "message_id": name,
        "action": "approve",
        "by": by,
        "applied": applied,
        "verdict": Verdict.SEND,
        "rule": rule,
        "reason": "why",
        "evidence": {},
        "at": NOON,
    }
    return ApprovalAnswer.model_validate(about | more)


def add_from_elsewhere(books: MailboxFiller, answer: ApprovalAnswer) -> None:
    """As the ledger's own process does, while the console waits in its thread."""
    other = MailboxFiller(books.state)
    other._offsets = books._offsets
    other.add(APPROVAL_LOG, answer)
    other.store.close()


@pytest.mark.parametrize(
    ("rule", "before", "says"),
    [
        pytest.param("ready", None, "Approved: it goes out now", id="approved"),
        pytest.param("another_text", None, "Changed since you saw it", id="edited"),
        pytest.param("under_way", "sam", "Already approved by sam at", id="second of two"),
    ],
)
def test_each_row_says_what_came_of_it(
    books: MailboxFiller, house: Harness, rule: str, before: str | None, says: str
) -> None:
    books.text("m1", "held", APPROVAL)
    if before:
        books.add(APPROVAL_LOG, answered("m1", "ready", applied=True, by=before))
    publish = house.kafka.publish

    async def answer(topic: Any, messages: Any) -> None:
        await publish(topic, messages)
        for one in messages:
            result = answered("m1", rule, applied=rule == "ready", by="dana")
            named = result.model_copy(update={"approval_id": one.approval_id})
            add_from_elsewhere(books, named)

    house.kafka.publish = answer  # type: ignore[method-assign]
    client = house.signed_in(Role.APPROVER)
    answer_page = client.post(f"{LIST}/approve", data=bulk("m1"))
    assert says in " ".join(answer_page.text.split())
    part = client.post(f"{LIST}/approve", data=bulk("m1"), headers={"hx-request": "true"})
    assert says in " ".join(part.text.split())
    assert len(house.kafka.published) == 1, "the same form acts once"


def test_what_the_case_took_back_has_changed(books: MailboxFiller, house: Harness) -> None:
    """A case edits a text by taking it back and asking for another one."""
    books.text("m1", "held", APPROVAL)
    cancel = CancelRequest(tenant="acme", number=PHONE, message_id="m1", by="cases", at=NOON)
    books.add(REQUEST_CANCELS, cancel)
    answer = answered("m1", "canceled", applied=False)
    publish = house.kafka.publish

    async def refuse(topic: Any, messages: Any) -> None:
        await publish(topic, messages)
        for one in messages:
            named = answer.model_copy(update={"approval_id": one.approval_id})
            add_from_elsewhere(books, named)

    house.kafka.publish = refuse  # type: ignore[method-assign]
    page = house.signed_in(Role.APPROVER).post(f"{LIST}/approve", data=bulk("m1"))
    assert "Changed since you saw it" in page.text


def test_the_header_box_takes_all_that_match_and_asks_once(
    books: MailboxFiller, house: Harness
) -> None:
    names = [f"m{n:03}" for n in range(130)]
    for name in names:
        books.text(name, "held", APPROVAL)
    client = house.signed_in(Role.APPROVER)
    drawn = shown(client, LIST)
    assert len(drawn) == 100
    asks = client.post(f"{LIST}/approve", data=bulk(*drawn, all="1", of=130))
    assert "Approve 130 texts?" in asks.text
    assert not house.kafka.published
    hidden = re.findall(r'<input type="hidden" name="seen" value="(m\d+) ([0-9a-f]+)"', asks.text)
    confirmed = {"form_key": "key-2", "confirmed": "yes", "seen": [" ".join(one) for one in hidden]}
    client.post(f"{LIST}/approve", data=confirmed)
    assert sorted(one.message_id for _, one in house.kafka.published) == names  # type: ignore[attr-defined]


def test_the_header_box_does_not_ask_for_few(books: MailboxFiller, house: Harness) -> None:
    for name in ("m1", "m2"):
        books.text(name, "held", APPROVAL)
    house.signed_in(Role.APPROVER).post(f"{LIST}/approve", data=bulk("m1", "m2", all="1"))
    assert len(house.kafka.published) == 2


def test_who_may_not_approve_sees_no_button_and_is_refused(
    books: MailboxFiller, house: Harness
) -> None:
    books.text("m1", "held", APPROVAL)
    staff = house.signed_in(Role.STAFF)
    assert "/approve" not in staff.get(LIST).text
    assert staff.post(f"{LIST}/approve", data=bulk("m1")).status_code == 403
    auditor = house.signed_in(Role.AUDITOR, name="lee")
    assert 'type="checkbox"' not in auditor.get(f"{LIST}?box=outbox").text


def test_of_another_branch_nothing_is_seen_or_done(books: MailboxFiller, house: Harness) -> None:
    books.text("mine", "held", APPROVAL, branch="court")
    books.text("theirs", "held", APPROVAL, branch="intake")
    books.text("nobodys", "held", APPROVAL)
    client = house.signed_in(Role.APPROVER, tenant="acme", branch="court")
    assert shown(client, LIST) == ["mine"]
    for path in ("theirs", "nobodys", "unheard-of", "theirs/resend", "theirs/escalate"):
        assert client.get(f"{LIST}/{path}").status_code == 404, path
    page = client.post(f"{LIST}/approve", data=bulk("theirs"))
    assert "There is no such message" in page.text
    assert client.post(f"{LIST}/theirs/cancel", data={"form_key": "k"}).status_code == 404
    assert not house.kafka.published


@pytest.mark.parametrize(
    ("filters", "found"),
    [
        ("", ["late", "lost", "gone"]),
        ("&branch=court", ["lost"]),
        ("&case=c1", ["gone"]),
        ("&person=p1", ["gone"]),
        ("&state=delivered", ["gone"]),
        ("&code=30005", ["lost"]),
        ("&kind=alert", ["late"]),
        ("&search=jo+b", ["gone"]),
        ("&search=texts+lost", ["lost"]),
        ("&search=%2B14155550101", ["late"]),
        ("&since=2026-11-22", []),
        ("&until=nonsense", ["late", "lost", "gone"]),
    ],
)
def test_filters_are_in_the_address(
    books: MailboxFiller, house: Harness, filters: str, found: list[str]
) -> None:
    books.text("gone", "delivered", person_id="p1", case_id="c1")
    books.text("lost", "undelivered", error_code="30005", branch="court")
    books.text("late", "sent", kind="alert", to=OTHER)
    assert shown(house.signed_in(Role.STAFF), f"{LIST}?box=sentbox{filters}") == found


def test_a_failed_row_says_what_it_means_and_what_to_do(
    books: MailboxFiller, house: Harness
) -> None:
    books.text("lost", "undelivered", error_code="30005", person_id="p1")
    page = house.signed_in(Role.STAFF).get(f"{LIST}?box=failed").text
    for words in ("30005", "Their carrier does not know the number", "Next:", "What it means"):
        assert words in page
    assert f"{LIST}/lost/resend" in page


def test_correct_the_number_and_send_again(books: MailboxFiller, house: Harness) -> None:
    """One flow: the record first, then the text, to the new number."""
    books.text("lost", "undelivered", error_code="30005", person_id="p1")
    client = house.signed_in(Role.STAFF)
    wrong = client.post(f"{LIST}/lost/resend", data={"form_key": "k", "number": "12"})
    assert wrong.status_code == 422
    assert 'value="12"' in wrong.text, "what was typed stays"
    assert not house.kafka.published
    page = client.post(f"{LIST}/lost/resend", data={"form_key": "k", "number": " +1 415 555 0101"})
    new = resend_id("acme", "lost", OTHER)
    assert "Number corrected, and sent again" in page.text
    assert f"{LIST}/{new.replace(':', '%3A')}" in page.text
    topics = [topic for topic, _ in house.kafka.published]
    assert topics == [PERSON_EVENTS.name, PERSON_REQUESTS.name]
    event, request = (message for _, message in house.kafka.published)
    assert (event.remove, event.numbers[0].number) == ((PHONE,), OTHER)  # type: ignore[attr-defined]
    assert (request.to, request.resend_of) == (OTHER, "lost")  # type: ignore[attr-defined]
    client.post(f"{LIST}/lost/resend", data={"form_key": "k", "number": OTHER})
    assert len(house.kafka.published) == 2, "back, and sent again"


def test_what_was_just_sent_again_is_for_somebody_by_name(
    books: MailboxFiller, house: Harness
) -> None:
    """Also before anything is decided about it."""
    asked = PersonRequest(
        message_id="again",
        tenant="acme",
        person_id="p1",
        to=OTHER,
        body="Yes",
        kind="transactional",
        requested_at=NOON,
        resend_of="lost",
    )
    books.add(PERSON_REQUESTS, asked)
    page = house.signed_in(Role.STAFF).get(f"{LIST}/again").text
    assert "Text to Jo Bell" in page


def test_several_are_sent_again_with_a_result_for_each(
    books: MailboxFiller, house: Harness
) -> None:
    books.text("m1", "refused", error_code="30005")
    books.text("m2", "queued")
    page = house.signed_in(Role.STAFF).post(f"{LIST}/send-now", data=bulk("m1", "m2", "m3"))
    text = " ".join(page.text.split())
    assert "1 done." in text
    assert "2 not done:" in text
    assert "m2 is queued" in text
    assert "There is no such message" in text
    assert [topic for topic, _ in house.kafka.published] == [SEND_REQUESTS.name]


def test_dismiss_says_who_was_first(books: MailboxFiller, house: Harness) -> None:
    books.text("m1", "refused")
    books.text("m2", "undelivered")
    books.text("m3", "delivered")
    books.add(DISMISSALS, Dismissal(tenant="acme", message_id="m2", by="sam", at=NOON))
    page = house.signed_in(Role.STAFF).post(f"{LIST}/dismiss", data=bulk("m1", "m2", "m3"))
    text = " ".join(page.text.split())
    assert "Already dismissed by sam at" in text
    assert "It has not failed" in text
    assert [one.message_id for _, one in house.kafka.published] == ["m1"]  # type: ignore[attr-defined]


def test_a_test_text(books: MailboxFiller, house: Harness) -> None:
    client = house.signed_in(Role.STAFF)
    form = {"form_key": "k", "person_id": "nobody"}
    assert client.post(f"{LIST}/new/test", data=form).status_code == 422
    # Without a script: the search comes back with whom it found, and one alone is chosen.
    again = client.post(f"{LIST}/new/test", data={"form_key": "k", "who": "0100", "body": "Hi"})
    assert again.status_code == 422
    assert re.search(r'value="p1" required checked>\s*<span><strong>Jo Bell', again.text)
    assert ">Hi</textarea>" in again.text
    client.post(f"{LIST}/new/test", data=form | {"person_id": "p1"}, follow_redirects=False)
    ((topic, request),) = house.kafka.published
    assert topic == PERSON_REQUESTS.name
    assert isinstance(request, PersonRequest)
    assert (request.kind, request.requested_by) == ("test", "dana")


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_the_download_is_what_is_filtered(books: MailboxFiller, house: Harness, kind: str) -> None:
    for n in range(250):
        books.text(f"m{n}", "delivered", body=f"=SUM({n})", branch="court" if n % 2 else "intake")
    client = house.signed_in(Role.STAFF)
    answer = client.get(f"{LIST}?box=sentbox&branch=court&as={kind}")
    assert f'filename="acme-sentbox-2026-11-21.{kind}"' in answer.headers["content-disposition"]
    if kind == "csv":
        rows = list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"))))
        assert rows[0]["text"] == "'=SUM(249)", "no formula for a spreadsheet"
    else:
        rows = parquet.read_table(io.BytesIO(answer.content)).to_pylist()
        assert rows[0]["text"] == "=SUM(249)"
    assert len(rows) == 125
    assert {row["branch"] for row in rows} == {"court"}
    assert client.get(f"{LIST}?as=exe").status_code == 404


def test_the_page_of_a_message_tells_its_story(books: MailboxFiller, house: Harness) -> None:
    books.text("m1", "held", APPROVAL, requested_by="crm", final=False)
    page = house.signed_in(Role.APPROVER).get(f"{LIST}/m1").text
    for words in ("crm asked for it", "It waits", "Waited for approval", "sms.decisions@0:"):
        assert words in page
    assert page.index("crm asked for it") < page.index("sms.decisions@0:")
    assert "/approve" in page
    assert "/approve" not in house.signed_in(Role.STAFF, name="sam").get(f"{LIST}/m1").text


def test_a_bundle_hides_numbers_and_texts(books: MailboxFiller, house: Harness) -> None:
    books.text("m1", "undelivered", error_code="30005", body="A secret")
    client = house.signed_in(Role.STAFF)
    for form in ("", "?as=json", "?as=text"):
        text = client.get(f"{LIST}/m1/escalate{form}").text
        assert "A secret" not in text
        assert PHONE not in text
    assert PHONE in client.get(f"{LIST}/m1/escalate?as=json&numbers=1").text


def test_a_person_is_chosen_by_name_or_last_digits(books: MailboxFiller, house: Harness) -> None:
    client = house.signed_in(Role.STAFF)
    for who in ("bell", "0100", "p1"):
        part = client.get("/t/acme/people/-/find", params={"who": who}).text
        assert ("Jo Bell" in part, "<html" in part) == (True, False)
    assert "Nobody is found" in client.get("/t/acme/people/-/find", params={"who": "zzz"}).text
    assert client.get("/t/acme/people/-/find").text.strip() == ""
    reader = house.signed_in(Role.AUDITOR, name="ida")
    assert reader.get("/t/acme/people/-/find", params={"who": "bell"}).status_code == 403
