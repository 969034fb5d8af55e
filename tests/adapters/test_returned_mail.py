"""Who answers a mail of ours is told once that nobody reads it; programs are told nothing."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from typing import Any

import pytest
from aiosmtplib import SMTP

from services.notify.mail import MailDeferred
from services.notify.reply_mail import build_message_id
from services.notify.returned_mail import (
    ReturnedMail,
    classify_returned_mail,
    find_answered_mail,
)
from services.notify.returned_mail_server import (
    ANSWERS_AN_HOUR,
    ReturnedMails,
    receive_returned_mails,
)
from services.observability.metrics import NOTIFY
from services.observability.registry import MetricRegistry

OFFICE = "office@sayso.example"
DANA = "dana@harbor.example"
OURS = build_message_id("harbor", "m-1")
NOW = datetime(2026, 12, 1, 15, tzinfo=UTC)

ANSWERED: list[Any] = [
    pytest.param({}, id="by a person"),
    pytest.param({"Auto-Submitted": "no"}, id="says that it is no machine"),
    pytest.param({"Auto-Submitted": "No (by hand)"}, id="with a comment"),
    pytest.param({"Precedence": "normal"}, id="normal"),
    pytest.param({"X-Auto-Response-Suppress": "DR, RN"}, id="wants no receipts"),
    pytest.param({"Content-Type": "multipart/alternative; boundary=x"}, id="with HTML"),
]
IGNORED: list[Any] = [
    pytest.param({"Auto-Submitted": "auto-replied"}, id="out of office"),
    pytest.param({"Auto-Submitted": "Auto-Generated; x=y"}, id="generated"),
    pytest.param({"Precedence": "bulk"}, id="bulk"),
    pytest.param({"Precedence": "LIST"}, id="a list"),
    pytest.param({"Precedence": "junk"}, id="junk"),
    pytest.param({"X-Auto-Response-Suppress": "OOF, AutoReply"}, id="wants no answers"),
    pytest.param({"List-Id": "<a.example>"}, id="through a list"),
    pytest.param({"X-Autoreply": "yes"}, id="an autoreply"),
    pytest.param({"Content-Type": "multipart/report; report-type=delivery-status"}, id="a report"),
]


@pytest.mark.parametrize("headers", ANSWERED)
def test_a_person_is_answered(headers: dict[str, str]) -> None:
    assert classify_returned_mail(headers.get, DANA) is ReturnedMail.ANSWER_ONCE


@pytest.mark.parametrize("headers", IGNORED)
def test_a_program_is_not(headers: dict[str, str]) -> None:
    assert classify_returned_mail(headers.get, DANA) is ReturnedMail.NOTHING


@pytest.mark.parametrize(
    "sender",
    [
        "",
        "<>",
        " ",
        "mailer-daemon",
        "MAILER-DAEMON@mx.example",
        "no-reply@shop.example",
        "noreply+7@shop.example",
        "bounces+x=y@list.example",
        "owner-list@list.example",
        "list-request@list.example",
    ],
)
def test_nobody_is_answered_at_such_a_sender(sender: str) -> None:
    assert classify_returned_mail({}.get, sender) is ReturnedMail.NOTHING


@pytest.mark.parametrize(
    ("headers", "found"),
    [
        ({"In-Reply-To": OURS}, OURS),
        ({"References": f"<1@other.example> {OURS}"}, OURS),
        ({"In-Reply-To": "<1@other.example>"}, None),
        ({"In-Reply-To": "x" * 100_000 + OURS}, None),
        ({}, None),
    ],
)
def test_what_answers_no_mail_of_ours_is_told_apart(
    headers: dict[str, str], found: str | None
) -> None:
    assert find_answered_mail(headers.get) == found


class Desk:
    """What the answers would do, by a clock of ours."""

    def __init__(self) -> None:
        self.answers: list[EmailMessage] = []
        self.now = NOW
        self.is_down = False
        self.metrics = MetricRegistry(NOTIFY)
        self.handler = ReturnedMails(OFFICE, self.deliver, self.metrics, lambda: self.now)

    async def deliver(self, answer: EmailMessage) -> None:
        if self.is_down:
            raise MailDeferred("no server")
        self.answers.append(answer)

    def counted(self, result: str) -> bool:
        return f'result="{result}"}} ' in self.metrics.text().decode()

    async def take(self, *mails: EmailMessage, sender: str = DANA) -> None:
        async with receive_returned_mails(self.handler, "127.0.0.1", 0) as port:
            client = SMTP(hostname="127.0.0.1", port=port, start_tls=False)
            await client.connect()
            for mail in mails:
                await client.send_message(mail, sender=sender, recipients=[OFFICE])
            await client.quit()


def answer(to: str = OURS, **headers: str) -> EmailMessage:
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = DANA, OFFICE, "Re: Reply from Ana Rivera"
    mail["In-Reply-To"] = to
    for name, value in headers.items():
        mail[name.replace("_", "-")] = value
    mail.set_content("Tell her: Tuesday at nine.")
    return mail


async def test_each_person_is_told_once_for_each_mail() -> None:
    desk = Desk()
    other = build_message_id("harbor", "m-2")
    await desk.take(answer(), answer(), answer(other), answer(Auto_Submitted="auto-replied"))
    await desk.take(answer(), sender="luis@harbor.example")
    assert [(one["To"], one["In-Reply-To"]) for one in desk.answers] == [
        (DANA, OURS),
        (DANA, other),
        ("luis@harbor.example", OURS),
    ]
    first = desk.answers[0]
    assert (first["Auto-Submitted"], first["From"]) == ("auto-replied", OFFICE)
    assert "Tuesday at nine" not in first.as_string()
    assert desk.counted("answered")
    assert desk.counted("ignored")


async def test_our_own_answer_is_never_answered() -> None:
    desk = Desk()
    await desk.take(answer())
    await desk.take(desk.answers[0])
    assert len(desk.answers) == 1


async def test_it_never_answers_without_bound() -> None:
    desk = Desk()
    mails = [answer(build_message_id("harbor", f"m-{n}")) for n in range(ANSWERS_AN_HOUR + 5)]
    await desk.take(*mails)
    assert len(desk.answers) == ANSWERS_AN_HOUR
    desk.now = NOW + timedelta(hours=1)
    await desk.take(mails[-1])
    assert len(desk.answers) == ANSWERS_AN_HOUR + 1


async def test_an_answer_that_does_not_go_is_no_trouble() -> None:
    desk = Desk()
    desk.is_down = True
    await desk.take(answer())
    assert desk.counted("ignored")
    assert not desk.counted("answered")
