"""The plain job in Faust's own idiom: an agent, a table with its changelog, an awaited send."""

from __future__ import annotations

import faust

from tests.bench.contenders.options import Told, told


class Event(faust.Record, serializer="json"):
    key: str
    i: int
    tenant: str
    at: str
    body: str


def app_of(given: Told) -> faust.App:
    app = faust.App(
        given.name,
        broker=f"kafka://{given.bootstrap}",
        datadir=str(given.folder),
        web_enabled=False,
        topic_partitions=given.partitions,
        topic_replication_factor=1,
        worker_redirect_stdouts=False,
    )
    source = app.topic(given.source, key_type=str, key_serializer="raw", value_type=Event)
    output = app.topic(given.output, key_type=str, key_serializer="raw", value_serializer="json")
    rows = app.Table("rows", default=lambda: {"n": 0, "total": 0}, partitions=given.partitions)

    @app.agent(source)
    async def count(stream: faust.StreamT) -> None:
        async for event in stream:
            row = rows[event.key]
            row = {"n": row["n"] + 1, "total": row["total"] + event.i}
            rows[event.key] = row
            await output.send(key=event.key, value={"key": event.key, "i": event.i, "n": row["n"]})

    return app


if __name__ == "__main__":
    faust.Worker(app_of(told()), loglevel="error").execute_from_commandline()
