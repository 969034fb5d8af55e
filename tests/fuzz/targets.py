"""What is fed, and what must hold of it: no exception but the declared ones, and no answer that
blames us."""

from __future__ import annotations

import asyncio
import base64
import hmac
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, NamedTuple
from urllib.parse import parse_qsl

from pydantic import SecretStr

from schemas.base import Message
from schemas.sender import Sender
from schemas.tenant_settings import TenantSettings
from schemas.topics import BY_NAME, DEAD_LETTERS, Topic
from services.console.api.keys import HIGHEST_RATE
from services.console.api.scopes import Scope
from services.operations.consent_import import ConsentImport, read_consents
from services.operations.court_file import read_court_file
from services.operations.errors import OperationError
from services.operations.ics_file import read_ics
from services.operations.people import build_person_events, read_people
from services.operations.table_file import HeldFile
from services.operations.yaml_settings import parse_settings
from services.webhook.app import Webhook
from services.webhook.signature import Signature
from streams.partition.decoding import WrongPartition, decode, quote_record, reroute_headers
from streams.processing import UnreadableRecord
from tests.console.two_branches import TENANT, two_branches

NOW: Final = datetime(2026, 11, 29, 12, tzinfo=UTC)
TOKEN: Final = "a-token-of-nobody"
URL: Final = "https://sms.example.com"

Run = Callable[[bytes], str]
"""Feeds one input, and says in a word what became of it. Whatever it raises is a fault."""


class Target(NamedTuple):
    name: str
    about: str
    open: Callable[[], Any]
    """A context manager that gives a `Run`."""
    share: int = 1
    """Of the time."""


# --- records of every topic


class FoundRecord(NamedTuple):
    topic: str
    partition: int
    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...]


@contextmanager
def open_records() -> Iterator[Run]:
    """First line: the topic; second: the key; the rest is the value."""
    names = sorted(BY_NAME)

    def run(data: bytes) -> str:
        head, _, rest = data.partition(b"\n")
        key, _, value = rest.partition(b"\n")
        topic = BY_NAME.get(head.decode("latin-1"), BY_NAME[names[len(data) % len(names)]])
        headers = (("ce_id", key), ("sayso_appended_ms", key))
        record = FoundRecord(topic.name, 0, 7, 1_790_000_000_000, key, value, headers)
        found = decode(topic, record, (), 1)
        if isinstance(found, UnreadableRecord):
            letter = quote_record("gate", record, found, NOW)
            assert DEAD_LETTERS.decode(DEAD_LETTERS.encode(letter)) == letter
            return f"{topic.name} {found.cause}"
        if isinstance(found, WrongPartition):
            reroute_headers(record)
            again = decode(topic, record._replace(key=found.key, value=found.value), (), 1)
            assert isinstance(again, tuple), "filed again, it is still in the wrong place"
            return f"{topic.name} filed again"
        _, message, _ = found
        _require_lasting(topic, message)
        return f"{topic.name} read"

    yield run


def _require_lasting(topic: Topic[Any], message: Message) -> None:
    """What was read is the same when it is written and read again."""
    written = topic.encode(message)
    assert topic.encode(topic.decode(written)) == written, "another message when it is read again"


# --- the webhook


class KeptMessages:
    """A Kafka that takes everything, after it was encoded as for a broker."""

    async def publish(self, topic: Topic[Any], message: Message) -> None:
        topic.key(message).encode()
        _require_lasting(topic, message)

    async def is_reachable(self) -> bool:
        return True


@contextmanager
def open_webhook() -> Iterator[Run]:
    """First line: path and query; second: `unsigned`, or anything else; the rest is the form."""
    webhook = Webhook(Signature(SecretStr(TOKEN), URL), KeptMessages(), "AC" + "0" * 32)  # type: ignore[arg-type]
    loop = asyncio.new_event_loop()

    def run(data: bytes) -> str:
        head, _, rest = data.partition(b"\n")
        how, _, body = rest.partition(b"\n")
        path, _, query = head.partition(b"?")
        target = head.decode("latin-1")
        signature = b"x" if how == b"unsigned" else _sign(target, body)
        answers: list[Any] = []

        async def receive() -> Any:
            return {"type": "http.request", "body": body}

        async def send(message: Any) -> None:
            answers.append(message)

        scope = {
            "type": "http",
            "method": "POST",
            "path": path.decode("latin-1"),
            "raw_path": path,
            "query_string": query,
            "headers": [(b"x-twilio-signature", signature)],
        }
        loop.run_until_complete(webhook(scope, receive, send))
        status = answers[0]["status"]
        assert status in {200, 204, 400, 403, 404, 405, 413}, status
        if how == b"unsigned":
            assert status not in {200, 204} or path in {b"/live", b"/ready"}, "nobody had signed it"
        return f"{path[:20]!r} {status}"

    try:
        yield run
    finally:
        loop.close()


