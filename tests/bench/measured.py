"""The benches, each with its results and its table."""

from __future__ import annotations

import asyncio
import re
import statistics
from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Final

from rich.console import Group, RenderableType

from services.ledger.ledger import FILE
from services.operations.errors import OperationError
from tests.bench import (
    api,
    big_ledger,
    casework,
    console,
    console_pages,
    flows,
    gate,
    kept,
    plain,
    remembered,
    restoring,
    sending,
    stopping,
    streams,
)
from tests.bench.plan import Broker, Measured, Plan, Step
from tests.bench.process import Ended
from tests.bench.results import LATEST, Result, result
from tests.bench.screen import Bar, figures, table
from tests.bench.watch import Seen, Stuck

FAULTS: Final = (Stuck, Ended, plain.Wrong, OperationError)


async def plain_job(broker: Broker, plan: Plan, step: Step) -> Measured:
    """All contenders in turn, and that as often as there are runs: a slow minute of the machine
    meets them all."""
    contenders = [contender for contender in plain.CONTENDERS if plain.available(contender)]
    sources = {
        share: await plain.source_of(broker.bootstrap, max(1, round(plan.events * share)))
        for share in {contender.share for contender in contenders}
    }
    seen: dict[str, list[Seen]] = defaultdict(list)
    for run in range(plan.runs):
        for contender in contenders:
            source = sources[contender.share]
            show = step(f"{contender.words}, run {run + 1} of {plan.runs}", source.events)
            seen[contender.name].append(
                await plain.one_run(broker.bootstrap, contender, source, show)
            )
    return [*_rates(contenders, seen), *to_quix(seen)], _compared(contenders, seen)


def _rates(contenders: list[plain.Contender], seen: dict[str, list[Seen]]) -> list[Result]:
    rates = [
        result(f"{one.name}.events_per_second", "1/s", [each.rate for each in seen[one.name]])
        for one in contenders
    ]
    spent = [
        result(f"{one.name}.cpu_us_per_event", "us", cpu)
        for one in contenders
        if (cpu := _cpu_us(seen[one.name]))
    ]
    return rates + spent


def to_quix(seen: Mapping[str, list[Seen]]) -> list[Result]:
    """Of each run's own rates, for both met the same minute of the machine; nothing where Quix
    is not installed."""
    names = {
        "quixstreams": "kit.to_quix_ratio",
        "quixstreams_exactly_once": "kit.to_quix_exactly_once_ratio",
    }
    return [
        result(
            name,
            "",
            [kit.rate / quix.rate for kit, quix in zip(seen["kit"], seen[other], strict=True)],
        )
        for other, name in names.items()
        if seen.get(other)
    ]


def _compared(contenders: list[plain.Contender], seen: dict[str, list[Seen]]) -> RenderableType:
    """The ratio is the median of each run's own: both met the same minute of the machine."""
    quix = seen.get("quixstreams")
    bars = []
    for one in contenders:
        runs = seen[one.name]
        ratio = (
            statistics.median(a.rate / b.rate for a, b in zip(runs, quix, strict=True))
            if quix
            else None
        )
        rate = statistics.median(each.rate for each in runs)
        bars.append(Bar(one.words, rate, (f"{ratio:.2f}" if ratio else "", _cpu(runs))))
    title = "One plain job: decode 265 B, update a row, one output, changelog; one process"
    missing = (
        [] if quix else ["Quix Streams is left out: `make bench` installs it into .venv-bench"]
    )
    return Group(table(title, "events/s", bars, "x Quix", "CPU us"), *missing)


def _cpu_us(seen: list[Seen]) -> list[float]:
    return [each.spent["process"] / each.outputs * 1e6 for each in seen if "process" in each.spent]


def _cpu(seen: list[Seen]) -> str:
    spent = _cpu_us(seen)
    return f"{statistics.median(spent):.1f}" if spent else "unknown"


async def gate_room(broker: Broker, plan: Plan, step: Step) -> Measured:
    seen = []
    try:
        for run in range(plan.runs):
            show = step(f"The gate, run {run + 1} of {plan.runs}", plan.requests)
            seen.append(await gate.one_run(broker.bootstrap, plan.requests, show))
    except gate.InUse as why:
        return [], f"The gate is left out: {why}"
    found = result("gate.decisions_per_second", "1/s", [each.rate for each in seen])
    bars = [Bar("the gate's worker", found.value, (_cpu(seen),))]
    return [found], table(
        "The gate, real texts, 4,000 numbers that said yes", "decisions/s", bars, "CPU us"
    )


