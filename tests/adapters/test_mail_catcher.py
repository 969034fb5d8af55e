"""Mails are caught instead of sent, and can be read at the terminal."""

from __future__ import annotations

import json
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from services.cli.app import run
from services.local import process_specs
from services.local.mail_catcher.store import MailStore
from services.notify.mail import Server, deliver
from tests.adapters.processes import service
from tests.adapters.test_mail_delivery import composed

CONTENT = b"Subject: number %d\r\n\r\nhello\r\n"


async def test_a_caught_mail_is_listed_and_shown(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SAYSO_STATE", str(tmp_path))
    async with service(
        "services.local.mail_catcher", tmp_path, "--port", "0", SAYSO_STATE=str(tmp_path)
    ) as catcher:
        port = urlsplit(catcher.url).port or 0
        for reason in ("reply", "unanswered"):
            await deliver(Server("smtp", "127.0.0.1", port), composed(reason=reason))
    assert run(["mail", "--json"]) == 0
    newest, oldest = json.loads(capsys.readouterr().out)
    assert (newest["number"], oldest["number"]) == (2, 1)
    assert newest["subject"].startswith("Still waiting")
    assert oldest["subject"] == composed()["Subject"]
    assert oldest["message_id"] == composed()["Message-ID"]
    assert run(["mail", "1", "--json"]) == 0
    one = json.loads(capsys.readouterr().out)
    assert (one["to"], one["auto_submitted"]) == ("rivera@harbor.example", "auto-generated")
    assert "Case:          In re Rivera (8841)" in one["body"].split("\n")
    assert "4155550142" not in one["body"], "numbers are masked unless asked for"
    assert run(["mail", "1", "--json", "--unmask"]) == 0
    assert "%2B14155550142" in json.loads(capsys.readouterr().out)["body"]
    assert run(["mail", "1"]) == 0
    assert "Reply from Ana Rivera" in capsys.readouterr().out
    assert run(["mail"]) == 0
    assert "rivera@harbor.example" in capsys.readouterr().out


def test_no_mail_and_no_such_mail(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SAYSO_STATE", str(tmp_path))
    assert run(["mail"]) == 0
    assert run(["mail", "--json"]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == "[]"
    assert run(["mail", "7"]) == 2


def test_the_oldest_are_removed_and_numbers_go_on(tmp_path: Path) -> None:
    store = MailStore(tmp_path, kept=3)
    assert [store.add(CONTENT % n) for n in range(5)] == [1, 2, 3, 4, 5]
    assert [one.number for one in MailStore(tmp_path).list_newest()] == [5, 4, 3]
    assert MailStore(tmp_path, kept=3).add(CONTENT % 6) == 6
    assert store.find(1) is None
    assert {file.stat().st_mode & 0o077 for file in (tmp_path / "mail").iterdir()} == {0}


@pytest.mark.parametrize(
    "content", [b"", b"\xff\x00", b"Subject: =?x?q?=\r\n\r\n\xff", b"a" * 5000]
)
def test_whatever_was_sent_can_be_listed_and_shown(
    content: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SAYSO_STATE", str(tmp_path))
    MailStore(tmp_path).add(content)
    assert run(["mail"]) == 0
    assert run(["mail", "1"]) == 0


@pytest.mark.parametrize(
    ("own", "invented", "names"),
    [
        ("", False, ["mail-catcher", "notify"]),
        ("smtp://mail.example.com", False, ["notify"]),
        ("smtp://mail.example.com", True, ["mail-catcher", "notify"]),
    ],
)
def test_mails_are_caught_unless_a_server_is_named(
    own: str, invented: bool, names: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The demo's people are made up: no mail about them leaves, whatever server is named."""
    monkeypatch.setenv("SAYSO_SMTP_URL", own)
    monkeypatch.delenv("SAYSO_MAIL_FROM", raising=False)
    where = process_specs.choose_addresses(tmp_path, simulated=True, invented=invented)
    environment = process_specs.build_environment("127.0.0.1:9", tmp_path, where)
    specs = process_specs.edge_specs(environment, where, None, 0)
    assert [one.name for one in specs if one.name in ("mail-catcher", "notify")] == names
    assert ("SAYSO_SMTP_URL" in environment) is ("mail-catcher" in names)
