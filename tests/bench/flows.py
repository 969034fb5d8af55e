"""The whole path as a flood and at an even load, and the stack at rest: results and tables.

CPU is also told as raw events: how many events raw aiokafka consumes, updates and produces for
as much CPU on this machine in the same minutes."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median

from rich.console import Group, RenderableType

from tests.bench import gate, idle, raw, steady, whole
from tests.bench.plan import Broker, Measured, Plan, Step
from tests.bench.results import Result, result
from tests.bench.screen import Bar, figures, table
from tests.soak.measures import percentile

FLOOD, EVEN = "end_to_end", "steady"
TO_FLOOD = "steady.to_flood_ratio"


async def flood(broker: Broker, plan: Plan, step: Step) -> Measured:
    async def one_run(run: int) -> whole.Flowed:
        show = step(f"The whole path, run {run + 1} of {plan.runs}", plan.messages)
        return await whole.one_run(broker.bootstrap, plan.messages, broker.pid, show)

    try:
        flowed, units = await raw.alternate(broker.bootstrap, plan.runs, one_run, step)
    except gate.InUse as why:
        return [], f"The whole path is left out: {why}"
    rate = result(f"{FLOOD}.messages_per_second", "1/s", [each.rate for each in flowed])
    spent = costs(FLOOD, [(each.spent, each.messages) for each in flowed], units)
    path = table(
        "The whole path: request, gate, dispatch, provider, webhook, outcome",
        "messages/s",
        [Bar("on all cores, with broker and simulator", rate.value)],
    )
    return [rate, *spent], Group(path, by_process("CPU by process", FLOOD, spent))


async def even(broker: Broker, plan: Plan, step: Step) -> Measured:
    async def one_run(run: int) -> steady.Steadied:
        words = f"{steady.RATE:g} a second, run {run + 1} of {plan.runs}"
        show = step(words, int(steady.RATE * plan.steady))
        return await steady.one_run(broker.bootstrap, plan.steady, broker.pid, show)

    try:
        flowed, units = await raw.alternate(broker.bootstrap, plan.runs, one_run, step)
    except gate.InUse as why:
        return [], f"The even load is left out: {why}"
    spent = costs(EVEN, [(each.spent, each.messages) for each in flowed], units)
    soon = [
        result(
            f"request_to_delivered.{name}_seconds",
            "s",
            [percentile(share, each.soon) for each in flowed],
        )
        for name, share in (("p50", 0.5), ("p99", 0.99))
    ]
    words = (
        "seconds from a request to its outcome `delivered`, median",
        "the same, 99th percentile",
    )
    told = figures("At that load", list(zip(words, [one.value for one in soon], strict=True)))
    title = f"CPU by process, {steady.RATE:g} messages a second"
    return [*spent, *soon], Group(by_process(title, EVEN, spent), told)


async def at_rest(broker: Broker, plan: Plan, step: Step) -> Measured:
    try:
        seen = await idle.some_runs(broker.bootstrap, plan.idle, plan.runs, broker.pid, step)
    except gate.InUse as why:
        return [], f"The stack at rest is left out: {why}"
    cores = _with_sum("idle.cores", "cores", [each.cores for each in seen])
    memory = _with_sum(
        "idle.memory_mb", "MB", [{k: v / 2**20 for k, v in each.memory.items()} for each in seen]
    )
    of = {one.name.removeprefix("idle.memory_mb"): f"{one.value:,.0f}" for one in memory}
    bars = [
        Bar(
            _part("idle.cores", one.name),
            100 * one.value,
            (of.get(one.name.removeprefix("idle.cores"), ""),),
        )
        for one in [*cores[1:], *cores[:1]]
    ]
    return [*cores, *memory], table(f"All idle for {plan.idle:g} s", "% of a core", bars, "MB")


def costs(
    name: str, runs: Sequence[tuple[dict[str, float], int]], units: Sequence[float]
) -> list[Result]:
    """Of runs that spent CPU seconds by process on so many messages, and raw aiokafka's
    microseconds an event beside each.  The ratio is the median of each run's own."""
    each = [
        {part: seconds / messages * 1e3 for part, seconds in spent.items()}
        for spent, messages in runs
    ]
    found = _with_sum(f"{name}.cpu_ms_per_message", "ms", each)
    if units and found:
        found.append(result(f"{name}.raw_cpu_us_per_event", "us", units))
        ratios = [ms * 1000 / unit for ms, unit in zip(found[0].runs, units, strict=True)]
        found.append(result(f"{name}.raw_events_per_message", "", ratios))
    return found


def to_flood(found: Sequence[Result]) -> Measured | None:
    """In raw events, for the two were not measured in the same minutes.  None unless both were,
    now."""
    runs = {one.name: one.runs for one in found}
    even, flood = (runs.get(f"{name}.raw_events_per_message") for name in (EVEN, FLOOD))
    if not even or not flood:
        return None
    ratio = result(TO_FLOOD, "", [a / b for a, b in zip(even, flood, strict=True)])
    return [ratio], figures(
        "The even load", [("times the CPU of a message in a flood", ratio.value)]
    )


def by_process(title: str, name: str, found: Sequence[Result]) -> RenderableType:
    """With what is spent together last."""
    cpu = f"{name}.cpu_ms_per_message"
    units = [one.runs for one in found if one.name == f"{name}.raw_cpu_us_per_event"]
    ratio = next((one.value for one in found if one.name == f"{name}.raw_events_per_message"), None)
    unit = median(units[0]) if units else None
    bars = [
        Bar(
            _part(cpu, one.name),
            one.value,
            (f"{one.value * 1000 / unit:,.0f}" if unit else "unknown",),
        )
        for one in found
        if one.name.startswith(f"{cpu}.")
    ]
    total = [
        Bar("together", one.value, (f"{ratio:,.0f}" if ratio else "unknown",))
        for one in found
        if one.name == cpu
    ]
    return table(title, "ms/message", bars + total, "raw events")


def _with_sum(name: str, unit: str, runs: Sequence[dict[str, float]]) -> list[Result]:
    """First what all come to, then each by itself; nothing where the system tells nothing."""
    if not all(runs):
        return []
    by_part = [result(f"{name}.{part}", unit, [each[part] for each in runs]) for part in runs[0]]
    return [result(name, unit, [sum(each.values()) for each in runs]), *by_part]


def _part(name: str, of: str) -> str:
    return of.removeprefix(f"{name}.") if of != name else "together"
