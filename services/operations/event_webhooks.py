"""Endpoints of event webhooks: add, change, pause, test, look at deliveries, replay.

All of it is in the file of the process that delivers, in the state folder; no topic has a secret.
Who did what is recorded there too."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final, NamedTuple

from services.event_webhooks.addresses import AddressPolicy, Resolve, SystemResolver
from services.event_webhooks.deliveries import CHUNK, Deliveries, Delivery, DeliveryState
from services.event_webhooks.endpoints import Endpoint, Endpoints, EndpointState, NewSecret
from services.event_webhooks.event_types import TEST
from services.event_webhooks.payload import build_trial_body
from services.event_webhooks.store import Store, StoreError, from_ms
from services.operations.endpoint_fields import check_fields
from services.operations.errors import InvalidRequest, OperationFailed
from services.operations.validation import parse_tenant
from services.settings import ServiceSettings

MOST_ENDPOINTS: Final = 50
"""Of one tenant."""
KEEP_OLD_SECRET: Final = timedelta(hours=24)
LONGEST_KEEP: Final = timedelta(days=30)


class EndpointChange(NamedTuple):
    """What somebody did to an endpoint."""

    at: datetime | None
    endpoint: str
    tenant: str
    by: str
    action: str
    detail: str
    """JSON."""


class EndpointManager:
    """Use it with `open_endpoints`.  Every method that changes something says who does it."""

    def __init__(
        self, store: Store, policy: AddressPolicy, resolve: Resolve, tenant: str | None = None
    ) -> None:
        """`tenant`: for it alone; the endpoints and deliveries of others do not exist."""
        self._tenant = tenant
        self._store = store
        self._policy = policy
        self._resolve = resolve
        self._endpoints = Endpoints(store)
        self._deliveries = Deliveries(store)

    # --- endpoints

    def list(self, tenant: str | None = None) -> Sequence[Endpoint]:
        """Oldest first."""
        return [
            one
            for one in self._endpoints.all()
            if tenant in (None, one.tenant) and self._tenant in (None, one.tenant)
        ]

    def get(self, identity: str) -> Endpoint:
        """Raises InvalidRequest."""
        found = self._endpoints.find(identity)
        if found is None or self._tenant not in (None, found.tenant):
            raise InvalidRequest(
                f"There is no endpoint {identity!r}", "see `sayso event-webhooks endpoint list`"
            )
        return found

    async def add(self, tenant: str, by: str, **fields: Any) -> NewSecret:
        """`url`, `owner` and `events`; `about`, `numbers`, `texts` if wanted.

        The caller has checked that the tenant exists.  Raises OperationError."""
        parse_tenant(tenant)
        if self._tenant not in (None, tenant):
            raise InvalidRequest(f"There is no tenant {tenant!r}")
        if len(self.list(tenant)) >= MOST_ENDPOINTS:
            raise InvalidRequest(f"{tenant} has {MOST_ENDPOINTS} endpoints: delete one first")
        await self._check(fields)
        now = datetime.now(UTC)
        with self._store.transaction():
            made = self._endpoints.add(tenant, now, **fields)
            self._endpoints.record_change(made.endpoint, by, "added", now, **fields)
        return made

    async def change(self, identity: str, by: str, **fields: Any) -> Endpoint:
        """The fields of `add` that are given.  Events that wait already keep what they hold.

        Raises OperationError."""
        endpoint = self.get(identity)
        if not fields:
            raise InvalidRequest("Nothing to change: say what, for example --url")
        await self._check(fields)
        with self._store.transaction():
            self._endpoints.change(identity, **fields)
            self._endpoints.record_change(endpoint, by, "changed", datetime.now(UTC), **fields)
        return self.get(identity)

    def rotate(self, identity: str, by: str, keep: timedelta = KEEP_OLD_SECRET) -> NewSecret:
        """Make a new secret.  Until `keep` is over, events are signed with both.

        Raises OperationError."""
        endpoint = self.get(identity)
        if not timedelta(0) <= keep <= LONGEST_KEEP:
            raise InvalidRequest(
                f"The old secret may be kept for 0 to {LONGEST_KEEP.days * 24} hours"
            )
        now = datetime.now(UTC)
        with self._store.transaction():
            made = self._endpoints.rotate(identity, now, keep)
            self._endpoints.record_change(
                endpoint, by, "secret rotated", now, keep_hours=keep / timedelta(hours=1)
            )
        return made

    def pause(self, identity: str, by: str) -> Endpoint:
        """What happens from now on waits.  Raises OperationError."""
        return self._set_state(identity, by, EndpointState.PAUSED, "paused")

    def resume(self, identity: str, by: str) -> tuple[Endpoint, int]:
        """What waits is due at once.  How many that are.  Raises OperationError."""
        endpoint = self._set_state(identity, by, EndpointState.ACTIVE, "resumed")
        return endpoint, self._deliveries.hasten(identity, datetime.now(UTC))

    def delete(self, identity: str, by: str) -> Endpoint:
        """With all its deliveries; what was done to it stays on record.  Raises OperationError."""
        endpoint = self.get(identity)
        with self._store.transaction():
            self._endpoints.delete(identity)
            self._endpoints.record_change(endpoint, by, "deleted", datetime.now(UTC))
        return endpoint

    def list_changes(
        self, identity: str | None = None, most: int = 100
    ) -> Sequence[EndpointChange]:
        """Newest first, also of endpoints that are deleted."""
        found = self._store.rows(
            "SELECT * FROM changes WHERE (?1 IS NULL OR endpoint = ?1) AND (?2 IS NULL OR"
            " tenant = ?2) ORDER BY id DESC LIMIT ?3",
            identity,
            self._tenant,
            most,
        )
        return [EndpointChange(from_ms(row["at_ms"]), *tuple(row)[2:]) for row in found]

    # --- deliveries

    def count(self, identity: str) -> dict[str, int]:
        """Deliveries by state.  Raises InvalidRequest."""
        return self._deliveries.count(self.get(identity).id)

    def send_test(self, identity: str, by: str) -> Delivery:
        """Raises OperationError."""
        endpoint = self.get(identity)
        if endpoint.state != EndpointState.ACTIVE:
            raise InvalidRequest(
                f"{identity} is {endpoint.state}: nothing is delivered there", "resume it first"
            )
        now = datetime.now(UTC)
        body = build_trial_body(endpoint.tenant, identity, now)
        event_id = f"evt_test_{secrets.token_hex(16)}"
        with self._store.transaction():
            made = self._deliveries.add(identity, event_id, TEST, now, body, now)
            self._endpoints.record_change(endpoint, by, "tested", now)
        assert made is not None
        return self.get_delivery(made)

    async def wait_for_attempt(self, identity: int, patience: float) -> Delivery:
        """Until it was tried, or `patience` seconds are over.  Raises OperationError."""
        end = asyncio.get_running_loop().time() + patience
        while True:
            found = self.get_delivery(identity)
            if found.tried_at is not None or asyncio.get_running_loop().time() >= end:
                return found
            await asyncio.sleep(0.1)

    def get_delivery(self, identity: int) -> Delivery:
        """Raises InvalidRequest."""
        found = self._deliveries.find(identity)
        if found is None or (self._tenant and not self._is_ours(found)):
            raise InvalidRequest(
                f"There is no delivery {identity}",
                "see `sayso event-webhooks endpoint deliveries ENDPOINT`",
            )
        return found

    def page(
        self, identity: str, state: str | None = None, most: int = 100, before: int | None = None
    ) -> Sequence[Delivery]:
        """Newest first.  `before`: the id of the last one of the page before.

        Raises InvalidRequest."""
        self.get(identity)
        if state is not None and state not in [*DeliveryState]:
            raise InvalidRequest(f"{state!r} is no state", f"use {', '.join(DeliveryState)}")
        return self._deliveries.page(identity, state, most, before)

    def replay(self, identity: int, by: str) -> Delivery:
        """Deliver it once more, with the same id.  Raises OperationError."""
        delivery = self.get_delivery(identity)
        endpoint = self.get(delivery.endpoint)
        now = datetime.now(UTC)
        with self._store.transaction():
            self._deliveries.replay([identity], now)
            self._endpoints.record_change(endpoint, by, "replayed", now, delivery=identity)
        return self.get_delivery(identity)

    def replay_period(
        self,
        identity: str,
        first: datetime,
        end: datetime,
        by: str,
        *,
        every: bool = False,
        on_progress: Callable[[int, int | None], None] = lambda _done, _of: None,
    ) -> int:
        """Deliver events once more that happened from `first` and before `end`: those that were
        given up, or `every` one.  How many they are.  Raises OperationError."""
        endpoint = self.get(identity)
        if end <= first:
            raise InvalidRequest("The period ends before it begins")
        now = datetime.now(UTC)
        chosen = self._deliveries.list_period(identity, first, end, every=every)
        self._endpoints.record_change(
            endpoint,
            by,
            "replayed",
            now,
            first=first.isoformat(),
            end=end.isoformat(),
            every=every,
            count=len(chosen),
        )
        for start in range(0, len(chosen), CHUNK):
            with self._store.transaction():
                self._deliveries.replay(chosen[start : start + CHUNK], now)
            on_progress(min(start + CHUNK, len(chosen)), len(chosen))
        return len(chosen)

    # --- helpers

    def _is_ours(self, delivery: Delivery) -> bool:
        return any(one.id == delivery.endpoint for one in self.list())

    def _set_state(self, identity: str, by: str, state: EndpointState, action: str) -> Endpoint:
        endpoint = self.get(identity)
        if endpoint.state == state:
            raise InvalidRequest(f"{identity} is {state} already")
        with self._store.transaction():
            self._endpoints.set_state(identity, state)
            self._endpoints.record_change(endpoint, by, action, datetime.now(UTC))
        return self.get(identity)

    async def _check(self, fields: dict[str, Any]) -> None:
        """Raises InvalidRequest."""
        check_fields(fields)
        if "url" in fields:
            try:
                await self._policy.check_url(fields["url"], self._resolve)
            except ValueError as error:
                raise InvalidRequest("--url cannot be used", str(error)) from None


@contextmanager
def open_endpoints(
    state: Path, resolve: Resolve, *, allow_private: bool = False, tenant: str | None = None
) -> Iterator[EndpointManager]:
    """Open the file of that state folder; it is made if there is none.

    `resolve`: what asks DNS, such as `SystemResolver`.  `allow_private`: the setting
    SAYSO_WEBHOOKS_ALLOW_PRIVATE.  `tenant`: for it alone.  Raises OperationFailed."""
    try:
        store = Store(state)
        try:
            policy = AddressPolicy(allow_private=allow_private)
            yield EndpointManager(store, policy, resolve, tenant)
        finally:
            store.close()
    except StoreError as error:
        raise OperationFailed(str(error)) from None


@contextmanager
def manage_endpoints(
    settings: ServiceSettings, tenant: str | None = None
) -> Iterator[EndpointManager]:
    """`open_endpoints` where the settings say; the system's DNS is asked for addresses."""
    allow_private = settings.webhooks_allow_private
    with (
        closing(SystemResolver()) as resolve,
        open_endpoints(
            settings.state, resolve, allow_private=allow_private, tenant=tenant
        ) as manager,
    ):
        yield manager
