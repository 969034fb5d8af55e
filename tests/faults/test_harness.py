"""The short set of `make faults`, with a fixed seed; and that the harness would notice."""

from __future__ import annotations

import asyncio
import contextlib
import random
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.faults.harness import proxy as cutting
from tests.faults.harness import results
from tests.faults.harness.catalog import FAULTS
from tests.faults.harness.runner import Plan, run_plan
from tests.faults.harness.verdict import Verdict, at_rest, evaluate_run
from tests.faults.harness.watch import Watch
from tests.journal_report import CreateCall

SHORT = ("crash-request-written", "provider-reset-after")


@pytest.mark.broker
@pytest.mark.timeout(240)
async def test_the_short_set_holds() -> None:
    plan = Plan([FAULTS[name] for name in SHORT], quick=True, seed=5, call_timeout=1.0)
    found = [verdict async for verdict in run_plan(plan, lambda words: None)]
    assert {one.fault: one.wrong for one in found} == dict.fromkeys(SHORT, ())
    assert all(one.doubts for one in found), "without a doubt it proves nothing"


def feed_watch(watch: Watch, name: str, state: str, *attempts: tuple[str, str | None]) -> None:
    """What the topics would say of a text in the end, and of its one attempt on the way."""
    for at, code in attempts:
        watch.take("sms.attempts", {"message_id": name, "attempt": 1, "state": at, "code": code})
    watch.take("sms.outcomes", {"message_id": name, "version": 1, "state": state})


def call(name: str, outcome: str = "taken", t: float = 0.0, attempt: int = 1) -> CreateCall:
    return CreateCall(
        1,
        t,
        datetime.now(UTC),
        outcome,
        "+12125550100",
        "72970",
        1,
        ("harbor", name),
        attempt,
        None,
        None,
        True,
    )


def verdict(states: dict[str, Any], calls: list[CreateCall]) -> Verdict:
    watch = Watch("nowhere")
    for name, (state, *attempts) in states.items():
        feed_watch(watch, name, state, *attempts)
    watch.take("sms.usage-report", {"tenant": "harbor", "state": "all", "messages": 0})
    for state in {state for state, *_ in states.values()}:
        count = sum(state == other for other, *_ in states.values())
        watch.take("sms.usage-report", {"tenant": "harbor", "state": state, "messages": count})
    return evaluate_run("crash-on-open", {"a", "b"}, watch, calls, 1.0)


GOOD = ("delivered", ("sending", None), ("accepted", None))


@pytest.mark.parametrize(
    ("states", "calls", "wrong"),
    [
        pytest.param({"a": GOOD, "b": GOOD}, [call("a"), call("b")], [], id="all is well"),
        pytest.param(
            {"a": GOOD},
            [call("a")],
            ["1 lost: b", "1 not at rest in time (", "not accounted for"],
            id="unheard of",
        ),
        pytest.param(
            {"a": GOOD, "b": GOOD},
            [call("a")],
            ["1 lost: b", "1 told otherwise"],
            id="said to be out, and never taken",
        ),
        pytest.param(
            {"a": GOOD, "b": GOOD},
            [call("a"), call("b"), call("b", attempt=2)],
            ["1 sent twice: b"],
            id="sent twice, by two attempts",
        ),
        pytest.param(
            {"a": GOOD, "b": GOOD},
            [call("a"), call("b"), call("b", "not-taken")],
            ["1 an attempt was called twice: b"],
            id="called twice",
        ),
        pytest.param(
            {"a": GOOD, "b": ("canceled", ("canceled", None))},
            [call("a"), call("b")],
            ["1 told otherwise"],
            id="canceled, and sent",
        ),
        pytest.param(
            {"a": GOOD, "b": ("queued", ("queued", None))},
            [call("a")],
            ["1 lost: b", "1 not at rest in time ("],
            id="stuck in the queue",
        ),
        pytest.param(
            {"a": GOOD, "b": ("in_doubt", ("in_doubt", None))},
            [call("a"), call("b")],
            ["1 not at rest in time ("],
            id="in doubt, and no person has it",
        ),
        pytest.param(
            {"a": GOOD, "b": ("in_doubt", ("in_doubt", None), ("in_doubt", "unclear"))},
            [call("a"), call("b")],
            [],
            id="in doubt, and left to a person",
        ),
        pytest.param(
            {"a": GOOD, "b": ("deferred", ("in_doubt", None), ("deferred", "absent"))},
            [call("a")],
            [],
            id="proven absent, and to go again later",
        ),
        pytest.param(
            {"a": GOOD, "b": GOOD},
            [call("a"), call("b")] + [call("a", "limited", n / 50) for n in range(1, 80)],
            ["1 an attempt", "the pace was exceeded"],
            id="eighty calls in two seconds",
        ),
    ],
)
def test_what_must_not_be_is_noticed(
    states: dict[str, Any], calls: list[CreateCall], wrong: list[str]
) -> None:
    found = verdict(states, calls).wrong
    assert [said[: len(expected)] for said, expected in zip(found, wrong, strict=True)] == wrong, (
        found
    )


def test_usage_that_is_not_the_recount_is_noticed() -> None:
    watch = Watch("nowhere")
    feed_watch(watch, "a", *GOOD)
    assert evaluate_run("crash-on-open", {"a"}, watch, [call("a")], 1.0).wrong == (
        "usage is not the recount: {'delivered': -1}",
    )


def test_what_nobody_has_heard_of_does_not_rest() -> None:
    assert not at_rest("a", Watch("nowhere"))


@pytest.mark.timeout(20)
async def test_the_proxy_cuts_texts_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cutting, "SILENCE", 0)
    server = await asyncio.start_server(provider, "127.0.0.1", 0)
    proxy = cutting.Proxy(server.sockets[0].getsockname()[1], random.Random(2))
    await proxy.start()
    try:
        assert (await send_through(proxy, b"POST")).endswith(b"taken")
        proxy.share = 1.0
        assert (await send_through(proxy, b"GET")).endswith(b"taken")
        assert {await send_through(proxy, b"POST") for _ in range(8)} == {b""}
        assert proxy.cuts == 8
    finally:
        await proxy.stop()
        server.close()


async def provider(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(asyncio.IncompleteReadError, OSError):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 201 Created\r\nContent-Length: 5\r\n\r\ntaken")
        await writer.drain()
    writer.close()


async def send_through(proxy: cutting.Proxy, method: bytes) -> bytes:
    """All that comes back before the end, however it comes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", int(proxy.url.rpartition(":")[2]))
    writer.write(method + b" /Messages.json HTTP/1.1\r\n\r\n")
    writer.write_eof()
    try:
        return await reader.read()
    except ConnectionResetError:
        return b""
    finally:
        writer.transport.abort()


def test_rows_of_other_faults_stay_and_quick_ones_are_not_told(tmp_path: Path) -> None:
    kept, page = tmp_path / "faults.json", tmp_path / "README.md"
    page.write_text("before\n<!-- results -->\nold\n<!-- end of results -->\nafter\n")
    blank = Verdict("crash-on-open", 1, 9, 0, 0, 0, 0, 0, 0.0, 1.0, 1.0)
    results.save_results([blank], quick=False, path=kept)
    results.save_results([blank._replace(fault="joins")], quick=True, path=kept)
    rows = results.read_results(kept)
    results.write_table(rows, page)
    assert [row["fault"] for row in rows] == ["crash-on-open", "joins"]
    said = page.read_text()
    assert "kill -9 at on-open | 1 | 9 |" in said
    assert "joins" not in said
    assert said.startswith("before\n")
    assert said.endswith("after\n")
