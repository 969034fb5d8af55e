"""The console over a ledger that a test has filled: no broker, no browser, the real application."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pydantic import SecretStr
from starlette.testclient import TestClient

from schemas.base import Message
from schemas.topics import Topic
from services.console.access import COOKIE
from services.console.accounts.sessions import Sessions
from services.console.accounts.store import Store
from services.console.accounts.users import Users
from services.console.api.api import Api
from services.console.api.idempotency import Idempotency
from services.console.api.idempotency_store import IdempotencyStore
from services.console.app import build_app
from services.console.console import Console
from services.console.viewer import ANY, Grant, Role
from services.ledger.ledger import FILE
from services.ledger.store import Store as LedgerStore
from services.operations.session import Session
from services.settings import ServiceSettings

URL = "http://127.0.0.1:8430"
NOWHERE = "127.0.0.1:1"
FROM_A_PAGE = {"sec-fetch-site": "same-origin"}
"""What a browser says of a request that a page of the console made."""


class KeptSession(Session):
    """Keeps what would be published. For tests of what a page asks for; what comes of it is shown
    with a broker."""

    def __init__(self) -> None:
        super().__init__(NOWHERE, source="console")
        self.published: list[tuple[str, Message]] = []

    async def publish(self, topic: Topic[Any], messages: Sequence[Any]) -> None:
        self.published += [(topic.name, message) for message in messages]

    async def require_topic(self, topic: Topic[Any]) -> None:
        pass

    async def require_tenants(self, *tenants: str) -> None:
        pass

    async def wait_for(self, ledger: Any, find: Any, patience: float = 0) -> Any:
        return find()


class Harness:
    def __init__(self, state: Path, console: Console, kafka: KeptSession) -> None:
        self.state = state
        self.console = console
        self.kafka = kafka
        self.api = Api(console, Idempotency(IdempotencyStore(state)))
        self.app = build_app(console, self.api)

    def anonymous(self) -> TestClient:
        return TestClient(self.app, base_url=URL, headers=FROM_A_PAGE, raise_server_exceptions=True)

    def signed_in(
        self, *roles: Role, tenant: str = ANY, branch: str = ANY, name: str = "dana"
    ) -> TestClient:
        """A browser of somebody with these roles."""
        users = Users(self.console.store)
        now = self.console.clock()
        grants = [Grant(tenant, branch, role) for role in roles]
        if users.find(name) is None:
            users.add(name, name.title(), grants, now)
        else:
            users.set_grants(name, grants)
        client = self.anonymous()
        client.cookies.set(COOKIE, Sessions(self.console.store, users).begin(name, now))
        return client


@contextmanager
def console_on(
    state: Path, now: datetime | None = None, *, ledger_url: str = ""
) -> Iterator[Harness]:
    """Fill the ledger in `state` before (`tests.adapters.ledger_filler`), or leave it empty.
    `ledger_url`: one in a database instead, which is there already."""
    if not ledger_url:
        LedgerStore(state / FILE).close()
    store = Store(state)
    kafka = KeptSession()
    at = now or datetime.now(UTC)
    settings = ServiceSettings(state=state, ledger_url=SecretStr(ledger_url))
    console = Console(settings, URL, store, kafka, lambda: at)
    try:
        yield Harness(state, console, kafka)
    finally:
        store.close()
