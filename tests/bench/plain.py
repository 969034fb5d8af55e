"""The plain job through each contender, side by side: one process each, the same events, the
same reader outside."""

from __future__ import annotations

import tempfile
import uuid
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Final, NamedTuple

from tests.bench import job
from tests.bench.feed import make_topics, placed, publish
from tests.bench.process import PYTHON, ROOT, cpu_meter, running
from tests.bench.watch import Progress, Seen, unseen, watch

BENCH_VENV: Final = ROOT / ".venv-bench"
"""Quix Streams wants an older pydantic than ours."""
QUIX_PYTHON: Final = BENCH_VENV / "bin" / "python"


class Contender(NamedTuple):
    """`share` of the events it gets: rates are per second, and patience is not endless."""

    name: str
    words: str
    command: tuple[str, ...]
    share: float = 1.0
    environment: Mapping[str, str] = MappingProxyType({})
    own_topics: tuple[str, ...] = ()
    """What has to be there before it starts, by the suffix to its own name."""


def _module(name: str) -> tuple[str, ...]:
    return (PYTHON, "-m", f"tests.bench.contenders.{name}")


_QUIX: Final = (str(QUIX_PYTHON), str(Path(__file__).parent / "contenders" / "quix.py"))
CONTENDERS: Final = (
    Contender("kit", "Sayso's kit, all promises", _module("kit")),
    Contender("kit_untyped", "the kit, no field checked", _module("kit_untyped")),
    Contender("quixstreams", "Quix, at least once", _QUIX),
    Contender(
        "quixstreams_exactly_once",
        "Quix, exactly once",
        _QUIX,
        environment={"SAYSO_BENCH_GUARANTEE": "exactly-once", "SAYSO_BENCH_COMMIT_EVERY": "8000"},
    ),
    Contender(
        "raw_aiokafka", "aiokafka by hand", _module("raw_aiokafka"), own_topics=("changelog",)
    ),
    Contender("stock_faust", "Faust's own idiom", _module("stock_faust"), share=0.1),
)


def rows_topic(contender: Contender, name: str) -> list[str]:
    return (
        [f"sayso.{name}.rows"]
        if contender.name.startswith("kit")
        else [f"{name}.{own}" for own in contender.own_topics]
    )


class Source(NamedTuple):
    """Events that several contenders read, each from the beginning."""

    topic: str
    events: int


async def source_of(bootstrap: str, count: int) -> Source:
    topic = f"bench.events.{uuid.uuid4().hex[:8]}"
    await make_topics(bootstrap, job.PARTITIONS, topic)
    await publish(bootstrap, topic, placed(job.events(count), job.PARTITIONS))
    return Source(topic, count)


async def one_run(
    bootstrap: str, contender: Contender, source: Source, progress: Progress = unseen
) -> Seen:
    """Raises Ended, Stuck, or Wrong: a rate of wrong results is worth nothing."""
    name = f"bench.{contender.name}.{uuid.uuid4().hex[:8]}"
    output = f"{name}.out"
    await make_topics(bootstrap, job.PARTITIONS, output)
    own = rows_topic(contender, name)
    if own:
        await make_topics(bootstrap, job.PARTITIONS, *own, cleanup_policy="compact")
    with tempfile.TemporaryDirectory(prefix="sayso-bench-", ignore_cleanup_errors=True) as folder:
        command = [
            *contender.command,
            "--bootstrap",
            bootstrap,
            "--source",
            source.topic,
            "--output",
            output,
            "--name",
            name,
            "--partitions",
            str(job.PARTITIONS),
            "--folder",
            folder,
        ]
        async with running(command, Path(folder), contender.environment) as process:
            meter = cpu_meter({"process": process.pid})
            seen = await watch(bootstrap, output, job.PARTITIONS, source.events, meter, progress)
    if fault := job.wrong(seen.values, source.events):
        raise Wrong(f"{contender.name}: {fault}")
    return seen


class Wrong(Exception):
    """What a contender put out is not what the events call for."""


def available(contender: Contender) -> bool:
    return Path(contender.command[0]).exists()
