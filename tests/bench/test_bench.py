"""A rate of wrong results is worth nothing: every contender does the job, and what does not is noticed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from schemas.topics import USAGE_REPORT
from streams.gate.dialable import dialable
from streams.step import Settings
from streams.usage import usage, usage_woke
from tests.bench import counting, job, ledger, people
from tests.bench.plain import CONTENDERS, Contender, available, one_run, source_of
from tests.bench.results import keep, result
from tests.core.drive import Drive

EVENTS = 2000


@pytest.mark.broker
@pytest.mark.parametrize("contender", CONTENDERS, ids=lambda contender: contender.name)
async def test_every_contender_counts_each_event_once(contender: Contender, bootstrap: str) -> None:
    if not available(contender):
        pytest.skip("Quix Streams is not installed: `make bench` does it, into .venv-bench")
    source = await source_of(bootstrap, EVENTS)
    seen = await one_run(bootstrap, contender, source)
    assert job.wrong(seen.values, EVENTS) == ""
    assert len({json.loads(value)["key"] for value in seen.values}) == job.KEYS


def outputs(count: int) -> list[bytes]:
    """What a right contender puts out."""
    n: dict[str, int] = {}
    said = []
    for i in range(1, count + 1):
        n[job.key_of(i)] = n.get(job.key_of(i), 0) + 1
        said.append({"key": job.key_of(i), "i": i, "n": n[job.key_of(i)]})
    return [json.dumps(one).encode() for one in said]


def test_events_have_the_size_they_are_said_to_have() -> None:
    assert {len(value) for _, value in job.events(EVENTS)} == {job.BYTES}


def test_right_outputs_pass() -> None:
    assert job.wrong(outputs(EVENTS), EVENTS) == ""


@pytest.mark.parametrize(
    "spoiled",
    [
        pytest.param(outputs(EVENTS)[:-1], id="one is lost"),
        pytest.param([*outputs(EVENTS), outputs(EVENTS)[-1]], id="one is repeated"),
        pytest.param([value.replace(b'"n": 2', b'"n": 3') for value in outputs(EVENTS)], id="one is counted twice"),
        pytest.param(list(reversed(outputs(EVENTS))), id="not in order"),
    ],
)
def test_wrong_outputs_are_noticed(spoiled: list[bytes]) -> None:
    assert job.wrong(spoiled, EVENTS)


def test_every_number_can_be_texted_so_that_the_gate_sends() -> None:
    numbers = {people.number(i) for i in range(100 * len(people.AREAS))}
    assert len(numbers) == 100 * len(people.AREAS)
    assert {dialable(number).problem for number in numbers} == {""}


def test_results_of_another_bench_are_kept(tmp_path: Path) -> None:
    path = tmp_path / "latest.json"
    keep([result("a", "1/s", [1.0, 3.0, 2.0]), result("b", "ms", [5.0])], path)
    keep([result("b", "ms", [7.0])], path)
    assert json.loads(path.read_text()) == [
        {"name": "a", "value": 2.0, "unit": "1/s", "runs": [1.0, 3.0, 2.0]},
        {"name": "b", "value": 7.0, "unit": "ms", "runs": [7.0]},
    ]


def test_a_report_that_is_no_recount_is_noticed() -> None:
    drives = {name: Drive(usage, usage_woke, name, Settings()) for name in counting.TENANTS}
    for outcome in counting.outcomes(80):
        drives[outcome.tenant].tell(outcome)
    lines = [USAGE_REPORT.encode(line) for drive in drives.values() for line in drive.all(USAGE_REPORT)]
    assert len(lines) == 80 // 2 * 3
    assert counting.wrong(lines, 80) == ""
    assert counting.wrong(lines[:-1], 80)


def test_stories_are_told_of_lives_that_are_whole(tmp_path: Path) -> None:
    told = ledger.stories(200)
    assert 0 < told.usual <= told.slowest
    assert len([*ledger.life(7)]) == ledger.EVENTS