async def restored(broker: Broker, plan: Plan, step: Step) -> Measured:
    step(f"Restore, {plan.rows:,} rows, {plan.runs} runs", plan.runs)
    rates = await restoring.runs(broker.bootstrap, plan.rows, plan.runs)
    found = result("restore.rows_per_second", "1/s", rates)
    bars = [Bar("a new owner of four partitions", found.value, (f"{plan.rows / found.value:.1f}",))]
    return [found], table(f"Restore of {plan.rows:,} rows", "rows/s", bars, "seconds")


async def stops(broker: Broker, plan: Plan, step: Step) -> Measured:
    try:
        show = step("STOPs race queued texts", plan.queued)
        seen = await stopping.one_run(broker.bootstrap, plan.queued, plan.backlog, show)
    except gate.InUse as why:
        return [], f"The race of STOPs is left out: {why}"
    shares = {"p50": 0.5, "p99": 0.99, "max": 1.0}
    found = [
        result(f"stop_to_effect.{name}_seconds", "s", [seen.percentile(at)])
        for name, at in shares.items()
    ]
    title = f"{len(seen.seconds)} STOPs, {plan.queued:,} texts queued, {plan.backlog:,} unjudged: append to last call"
    return found, table(
        title, "seconds", [Bar(name, one.value) for name, one in zip(shares, found, strict=True)]
    )


async def dispatch(broker: Broker, plan: Plan, step: Step) -> Measured:
    sent = []
    try:
        for run in range(plan.runs):
            show = step(f"Dispatch by itself, run {run + 1} of {plan.runs}", plan.messages)
            sent.append(await sending.one_run(broker.bootstrap, plan.messages, show))
    except gate.InUse as why:
        return [], f"Dispatch is left out: {why}"
    rate = result("dispatch.messages_per_second", "1/s", [each.rate for each in sent])
    soon = result("request_to_post.p99_seconds", "s", [each.percentile(0.99) for each in sent])
    half = result("request_to_post.p50_seconds", "s", [each.percentile(0.5) for each in sent])
    pace = result("pace.largest_window_ratio", "", [each.window_ratio for each in sent])
    cost = result("write_ahead.cost_ratio", "", [each.sure / each.bare for each in sent])
    shown = (
        (rate, "messages a second, one sender, one process"),
        (half, "seconds from a request to its call, median"),
        (soon, "seconds from a request to its call, 99th percentile"),
        (pace, f"of the pace allowed used at most, windows of {sending.WINDOW:g} s and more"),
        (cost, "times the CPU of the client alone: being sure"),
    )
    return [one for one, _ in shown], figures(
        "Dispatch by itself", [(words, one.value) for one, words in shown]
    )


async def memory(broker: Broker, plan: Plan, step: Step) -> Measured:
    step(f"Outcomes remembers {plan.lives:,} messages", 1)
    found = result("outcomes.bytes_per_message", "B", [await remembered.one_run(plan.lives)])
    return [found], figures(
        "Memory", [("bytes that outcomes keeps of a message that was delivered", found.value)]
    )


async def of_cases(broker: Broker, plan: Plan, step: Step) -> Measured:
    return await casework.of_cases(broker.bootstrap, plan, step)


