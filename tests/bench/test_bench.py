"""A rate of wrong results is worth nothing: every contender does the job, and what does not is
noticed."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import pytest

from schemas.topics import OUTCOMES, USAGE_REPORT
from streams.gate.number_validation import validate_number
from streams.processing import Settings
from streams.usage import usage, usage_on_timer
from tests.bench import cases, counting, flows, job, ledger, people, raw, remembered, steady, versus
from tests.bench.measured import to_quix
from tests.bench.plain import CONTENDERS, Contender, available, one_run, source_of
from tests.bench.plan import Plan
from tests.bench.process import Ended
from tests.bench.results import Result, keep, result
from tests.bench.watch import Seen, everything
from tests.core.harness import START, ProcessorHarness
from tests.simulation.log import Log

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


@pytest.mark.broker
async def test_everything_that_is_on_a_topic_is_read_at_once(bootstrap: str) -> None:
    source = await source_of(bootstrap, EVENTS)
    for _ in range(5):
        records = await everything(bootstrap, source.topic, job.PARTITIONS)
        assert sorted(one.value for one in records) == sorted(
            value for _, value in job.events(EVENTS)
        )


def test_right_outputs_pass() -> None:
    assert job.wrong(outputs(EVENTS), EVENTS) == ""


@pytest.mark.parametrize(
    "spoiled",
    [
        pytest.param(outputs(EVENTS)[:-1], id="one is lost"),
        pytest.param([*outputs(EVENTS), outputs(EVENTS)[-1]], id="one is repeated"),
        pytest.param(
            [value.replace(b'"n": 2', b'"n": 3') for value in outputs(EVENTS)],
            id="one is counted twice",
        ),
        pytest.param(list(reversed(outputs(EVENTS))), id="not in order"),
    ],
)
def test_wrong_outputs_are_noticed(spoiled: list[bytes]) -> None:
    assert job.wrong(spoiled, EVENTS)


def test_every_number_can_be_texted_so_that_the_gate_sends() -> None:
    numbers = {people.number(i) for i in range(100 * len(people.AREAS))}
    assert len(numbers) == 100 * len(people.AREAS)
    assert {validate_number(number).problem for number in numbers} == {""}


def test_results_of_another_bench_are_kept(tmp_path: Path) -> None:
    path = tmp_path / "latest.json"
    keep([result("a", "1/s", [1.0, 3.0, 2.0]), result("b", "ms", [5.0])], path)
    keep([result("b", "ms", [7.0])], path)
    assert json.loads(path.read_text()) == [
        {"name": "a", "value": 2.0, "unit": "1/s", "runs": [1.0, 3.0, 2.0]},
        {"name": "b", "value": 7.0, "unit": "ms", "runs": [7.0]},
    ]


def test_a_report_that_is_no_recount_is_noticed() -> None:
    harnesses = {
        name: ProcessorHarness(usage, usage_on_timer, name, Settings()) for name in counting.TENANTS
    }
    for outcome in counting.outcomes(80):
        harnesses[outcome.tenant].feed(outcome)
    lines = [line for harness in harnesses.values() for line in harness.published_on(USAGE_REPORT)]
    assert counting.reported({line.identity: line for line in lines}.values()) == counting.recount(
        80
    )
    assert counting.reported(
        {line.identity: line for line in lines[:-1]}.values()
    ) != counting.recount(80)


def test_stories_are_told_of_lives_that_are_whole(tmp_path: Path) -> None:
    told = ledger.stories(200)
    assert 0 < told.usual <= told.slowest
    assert len([*ledger.life(7)]) == ledger.EVENTS


def values(found: list[Result]) -> dict[str, float]:
    return {one.name: one.value for one in found}


def test_the_unit_of_a_run_is_the_mean_of_its_neighbours() -> None:
    assert raw.between([10.0, 20.0, 40.0]) == [15.0, 30.0]
    assert raw.between([]) == []


def test_costs_are_the_median_of_the_ratios_of_each_run() -> None:
    spent = [
        ({"gate": 0.1, "broker": 0.3}, 100),
        ({"gate": 0.2, "broker": 0.4}, 100),
        ({"gate": 1.0, "broker": 1.0}, 100),
    ]
    found = values(flows.costs("end_to_end", spent, [40.0, 20.0, 10.0]))
    assert found == {
        "end_to_end.cpu_ms_per_message": 6.0,
        "end_to_end.cpu_ms_per_message.gate": 2.0,
        "end_to_end.cpu_ms_per_message.broker": 4.0,
        "end_to_end.raw_cpu_us_per_event": 20.0,
        "end_to_end.raw_events_per_message": 300.0,
    }


def test_where_no_cpu_time_is_told_there_is_no_ratio() -> None:
    assert flows.costs("steady", [({}, 100)], []) == []
    assert flows.to_flood([result("steady.raw_events_per_message", "", [3.0])]) is None


def test_the_even_load_is_compared_with_its_own_runs_flood() -> None:
    found = [
        result("end_to_end.raw_events_per_message", "", [100.0, 200.0, 100.0]),
        result("steady.raw_events_per_message", "", [150.0, 200.0, 180.0]),
    ]
    across = flows.to_flood(found)
    assert across is not None
    assert across[0] == [Result("steady.to_flood_ratio", 1.5, "", [1.5, 1.0, 1.8])]


def test_the_kit_is_compared_with_quix_where_that_was_measured() -> None:
    def rates(*each: float) -> list[Seen]:
        return [Seen(1.0, round(rate), {}, []) for rate in each]

    seen = {"kit": rates(30, 40, 50), "quixstreams": rates(10, 20, 10)}
    assert values(to_quix(seen)) == {"kit.to_quix_ratio": 3.0}
    sure = seen | {"quixstreams_exactly_once": rates(5, 5, 5)}
    assert values(to_quix(sure)) == {
        "kit.to_quix_ratio": 3.0,
        "kit.to_quix_exactly_once_ratio": 8.0,
    }
    assert to_quix({"kit": seen["kit"]}) == []


def test_a_delay_ends_with_the_first_outcome_that_says_delivered() -> None:
    log = Log(1)
    for outcome in counting.outcomes(6):
        told = outcome.model_copy(update={"requested_at": START, "at": START})
        log.publish(
            OUTCOMES, told, int((START + timedelta(seconds=outcome.version)).timestamp() * 1000)
        )
        log.publish(OUTCOMES, told, int((START + timedelta(seconds=60)).timestamp() * 1000))
    records = log.entries[OUTCOMES.name, 0]
    assert steady.delays(records, START) == [2.0, 2.0, 2.0]
    assert steady.delays(records, START + timedelta(seconds=1)) == []


def test_outcomes_remembers_every_life_that_is_fed() -> None:
    waves, outcomes = remembered.lives(), remembered.Outcomes()
    outcomes.feed(waves, range(2), START + timedelta(minutes=1))
    lives = [json.loads(raw) for rows in outcomes.lane.stores.values() for raw in rows.raw.values()]
    assert len(lives) == outcomes.lane.entry_count == 2 * remembered.REAL
    assert {one["told"]["state"] for one in lives} == {"delivered"}


def test_what_outcomes_keeps_of_a_message_is_more_than_its_id() -> None:
    assert 100 < remembered.bytes_per_message(remembered.REAL) < 10_000


def test_every_party_and_every_reminder_is_requested() -> None:
    """Or it raises; sizes are those of what was planned."""
    measured = cases.measure(parties=400, reminders=3 * cases.A_CASE, real=1)
    assert 20 < measured.state_bytes_per_reminder < 1000
    assert measured.entries == 3 * (1 + 3 * cases.CLIENTS + cases.EVENTS)


PLAN = Plan(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, steady=8.0, idle=9.0, runs=2, only=("whole", "steady"))


def test_only_new_benches_give_new_options_to_another_checkout() -> None:
    old = [
        "--runs",
        "1",
        "--events",
        "1",
        "--requests",
        "2",
        "--messages",
        "3",
        "--rows",
        "4",
        "--queued",
        "5",
        "--backlog",
        "6",
    ]
    assert versus.options(PLAN) == [*old, "--steady-seconds", "8.0", "--only", "whole", "steady"]
    assert versus.options(PLAN._replace(only=("whole",))) == [*old, "--only", "whole"]


def test_ratios_are_of_each_pair_and_of_what_both_have_measured() -> None:
    pairs = [
        versus.Pair({"rate": 30.0, "new": 1.0, "nil": 1.0}, {"rate": 10.0, "old": 1.0, "nil": 0.0}),
        versus.Pair({"rate": 40.0, "new": 1.0, "nil": 1.0}, {"rate": 10.0, "old": 1.0, "nil": 0.0}),
    ]
    assert versus.by_name(pairs) == {"rate": [3.0, 4.0]}
    assert versus.drawn(pairs, [result("rate", "times", [3.0, 4.0])]).row_count == 1


def checkout(folder: Path, bench: str) -> Path:
    (folder / "tests" / "bench").mkdir(parents=True)
    for package in ("tests", "tests/bench"):
        (folder / package / "__init__.py").touch()
    (folder / "tests" / "bench" / "__main__.py").write_text(bench)
    (folder / ".bench").mkdir()
    (folder / ".bench" / "latest.json").write_text("what was there")
    return folder


def test_another_checkouts_results_stay_as_they_are(tmp_path: Path) -> None:
    bench = """import json, pathlib, sys
    here = pathlib.Path.cwd() / ".bench" / "latest.json"
    here.write_text(json.dumps([{"name": sys.argv[1], "value": 2.0}]))"""
    there = checkout(tmp_path, bench.replace("\n    ", "\n"))
    assert versus.figures(there, ["--only"]) == {"--only": 2.0}
    assert (there / ".bench" / "latest.json").read_text() == "what was there"


def test_another_checkouts_last_words_are_told(tmp_path: Path) -> None:
    there = checkout(tmp_path, "import sys; sys.exit('no such bench')")
    with pytest.raises(Ended, match="no such bench"):
        versus.figures(there, ["--only"])
