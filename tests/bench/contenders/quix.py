"""The plain job in Quix Streams: a StreamingDataFrame with state, as it comes.

`SAYSO_BENCH_GUARANTEE=exactly-once` for its transactions, `SAYSO_BENCH_COMMIT_EVERY=8000` for a
checkpoint after so many events.  Runs in an environment of its own, and imports nothing of ours."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

from quixstreams import Application

sys.path.insert(0, str(Path(__file__).parent))
from options import told

given = told()
app = Application(
    broker_address=given.bootstrap,
    consumer_group=given.name,
    auto_offset_reset="earliest",
    state_dir=given.folder,
    loglevel="ERROR",
    commit_every=int(os.environ.get("SAYSO_BENCH_COMMIT_EVERY", "0")),
    processing_guarantee=os.environ.get("SAYSO_BENCH_GUARANTEE", "at-least-once"),
)


def count(event: dict[str, Any], state: Any) -> dict[str, Any]:
    row = state.get("row", default={"n": 0, "total": 0})
    row = {"n": row["n"] + 1, "total": row["total"] + event["i"]}
    state.set("row", row)
    return {"key": event["key"], "i": event["i"], "n": row["n"]}


events = app.dataframe(app.topic(given.source, value_deserializer="json"))
events.apply(count, stateful=True).to_topic(app.topic(given.output, value_serializer="json"))
app.run()
