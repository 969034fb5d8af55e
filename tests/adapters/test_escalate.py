"""`sayso escalate`: the bundle, its masks, and a real SMTP server that gets it."""

from __future__ import annotations

import asyncio
import json
import stat
from collections.abc import AsyncIterator
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from pydantic import SecretStr

from schemas.attempt import Attempt, DeliveryReceipt
from schemas.decision import Decision
from schemas.outcome import Outcome
from schemas.send_request import SendRequest
from schemas.topics import ATTEMPTS, DECISIONS, DELIVERY_RECEIPTS, OUTCOMES, SEND_REQUESTS
from services.cli.app import run
from services.notify import Mail, MailError, Server, send
from tests.adapters.ledger_filler import NOON, fill_ledger

NUMBER, BODY = "+14155550142", "Your hearing is on Tuesday at 9:00"
SAME: dict[str, Any] = {"tenant": "harbor", "message_id": "m1"}
DECIDED: dict[str, Any] = SAME | {"to": NUMBER, "kind": "reminder", "requested_at": NOON}
WARNING = {
    "rule": "doubtful_number",
    "verdict": "send",
    "reason": f"{NUMBER} was not reached",
    "next_step": "confirm",
}
FACTS: list[Any] = [
    (SEND_REQUESTS, SendRequest(**DECIDED, body=BODY)),
    (
        DECISIONS,
        Decision(
            **DECIDED,
            verdict="send",
            findings=[WARNING],
            decided_at=NOON,
            policy_version="p",
            consent_epoch=1,
            evidence={},
        ),
    ),
    (
        ATTEMPTS,
        Attempt(
            **SAME,
            attempt=1,
            sender="72975",
            to=NUMBER,
            state="accepted",
            provider_id="SM1",
            at=NOON,
        ),
    ),
    (
        DELIVERY_RECEIPTS,
        DeliveryReceipt(
            **SAME,
            attempt=1,
            provider_id="SM1",
            status="undelivered",
            error_code="30005",
            received_at=NOON,
            raw={"To": NUMBER, "Body": BODY},
        ),
    ),
    (
        OUTCOMES,
        Outcome(**DECIDED, state="undelivered", error_code="30005", final=True, version=2, at=NOON),
    ),
]


