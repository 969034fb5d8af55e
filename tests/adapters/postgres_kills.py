"""A projector on PostgreSQL that is killed (-9) within its transactions, again and again:

    python -m tests.adapters.postgres_kills URL SCHEMA KILLS

Each life is a process of its own. It goes on from the positions that it finds, and kills itself
before a statement that chance has chosen; the last one lives. Prints how many were killed."""

from __future__ import annotations

import os
import random
import signal
import sys
from collections.abc import Sequence
from itertools import islice
from typing import Any

from services.ledger.location import PostgresLocation
from services.ledger.projection import Record, parse
from tests.adapters.test_postgres_answers import make_records

BATCH = 60
SEED = 7


def project(location: PostgresLocation, records: Sequence[Record], kill_at: int | None) -> None:
    from services.ledger.postgres.connection import Sql
    from services.ledger.postgres.store import PostgresStore

    store = PostgresStore(location)
    left = [kill_at or 1 << 60]
    execute = Sql.execute

    def mortal(self: Sql, sql: str, values: Sequence[Any] = ()) -> Any:
        left[0] -= self.in_transaction
        if left[0] <= 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return execute(self, sql, values)

    Sql.execute = mortal  # type: ignore[method-assign]
    while True:
        done = store.positions()
        coming = (one for one in records if one.offset >= done.get(one.partition, 0))
        batch = [*islice(coming, BATCH)]
        if not batch:
            return
        reached = {one.partition: one.offset + 1 for one in batch}
        parsed = [parse(one) for one in batch]
        known = {one: done[one] for one in reached if one in done}
        store.apply(parsed, reached, store.meta("generation"), known)


def main() -> None:
    url, schema, kills = sys.argv[1], sys.argv[2], int(sys.argv[3])
    location = PostgresLocation(url, schema)
    records = make_records(SEED)
    some = random.Random(SEED)
    killed = 0
    while True:
        kill_at = some.randrange(2, 90) if killed < kills else None
        child = os.fork()
        if child == 0:
            project(location, records, kill_at)
            os._exit(0)
        _, status = os.waitpid(child, 0)
        if os.WIFSIGNALED(status):
            killed += 1
        elif status or kill_at is None:
            print(killed)
            sys.exit(1 if status else 0)


if __name__ == "__main__":
    main()
