"""Mails go through real servers, encrypted where these offer it, and each refusal is told apart."""

from __future__ import annotations

from datetime import UTC, datetime
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from schemas.tenant_settings import TenantSettings
from schemas.thread import MailRequest
from services.notify.mail import MailDeferred, MailError, MailRefused, Server, deliver
from services.notify.open_mails import OpenMails
from services.notify.pauses import Pauses
from services.notify.reply_mail import compose_reply_mail
from tests.adapters.mail_server import PASSWORD, USER, MailServer, allow, make_certificates

AT = datetime(2026, 12, 1, 15, 10, 1, tzinfo=UTC)
OFFICE = "Sayso <office@example.com>"
TENANT = TenantSettings.model_validate(
    {
        "tenant": "harbor",
        "name": "Harbor Legal",
        "sender": "72975",
        "time_zone": "America/New_York",
        "mail": {"link": "https://sayso.example/t/{number}?case={case}"},
    }
)


def request(**changes: Any) -> MailRequest:
    known = {
        "tenant": "harbor",
        "mail_id": "m-8c1d2e3f",
        "to": "rivera@harbor.example",
        "reason": "reply",
        "number": "+14155550142",
        "last_digits": "0142",
        "names": ["Ana Rivera"],
        "case_id": "8841",
        "case_title": "In re Rivera",
        "texts": 2,
        "inbound_id": "SM1",
        "waiting_since": "2026-12-01T15:10:00Z",
        "at": AT,
    }
    return MailRequest.model_validate(known | changes)


def composed(tenant: TenantSettings | None = TENANT, **changes: Any) -> EmailMessage:
    return compose_reply_mail(request(**changes), tenant, OFFICE)


def server(one: MailServer, scheme: str = "smtp", **changes: Any) -> Server:
    return Server(scheme, "127.0.0.1", one.port)._replace(**changes)


LOGIN = {"user": USER, "password": SecretStr(PASSWORD)}


# --- what a mail says


def test_a_mail_says_who_which_case_since_when_and_where() -> None:
    mail = composed()
    assert mail["Subject"] == "Reply from Ana Rivera, In re Rivera, ...0142"
    assert (mail["To"], mail["From"]) == ("rivera@harbor.example", OFFICE)
    assert mail["Date"].datetime == AT
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail["X-Auto-Response-Suppress"] == "All"
    lines = mail.get_content().splitlines()
    assert "From:          Ana Rivera, ...0142" in lines
    assert "Case:          In re Rivera (8841)" in lines
    assert "Texts:         2" in lines
    assert "Waiting since: 2026-12-01 10:10 EST" in lines
    assert "https://sayso.example/t/%2B14155550142?case=8841" in lines[-3]


def test_a_second_mail_says_that_they_still_wait() -> None:
    assert composed(reason="unanswered")["Subject"].startswith("Still waiting for an answer: Ana")


def test_the_message_id_is_of_the_tenant_and_the_mail() -> None:
    mails = [
        composed(),
        composed(names=["Somebody"], to="other@harbor.example"),
        composed(mail_id="m-2"),
        compose_reply_mail(request(tenant="other"), None, OFFICE),
    ]
    first, same, second, other = (mail["Message-ID"] for mail in mails)
    assert first == same
    assert len({first, second, other}) == 3


def test_nothing_is_made_up_for_what_is_not_known() -> None:
    mail = composed(
        None, names=[], last_digits=None, case_id=None, case_title="", waiting_since=None
    )
    assert mail["Subject"] == "Reply from a number that is not on record"
    assert "4155550142" not in mail.as_string()
    assert [
        name for name in ("Case:", "Waiting since:", "http") if name in mail.get_content()
    ] == []


HOSTILE = "Ana\r\nBcc: thief@example.com\r\n\r\n<b>\u202eevil\u2028x\x00"


def test_no_name_breaks_out_of_its_line() -> None:
    mail = composed(names=[HOSTILE], case_title=HOSTILE, last_digits="01\r\n42")
    text = mail.as_bytes().decode()
    assert mail["Bcc"] is None
    assert [line for line in text.splitlines() if line.lower().startswith("bcc")] == []
    assert len(mail["Subject"].splitlines()) == 1
    assert not {"\u202e", "\u2028", "\x00"} & set(mail.get_content())


def test_long_names_are_cut() -> None:
    mail = composed(names=["x" * 4000, "y" * 4000], case_title="z" * 200)
    assert len(mail["Subject"]) < 200