def _sign(target: str, body: bytes) -> bytes:
    """As the provider does: over the address and all fields."""
    try:
        fields = parse_qsl(body.decode(), keep_blank_values=True)
        signed = URL + target + "".join(name + value for name, value in sorted(set(fields)))
        return base64.b64encode(hmac.digest(TOKEN.encode(), signed.encode(), "sha1"))
    except ValueError:
        return b"none"


# --- files that people bring


@contextmanager
def open_consents() -> Iterator[Run]:
    about = ConsentImport("acme", "dana", NOW)

    def run(data: bytes) -> str:
        try:
            lines = list(read_consents(HeldFile("consents.csv", data), about))
        except OperationError as refused:
            return _words(refused)
        for line in lines:
            if line.event is not None:
                line.event.number_key.encode()
        return f"{len(lines)} lines, {sum(line.event is None for line in lines)} bad"

    yield run


@contextmanager
def open_people() -> Iterator[Run]:
    def run(data: bytes) -> str:
        try:
            found = read_people(HeldFile("people.csv", data), "acme")
        except OperationError as refused:
            return _words(refused)
        events = build_person_events(found, replace=True, now=NOW)
        return f"{len(events)} people, {len(found.bad)} bad"

    yield run


@contextmanager
def open_court_file() -> Iterator[Run]:
    def run(data: bytes) -> str:
        try:
            found = read_court_file(HeldFile("court.csv", data), None)  # type: ignore[arg-type]  # it opens either
        except OperationError as refused:
            return _words(refused)
        return f"{len(found.items)} events, {len(found.left_out)} left out"

    yield run


@contextmanager
def open_calendar() -> Iterator[Run]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "it.ics"

        def run(data: bytes) -> str:
            path.write_bytes(data)
            try:
                found = read_ics(path, NOW, "America/New_York", None)
            except OperationError as refused:
                return _words(refused)
            return f"{len(found.items) > 0} events, {len(found.left_out)} left out"

        yield run


@contextmanager
def open_settings() -> Iterator[Run]:
    def run(data: bytes) -> str:
        text = data.decode("utf-8", "replace")
        said = []
        for section, kind in (("tenants", TenantSettings), ("senders", Sender)):
            try:
                said.append(str(len(parse_settings(text, "it.yaml", section, kind))))
            except OperationError as refused:
                said.append(_words(refused))
        return " ".join(said)

    yield run


def _words(refused: OperationError) -> str:
    """Without what it quotes."""
    return " ".join(word for word in str(refused).split() if word.isalpha())[:40]


# --- the API


@contextmanager
def open_api() -> Iterator[Run]:
    """First line: method, path and query; the rest is a body of JSON. Whoever calls may do all."""
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        house = stack.enter_context(two_branches(Path(folder)))
        now = house.console.clock()
        key = house.api.keys.add(TENANT, "t", now, scopes=tuple(Scope), rate=HIGHEST_RATE)
        client = stack.enter_context(house.anonymous())
        headers = {"authorization": f"Bearer {key.written}", "content-type": "application/json"}

        def run(data: bytes) -> str:
            head, _, body = data.partition(b"\n")
            method, _, target = head.decode("latin-1").partition(" ")
            if method not in {"GET", "POST", "PUT", "PATCH", "DELETE"} or not target.startswith(
                "/v1/"
            ):
                return "no call"
            answer = client.request(
                method,
                _printable(target),
                content=body or None,
                headers=headers,
                follow_redirects=False,
            )
            house.kafka.published.clear()
            assert answer.status_code < 500 or answer.status_code == 503, answer.text
            if answer.status_code >= 400:
                assert answer.headers["content-type"] == "application/problem+json", answer.text
                assert answer.json()["title"]
            return f"{method} {answer.status_code} {answer.json().get('type', '')[-30:] if answer.status_code >= 400 else ''}"

        yield run


def _printable(target: str) -> str:
    """An address as a client can send it."""
    return "".join(one if 32 < ord(one) < 127 else f"%{ord(one):02X}" for one in target)


TARGETS: Final = (
    Target("webhook", "callbacks of the provider, signed and not", open_webhook, 2),
    Target("records", "records of every topic, and their dead letters", open_records, 2),
    Target("consents", "CSV files of consents", open_consents),
    Target("people", "CSV files of people", open_people),
    Target("court", "CSV files of courts", open_court_file),
    Target("calendar", "iCalendar files", open_calendar),
    Target("settings", "YAML files of tenants and senders", open_settings),
    Target("api", "calls of the HTTP API, with all rights", open_api, 2),
)
