"""`python -m services.event_webhooks`: deliver event webhooks until told to stop."""

from __future__ import annotations

import argparse
import asyncio
import fcntl
import os
import sys
from collections.abc import Coroutine, Iterator
from contextlib import AsyncExitStack, closing, contextmanager
from pathlib import Path
from typing import Any, Final

from aiokafka.errors import KafkaError

from services.event_webhooks.addresses import AddressPolicy, SystemResolver
from services.event_webhooks.attempt import Attempts
from services.event_webhooks.delivery_loop import DeliveryLoop
from services.event_webhooks.housekeeping import Housekeeping
from services.event_webhooks.owner_mail import OwnerMails
from services.event_webhooks.store import Store, StoreError
from services.event_webhooks.topic_follower import RecordsLost, TopicFollower
from services.kafka.broker_wait import wait_for_broker
from services.ledger.topic_reader import TopicReaderError
from services.notify.mail import MailError, Server, server_of
from services.observability.health import serve_health
from services.observability.logs import set_up
from services.observability.metrics import EVENT_WEBHOOKS
from services.observability.registry import MetricRegistry
from services.parent_watch import watch_parent
from services.ports import CannotListen, announce_port
from services.process import stop_on_signals
from services.settings import ServiceSettings, SettingsError, from_environment

LOCK: Final = "event-webhooks.lock"
FAILED: Final = 70
"""The exit code where something failed, and a restart is safe."""


class AlreadyRunning(Exception):
    """One sentence."""


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m services.event_webhooks", description=__doc__)
    parser.add_argument("--ready-file", type=Path, help="created once the topics are read")
    return parser.parse_args()


def read_mail_settings(settings: ServiceSettings) -> tuple[Server | None, str]:
    """The server, and our address; no server where owners cannot be told.  Raises SettingsError."""
    sender = settings.mail_from or settings.support_address
    if not settings.smtp_url.get_secret_value() or not sender:
        return None, ""
    try:
        return server_of(settings.smtp_url), sender
    except MailError as error:
        raise SettingsError(f"SAYSO_SMTP_URL cannot be used: {error}") from None


@contextmanager
def _be_the_only_one(state: Path) -> Iterator[None]:
    """Two processes would deliver everything twice.  Raises AlreadyRunning."""
    state.mkdir(parents=True, exist_ok=True, mode=0o700)
    lock = os.open(state / LOCK, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError:
        raise AlreadyRunning(
            f"Event webhooks are already delivered from {state}: stop that process first"
        ) from None
    finally:
        os.close(lock)


async def _run(given: argparse.Namespace, settings: ServiceSettings) -> None:
    server, sender = read_mail_settings(settings)
    bootstrap = settings.required_bootstrap
    stop = stop_on_signals()
    if not await wait_for_broker(settings, stop):
        return
    metrics = MetricRegistry(EVENT_WEBHOOKS)
    async with AsyncExitStack() as stack:
        stack.enter_context(_be_the_only_one(settings.state))
        store = stack.enter_context(closing(Store(settings.state)))
        resolve = stack.enter_context(closing(SystemResolver()))
        policy = AddressPolicy(allow_private=settings.webhooks_allow_private)
        attempts = await stack.enter_async_context(Attempts(policy, resolve))
        loop = DeliveryLoop(store, attempts, metrics)
        follower = TopicFollower(store, bootstrap, metrics, loop.notice, settings.accept_loss)
        if settings.metrics_port is not None:
            health = serve_health(
                settings.metrics_host,
                settings.metrics_port,
                metrics,
                lambda: {"following": follower.is_following},
            )
            port = await stack.enter_async_context(health)
            if settings.metrics_port_file:
                announce_port(settings.metrics_port_file, port)
        await _work(
            stop,
            loop.run(stop),
            follower.run(stop, given.ready_file.touch if given.ready_file else str),
            OwnerMails(store).send_all(server, sender, stop),
            Housekeeping(store, metrics).run(stop),
        )


async def _work(stop: asyncio.Event, *parts: Coroutine[Any, Any, None]) -> None:
    """Until all have ended.  The first that fails ends the others, and is raised."""
    tasks = [asyncio.create_task(part) for part in parts]
    done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_EXCEPTION)
    stop.set()
    await asyncio.wait(tasks)
    for task in (*done, *tasks):
        task.result()


def main() -> int:
    given = _arguments()
    watch_parent()
    set_up("event-webhooks")
    try:
        asyncio.run(_run(given, from_environment()))
    except (SettingsError, CannotListen, AlreadyRunning) as error:
        print(f"sayso: {error}", file=sys.stderr)
        return 2
    except (StoreError, TopicReaderError, RecordsLost) as error:
        print(f"sayso: {error}", file=sys.stderr)
        return 1
    except KafkaError as error:
        print(f"sayso: Kafka failed: {error}", file=sys.stderr)
        return FAILED
    return 0


if __name__ == "__main__":
    sys.exit(main())