async def of_lists(broker: Broker, plan: Plan, step: Step) -> Measured:
    """By the first word of each list's name: the slowest list of that kind."""
    size = big_ledger.Size(plan.listed, plan.listed // 10, plan.listed // 100)
    step(f"Lists among {plan.listed:,} messages", 1)
    folder = LATEST.parent / f"ledger-{plan.listed}"
    timings = await asyncio.to_thread(console.measure, folder, size)
    kinds = dict.fromkeys(re.split(r"\W", one.name)[0] for one in timings)
    slowest = {
        kind: max((one for one in timings if one.name.startswith(kind)), key=lambda one: one.p95_ms)
        for kind in kinds
    }
    found = [result(f"console.p95_ms.{kind}", "ms", [one.p95_ms]) for kind, one in slowest.items()]
    bars = [Bar(one.name, one.p95_ms, (f"{one.p50_ms:.1f}",)) for one in slowest.values()]
    title = f"The slowest lists among {plan.listed:,} messages, 95th percentile"
    lists = table(title, "ms", bars, "median")
    pages, drawn = await _of_pages(folder / FILE, plan, step)
    return [*found, *pages], Group(lists, drawn)


async def _of_pages(file: Path, plan: Plan, step: Step) -> Measured:
    """The slowest address of each page, and the CPU that it takes."""
    step(f"Pages among {plan.listed:,} messages", 1)
    timings = await asyncio.to_thread(console_pages.measure_pages, file)
    slowest = {
        page: max((one for one in timings if one.page == page), key=lambda one: one.p95_ms)
        for page in dict.fromkeys(one.page for one in timings)
    }
    found = [
        result(f"console.p95_ms.page.{page}", "ms", [one.p95_ms]) for page, one in slowest.items()
    ]
    bars = [
        Bar(f"{one.address}, {one.viewer}", one.p95_ms, (f"{one.cpu_p95_ms:.1f}",))
        for one in slowest.values()
    ]
    title = f"The slowest pages among {plan.listed:,} messages, 95th percentile"
    return found, table(title, "ms", bars, "CPU ms")


async def of_streams(broker: Broker, plan: Plan, step: Step) -> Measured:
    step(f"{streams.STREAMS} open pages", 1)
    seen = await streams.measure(broker.bootstrap)
    p99 = statistics.quantiles(seen.seconds, n=100, method="inclusive")[-1]
    found = [
        result("console.idle_streams_cpu_percent", "%", [seen.idle_percent]),
        result("console.change_seconds_p99", "s", [p99]),
    ]
    lines = [
        (f"{streams.STREAMS} open pages while nothing happens, % of a core", seen.idle_percent),
        ("from a record to an open page, 99th percentile, s", p99),
    ]
    return found, figures("Open pages", lines)


async def usage_room(broker: Broker, plan: Plan, step: Step) -> Measured:
    return await kept.usage_room(broker.bootstrap, plan.events, plan.runs, step)


async def the_ledger(broker: Broker, plan: Plan, step: Step) -> Measured:
    return await kept.the_ledger(broker.bootstrap, plan.events, plan.rows, plan.runs, step)


async def http_api(broker: Broker, plan: Plan, step: Step) -> Measured:
    texts = max(500, plan.requests // 4)
    step(f"API, {texts:,} texts, {plan.runs} runs", 1)
    single, batch = await api.some_runs(broker.bootstrap, texts, plan.runs)
    ratios = await api.compare_routes(plan.runs)
    found = []
    for name, called in (("api", single), ("api.batch", batch)):
        found.append(result(f"{name}.requests_per_second", "1/s", [one.rate for one in called]))
        cpu = [1e6 * one.cpu for one in called if one.cpu is not None]
        if cpu:
            found.append(result(f"{name}.cpu_us_per_call", "us", cpu))
    found.append(result("api.fastapi_to_hot_route_ratio", "ratio", ratios))
    words = {
        "api.requests_per_second": "texts a second, one a call, 64 callers",
        "api.cpu_us_per_call": "µs of CPU for such a call",
        "api.batch.requests_per_second": "texts a second in batches of 500, 4 callers",
        "api.batch.cpu_us_per_call": "µs of CPU for a batch of 500",
        "api.fastapi_to_hot_route_ratio": "CPU of a call through FastAPI's own handling, by ours",
    }
    return found, figures("HTTP API", [(words[one.name], one.value) for one in found])


BENCHES: Final[dict[str, Callable[[Broker, Plan, Step], Awaitable[Measured]]]] = {
    "plain": plain_job,
    "gate": gate_room,
    "restore": restored,
    "whole": flows.flood,
    "steady": flows.even,
    "idle": flows.at_rest,
    "dispatch": dispatch,
    "stops": stops,
    "usage": usage_room,
    "ledger": the_ledger,
    "remembered": memory,
    "cases": of_cases,
    "lists": of_lists,
    "streams": of_streams,
    "api": http_api,
}
