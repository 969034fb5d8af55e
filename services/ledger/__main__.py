"""`python -m services.ledger`: keep the ledger up to date with the topics and reconcile it, until
told to stop."""

from __future__ import annotations

import argparse
import asyncio
import gc
import logging
import sys
from collections.abc import Callable
from pathlib import Path

from services.kafka.broker_wait import wait_for_broker
from services.ledger.ledger import Ledger, LedgerError
from services.ledger.location import locate_ledger
from services.ledger.reconciliation import Reconciler
from services.parent_watch import watch_parent
from services.process import stop_on_signals
from services.settings import ServiceSettings, SettingsError, from_environment
from streams.memory import GC_THRESHOLDS


async def _run(settings: ServiceSettings, announce: Callable[[], object]) -> None:
    location, bootstrap = locate_ledger(settings), settings.required_bootstrap
    stop = stop_on_signals()
    if not await wait_for_broker(settings, stop):
        return
    ledger = Ledger.open(location)
    try:
        ledger.join()
        done = await ledger.catch_up(bootstrap)
        if done.rebuilt:
            print(f"ledger rebuilt: {done.rebuilt}", flush=True)
        announce()
        print(f"ledger at {location}: {done.records} records read, following", flush=True)
        reconciler = asyncio.create_task(Reconciler(location).run(bootstrap, stop))
        try:
            await ledger.follow(bootstrap, stop)
        finally:
            stop.set()
            await reconciler
    finally:
        ledger.close()


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m services.ledger", description=__doc__)
    parser.add_argument("--ready-file", type=Path)
    ready: Path | None = parser.parse_args().ready_file
    watch_parent()
    gc.set_threshold(*GC_THRESHOLDS)
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    try:
        asyncio.run(_run(from_environment(), ready.touch if ready else str))
    except (LedgerError, SettingsError) as error:
        print(f"sayso: {error}", file=sys.stderr)
        return 2 if isinstance(error, SettingsError) else 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
