"""The owner of an endpoint is told that it is paused, by a real mail server."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from services.event_webhooks.attempt import Answer, Problem
from services.event_webhooks.endpoints import Endpoint, Endpoints, EndpointState
from services.event_webhooks.owner_mail import OwnerMails
from services.event_webhooks.store import Store
from services.notify.mail import Server
from tests.adapters.mail_server import MailServer
from tests.adapters.waiting import until

NOW = datetime.now(UTC)


def write_mail(store: Store, owner: str = "it@acme.example") -> Endpoint:
    endpoints = Endpoints(store)
    url = "https://crm.example/hook?token=hidden"
    made = endpoints.add("acme", NOW, url=url, owner=owner, events=["message.*"])
    endpoints.note_failure(made.endpoint.id, NOW)
    endpoint = endpoints.find(made.endpoint.id)
    assert endpoint is not None
    answer = Answer(500, Problem.STATUS)
    with store.transaction():
        OwnerMails(store).add(endpoint, EndpointState.DEAD, answer, 7, NOW)
        OwnerMails(store).add(endpoint, EndpointState.GONE, answer, 0, NOW)
    return endpoint


def states(store: Store) -> list[str]:
    return [row["state"] for row in store.rows("SELECT state FROM mails ORDER BY id")]


async def test_a_mail_says_what_to_do_and_no_secret(tmp_path: Path) -> None:
    store, server = Store(tmp_path), MailServer()
    endpoint = write_mail(store)
    async with server.listening():
        stop = asyncio.Event()
        where = Server("smtp", "127.0.0.1", server.port)
        sending = asyncio.create_task(OwnerMails(store).send_all(where, "sayso@x.example", stop))
        await until(lambda: states(store) == ["sent", "sent"])
        stop.set()
        await sending
    dead, gone = server.mails
    assert (dead["To"], dead["From"]) == ("it@acme.example", "sayso@x.example")
    text = dead.get_content()
    for part in (endpoint.id, "crm.example", "status 500", "waiting: 7", "endpoint resume"):
        assert part in text
    assert "hidden" not in text + gone.get_content()
    assert "410" in gone.get_content()
    assert len(set(server.ids)) == 2
    store.close()


async def test_a_mail_is_tried_until_it_is_taken_and_keeps_its_id(tmp_path: Path) -> None:
    store, server = Store(tmp_path), MailServer()
    write_mail(store)
    server.rcpt_replies[:] = ["450 4.2.0 later", "451 4.3.0 later"]
    async with server.listening():
        for _ in range(2):  # the second round is what a crash before the note would send again
            stop = asyncio.Event()
            where = Server("smtp", "127.0.0.1", server.port)
            sending = asyncio.create_task(
                OwnerMails(store).send_all(where, "sayso@x.example", stop, first_pause=0.01)
            )
            await until(lambda: states(store) == ["sent", "sent"])
            stop.set()
            await sending
            store.execute("UPDATE mails SET state = 'open'")
    assert server.ids[:2] == server.ids[2:]
    store.close()


@pytest.mark.parametrize("owner", ["nobody@acme.example"])
async def test_a_refused_mail_does_not_hold_up_others(owner: str, tmp_path: Path) -> None:
    store, server = Store(tmp_path), MailServer()
    write_mail(store, owner)
    write_mail(store)
    async with server.listening():
        stop = asyncio.Event()
        where = Server("smtp", "127.0.0.1", server.port)
        sending = asyncio.create_task(OwnerMails(store).send_all(where, "sayso@x.example", stop))
        await until(lambda: states(store) == ["refused", "refused", "sent", "sent"])
        stop.set()
        await sending
    store.close()


async def test_without_a_mail_server_it_waits_and_the_log_says_so_once(tmp_path: Path) -> None:
    store = Store(tmp_path)
    write_mail(store)
    stop = asyncio.Event()
    with capture_logs() as logs:
        sending = asyncio.create_task(OwnerMails(store).send_all(None, "", stop))
        await until(lambda: logs)
        stop.set()
        await sending
    assert [line["missing"] for line in logs] == ["SAYSO_SMTP_URL"]
    assert states(store) == ["open", "open"]
    store.close()