@pytest.fixture(autouse=True)
def _on_record(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fill_ledger(tmp_path, *FACTS)
    monkeypatch.setenv("SAYSO_STATE", str(tmp_path))
    for name in ("SAYSO_BOOTSTRAP", "SAYSO_SUPPORT_ADDRESS", "SAYSO_SMTP_URL", "SAYSO_MAIL_FROM"):
        monkeypatch.delenv(name, raising=False)


def written(file: Path, *options: str) -> dict[str, Any]:
    assert run(["escalate", "m1", "--out", str(file), *options]) == 0
    bundle: dict[str, Any] = json.loads(file.read_text("utf-8"))
    return bundle


def test_the_bundle_is_whole(tmp_path: Path) -> None:
    bundle = written(tmp_path / "case.json")
    assert [step["what"] for step in bundle["timeline"]] == [
        "request",
        "decision",
        "attempt",
        "receipt",
        "outcome",
    ]
    assert bundle["timeline"][3]["place"] == "sms.delivery-receipts@0:3"
    assert [(found["rule"], found["decided"]) for found in bundle["findings"]] == [
        ("doubtful_number", "send")
    ]
    assert [one["state"] for one in bundle["attempts"]] == ["accepted"]
    assert [one["error_code"] for one in bundle["receipts"]] == ["30005"]
    assert [(code["code"], code["class"]) for code in bundle["codes"]] == [("30005", "number")]
    assert bundle["now"]["state"] == "undelivered"


def test_numbers_and_texts_are_hidden_unless_asked_for(tmp_path: Path) -> None:
    for options, number, body in [
        ((), False, False),
        (("--numbers",), True, False),
        (("--texts",), False, True),
        (("--numbers", "--texts"), True, True),
    ]:
        for name in ("case.json", "case.txt"):
            file = tmp_path / name
            assert run(["escalate", "m1", "--out", str(file), *options]) == 0
            said = file.read_text("utf-8")
            assert (NUMBER in said, BODY in said) == (number, body), (name, options)
            assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_a_file_to_read_has_the_steps_and_what_the_code_means(tmp_path: Path) -> None:
    file = tmp_path / "case.txt"
    assert run(["escalate", "m1", "--out", str(file)]) == 0
    said = file.read_text("utf-8")
    for words in (
        "harbor/m1 is undelivered with code 30005",
        "doubtful_number",
        "Common causes",
        "test SMS",
    ):
        assert words in said


REFUSED = [
    pytest.param(
        [], {}, "Nobody is configured to get it: say --out FILE", 2, id="nobody to mail it to"
    ),
    pytest.param(
        [], {"SAYSO_SUPPORT_ADDRESS": "a@example.com"}, "SAYSO_SMTP_URL", 2, id="no server"
    ),
    pytest.param(
        [],
        {"SAYSO_SUPPORT_ADDRESS": "a@example.com", "SAYSO_SMTP_URL": "mail.example.com:25"},
        "must be written as smtp://",
        2,
        id="not a server",
    ),
    pytest.param(
        [],
        {"SAYSO_SUPPORT_ADDRESS": "a@example.com", "SAYSO_SMTP_URL": "smtp://u:secret@h:x"},
        "its port is no number",
        2,
        id="not a port",
    ),
    pytest.param(
        [],
        {"SAYSO_SUPPORT_ADDRESS": "a@example.com", "SAYSO_SMTP_URL": "smtp://u:secret@127.0.0.1:9"},
        "did not take it",
        1,
        id="nobody listens",
    ),
    pytest.param(["--out", "nowhere/case.json"], {}, "cannot be written", 2, id="no such folder"),
    pytest.param(
        ["--tenant", "acme"],
        {"SAYSO_SUPPORT_ADDRESS": "a@example.com", "SAYSO_SMTP_URL": "smtp://h"},
        "No message 'm1' is on record at acme",
        2,
        id="another tenant's",
    ),
]


@pytest.mark.parametrize(("options", "told", "words", "code"), REFUSED)
def test_what_cannot_be_is_said_in_a_sentence(
    options: list[str],
    told: dict[str, str],
    words: str,
    code: int,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for name, value in told.items():
        monkeypatch.setenv(name, value)
    assert run(["escalate", "m1", *options]) == code
    said = capsys.readouterr().err
    assert words in said
    assert "secret" not in said


class Inbox:
    """What a mail server got."""

    def __init__(self) -> None:
        self.mails: list[EmailMessage] = []
        self.port = 0

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        assert isinstance(envelope.content, bytes)
        self.mails.append(message_from_bytes(envelope.content, policy=policy.default))
        return "250 taken"

    async def handle_RCPT(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if address.startswith("nobody"):
            return "550 no such person"
        envelope.rcpt_tos.append(address)
        return "250 known"


def _allowed(
    server: SMTP, session: Session, envelope: Envelope, mechanism: str, given: Any
) -> AuthResult:
    known = isinstance(given, LoginPassword) and (given.login, given.password) == (
        b"sayso",
        b"p@ss/word",
    )
    return AuthResult(success=known, handled=False)


@pytest.fixture
async def inbox() -> AsyncIterator[Inbox]:
    inbox = Inbox()

    def protocol() -> SMTP:
        return SMTP(inbox, authenticator=_allowed, auth_require_tls=False, hostname="localhost")

    server = await asyncio.get_running_loop().create_server(protocol, "127.0.0.1", 0)
    inbox.port = server.sockets[0].getsockname()[1]
    yield inbox
    server.close()
    await server.wait_closed()


async def test_it_is_mailed_with_the_bundle_attached(
    inbox: Inbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SAYSO_SUPPORT_ADDRESS", "support@example.com")
    monkeypatch.setenv("SAYSO_SMTP_URL", f"smtp://sayso:p%40ss%2Fword@127.0.0.1:{inbox.port}")
    monkeypatch.setenv("SAYSO_MAIL_FROM", "office@example.com")
    assert await asyncio.to_thread(run, ["escalate", "m1"]) == 0
    [mail] = inbox.mails
    assert (mail["To"], mail["From"]) == ("support@example.com", "office@example.com")
    assert mail["Subject"] == "Sayso: harbor/m1 is undelivered 30005"
    body, [attached] = mail.get_body(), [*mail.iter_attachments()]
    assert body is not None
    assert "Common causes" in body.get_content()
    assert attached.get_filename() == "m1.json"
    bundle = json.loads(attached.get_content())
    assert bundle["receipts"][0]["error_code"] == "30005"
    assert NUMBER not in mail.as_string()


@pytest.mark.parametrize(
    ("server", "to", "words"),
    [
        pytest.param(
            {"user": "sayso", "password": "pa55"},
            "a@example.com",
            "user name and password",
            id="login",
        ),
        pytest.param(
            {},
            "nobody@example.com",
            "does not take mail for nobody@example.com",
            id="no such person",
        ),
        pytest.param(
            {}, "a@example.com\nBcc: b@example.com", "cannot be addressed", id="two addresses"
        ),
        pytest.param(
            {"scheme": "smtps"}, "support@example.com", "did not take it", id="no TLS there"
        ),
        pytest.param(
            {"user": "sayso", "password": "pa55\u00e4"},
            "a@example.com",
            "ASCII letters",
            id="an umlaut",
        ),
        pytest.param(
            {"host": "b..d"}, "a@example.com", "cannot be the name", id="a host that cannot be"
        ),
    ],
)
async def test_a_mail_that_is_not_taken_is_said_in_a_sentence(
    server: dict[str, Any], to: str, words: str, inbox: Inbox
) -> None:
    given = server | ({"password": SecretStr(server["password"])} if "password" in server else {})
    where = Server(**{"scheme": "smtp", "host": "127.0.0.1", "port": inbox.port} | given)
    with pytest.raises(MailError, match=words) as told:
        await asyncio.to_thread(send, where, Mail("office@example.com", to, "s", "b"))
    assert "pa55" not in str(told.value)
    assert inbox.mails == []


async def test_no_password_goes_over_a_network_in_the_clear(
    inbox: Inbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Here every address is loopback; for the length of this test none counts as one."""
    monkeypatch.setattr("services.notify.mail.LOOPBACK", frozenset())
    server = Server("smtp", "127.0.0.1", inbox.port, "sayso", SecretStr("p@ss/word"))
    with pytest.raises(MailError, match="offers no encryption"):
        await asyncio.to_thread(
            send, server, Mail("office@example.com", "support@example.com", "s", "b")
        )
    assert inbox.mails == []