@pytest.mark.parametrize(
    "to",
    [
        "",
        "rivera",
        "@harbor.example",
        "rivera@",
        "a@harbor.example, b@harbor.example",
        "a@harbor.example\r\nBcc: b@harbor.example",
        "Rivera <a@harbor.example>",
        "a@b@harbor.example",
        "a@harbor..example",
        "a b@harbor.example",
    ],
)
def test_what_is_no_single_address_is_refused(to: str) -> None:
    with pytest.raises(MailRefused):
        composed(to=to)


def test_a_domain_with_other_letters_is_written_as_dns_has_it() -> None:
    assert composed(to="office@b\u00fccher.example")["To"] == "office@xn--bcher-kva.example"


# --- servers


async def test_in_the_clear_where_the_server_offers_nothing_else() -> None:
    inbox = MailServer()
    async with inbox.listening():
        await deliver(server(inbox), composed())
    assert (inbox.ids, inbox.encrypted) == ([composed()["Message-ID"]], [False])
    assert inbox.mails[0].get_content().splitlines() == composed().get_content().splitlines()


async def test_starttls_with_a_login(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tls = make_certificates(tmp_path, monkeypatch)
    inbox = MailServer()
    async with inbox.listening(
        tls=tls, require_starttls=True, authenticator=allow, auth_required=True
    ):
        await deliver(server(inbox, **LOGIN), composed())
        with pytest.raises(MailDeferred, match="user name and password"):
            await deliver(server(inbox, user=USER, password=SecretStr("other")), composed())
    assert (inbox.encrypted, inbox.logged_in) == ([True], [True])


async def test_encrypted_from_the_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tls = make_certificates(tmp_path, monkeypatch)
    inbox = MailServer()
    async with inbox.listening(tls=tls, smtps=True, authenticator=allow, auth_require_tls=False):
        await deliver(server(inbox, "smtps", **LOGIN), composed())
    assert (inbox.encrypted, inbox.logged_in) == ([True], [True])


@pytest.mark.parametrize("smtps", [False, True])
async def test_a_certificate_that_nobody_vouches_for_gets_no_mail(
    smtps: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as other:
        tls = make_certificates(tmp_path, other)
    inbox = MailServer()
    async with inbox.listening(tls=tls, smtps=smtps):
        with pytest.raises(MailDeferred) as told:
            await deliver(server(inbox, "smtps" if smtps else "smtp"), composed())
    assert (told.value.is_about_mail, inbox.mails) == (False, [])


@pytest.mark.parametrize(
    ("rcpt", "data", "kind", "is_about_mail"),
    [
        pytest.param("550 5.1.1 nobody", "", MailRefused, None, id="no such person"),
        pytest.param("452 4.2.2 full", "", MailDeferred, True, id="a full mailbox"),
        pytest.param("", "451 4.7.1 greylisted", MailDeferred, True, id="first sight"),
        pytest.param("", "554 5.7.1 spam", MailRefused, None, id="not wanted"),
        pytest.param("421 4.3.2 going down", "", MailDeferred, True, id="going down"),
    ],
)
async def test_what_a_server_says_of_a_mail(
    rcpt: str, data: str, kind: type[MailError], is_about_mail: bool | None
) -> None:
    inbox = MailServer()
    inbox.rcpt_replies = [rcpt] if rcpt else []
    inbox.data_replies = [data] if data else []
    async with inbox.listening():
        with pytest.raises(kind) as told:
            await deliver(server(inbox), composed())
    assert getattr(told.value, "is_about_mail", None) == is_about_mail
    assert inbox.mails == []


async def test_nobody_listens() -> None:
    inbox = MailServer()
    async with inbox.listening():
        pass
    with pytest.raises(MailDeferred) as told:
        await deliver(server(inbox), composed())
    assert not told.value.is_about_mail


# --- positions and pauses


def test_the_position_is_that_of_the_first_mail_that_is_not_done() -> None:
    mails = OpenMails()
    for offset in (7, 8, 12):  # transaction markers take offsets too
        mails.take(offset)
    assert mails.find_progress() is None
    mails.finish(8)
    assert (mails.find_progress(), len(mails)) == (None, 3)
    mails.finish(7)
    assert (mails.find_progress(), len(mails)) == (12, 1)
    mails.record_commit(12)
    assert mails.find_progress() is None
    mails.finish(12)
    assert (mails.find_progress(), len(mails)) == (13, 0)
    mails.record_commit(13)
    mails.take(20)
    assert mails.find_progress() is None


def test_pauses_grow_and_end_somewhere() -> None:
    pauses = Pauses(first=1.0, longest=120.0)
    found = [pauses.next() for _ in range(2000)]
    assert all(0.5 * 2**n <= found[n] <= 2**n for n in range(6))
    assert all(60 <= one <= 120 for one in found[7:])
    assert len(set(found[7:])) > 100, "not all at the same moment"
    pauses.reset()
    assert pauses.next() <= 1.0
