"""Alerts, dashboards and the scraping itself, held to Prometheus' own tools; and offsets, to
another Kafka client."""

from __future__ import annotations

import asyncio
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import yaml
from typer.main import get_command

from schemas.topics import SEND_REQUESTS
from services.cli.app import app
from services.observability import dashboards
from services.observability.lag_monitor import LagMonitor
from services.observability.metrics import METRICS, Kind
from services.ports import LOOPBACK, choose_port
from tests.bench import people
from tests.bench.gate import tell

FOLDER = Path("services/observability")
ALERTS = FOLDER / "prometheus" / "alerts.yml"
RULES = [
    rule for group in yaml.safe_load(ALERTS.read_text("utf-8"))["groups"] for rule in group["rules"]
]
QUERIES = [
    pytest.param(query, id=f"{name}: {panel.title}")
    for name, (_, panels) in dashboards.DASHBOARDS.items()
    for panel in panels
    for _, query in panel.queries
]


def needs(*binaries: str) -> pytest.MarkDecorator:
    missing = [binary for binary in binaries if shutil.which(binary) is None]
    return pytest.mark.skipif(
        bool(missing), reason=f"there is no {' and no '.join(missing)} on this machine"
    )


@needs("promtool")
@pytest.mark.parametrize(
    "command",
    ["check rules alerts.yml", "test rules alerts_test.yml", "check config prometheus.yml"],
)
def test_prometheus_own_word(command: str) -> None:
    said = subprocess.run(
        ["promtool", *command.split()],
        cwd=ALERTS.parent,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert said.returncode == 0, said.stdout + said.stderr


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule["alert"])
def test_an_alert_has_a_runbook_section(rule: dict[str, Any]) -> None:
    name = rule["alert"]
    assert f"\n### {name}\n" in (FOLDER / "README.md").read_text("utf-8")
    assert rule["annotations"]["runbook"] == f"{FOLDER}/README.md#{name.lower()}"


RUNBOOK = (FOLDER / "README.md").read_text("utf-8").partition("## Runbook\n")[2]
SECTIONS = dict(re.findall(r"(?ms)^### (\w+)\n(.*?)(?=^### |\Z)", RUNBOOK))


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule["alert"])
def test_a_runbook_section_has_symptoms_actions_and_an_end(
    rule: dict[str, Any],
) -> None:
    means, look, do, over = re.split(r"\n\*\*(?:Look|Do|Over)\*\*", SECTIONS[rule["alert"]])
    assert all(len(part.split()) >= 5 for part in (means, look, do, over))
    assert "`" in look + do, "something to type"


def test_the_runbook_has_no_section_that_nothing_points_to() -> None:
    assert list(SECTIONS) == [rule["alert"] for rule in RULES]


@pytest.mark.parametrize(
    "typed", sorted(set(re.findall(r"`(sayso [^`]+)`", RUNBOOK.replace("\n", " "))))
)
def test_what_the_runbook_types_is_a_command(typed: str) -> None:
    """Options and words, as the command line knows them; placeholders are in capitals."""
    at, words = get_command(app), typed.split()[1:]
    while words and words[0] in getattr(at, "commands", {}):
        at = at.commands[words.pop(0)]
    options = {name for option in at.params for name in option.opts}
    assert {word for word in words if word.startswith("-")} <= options
    takes = sum(option.param_type_name == "argument" for option in at.params)
    plain = [
        word
        for word, before in zip(words, ["", *words], strict=False)
        if not word.startswith("-") and not before.startswith("-")
    ]
    assert len(plain) <= takes, plain


def series() -> set[str]:
    """As Prometheus sees them: a histogram is three."""
    parts = {Kind.HISTOGRAM: ("_bucket", "_sum", "_count")}
    return {metric.name + part for metric in METRICS for part in parts.get(metric.kind, ("",))} | {
        "up"
    }


def named(query: str) -> set[str]:
    """Metrics that a query names: ours, and `up`."""
    return set(re.findall(r"\b(?:sayso|kafka)_\w+|\bup\b", query))


@pytest.mark.parametrize(
    "query", [*QUERIES, *[pytest.param(rule["expr"], id=rule["alert"]) for rule in RULES]]
)
def test_a_query_names_only_metrics_and_labels_that_are_there(query: str) -> None:
    assert named(query)
    assert named(query) <= series()
    labels = {label for metric in METRICS for label in metric.labels} | {"le", "job", "instance"}
    used = set(re.findall(r"[{,]\s*(\w+)\s*(?:=~|!~|!=|=)", query))
    used |= {
        word for by in re.findall(r"\bby \(([^)]*)\)", query) for word in re.split(r",\s*", by)
    }
    assert used <= labels


def test_a_query_that_names_nothing_known_would_be_noticed() -> None:
    assert not named("rate(sayso_never_was_total[5m])") <= series()


@pytest.mark.parametrize("name", dashboards.DASHBOARDS)
def test_the_dashboards_are_the_generated_ones(name: str) -> None:
    assert (dashboards.FOLDER / f"{name}.json").read_text("utf-8") == dashboards.render(name)


PATIENCE = 90.0
"""Seconds for what is bound to happen on a machine that has much else to do; only what is lost
takes so long."""
TRIES = 3


@asynccontextmanager
async def process(*command: str, **told: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """Started; ended with the block, by SIGTERM."""
    running = await asyncio.create_subprocess_exec(*command, env={**os.environ, **told})
    try:
        yield running
    finally:
        if running.returncode is None:
            running.terminate()
        await running.wait()


async def port_of(running: asyncio.subprocess.Process, *files: Path) -> int:
    """What it writes into the last of them, once all are there."""
    async with asyncio.timeout(PATIENCE):
        while not all(file.exists() and file.read_text() for file in files):
            assert running.returncode is None, "it has ended"
            await asyncio.sleep(0.05)
    return int(files[-1].read_text())


def scraping(folder: Path, ports: dict[str, int]) -> Path:
    """A scrape may take as long as there is between two."""
    jobs = [
        {"job_name": name, "static_configs": [{"targets": [f"{LOOPBACK}:{port}"]}]}
        for name, port in ports.items()
    ]
    file = folder / "prometheus.yml"
    often = {"scrape_interval": "2s", "scrape_timeout": "2s"}
    file.write_text(
        yaml.safe_dump(
            {
                "global": often,
                "rule_files": [str(ALERTS.absolute())],
                "scrape_configs": jobs,
            }
        )
    )
    return file


@asynccontextmanager
async def prometheus(folder: Path, ports: dict[str, int]) -> AsyncIterator[aiohttp.ClientSession]:
    """Ready to be asked.  It cannot be told to take any port: on one that somebody else was
    quicker to take it ends."""
    config = scraping(folder, ports)
    for _ in range(TRIES):
        ours = choose_port()
        told = {
            "config.file": config,
            "web.listen-address": f"{LOOPBACK}:{ours}",
            "storage.tsdb.path": folder / "tsdb",
            "log.level": "error",
        }
        command = ("prometheus", *[f"--{option}={value}" for option, value in told.items()])
        async with (
            process(*command) as running,
            aiohttp.ClientSession(f"http://{LOOPBACK}:{ours}") as web,
        ):
            if await ready(running, web):
                yield web
                return
    raise AssertionError(f"prometheus has ended {TRIES} times")


async def ready(running: asyncio.subprocess.Process, web: aiohttp.ClientSession) -> bool:
    """False: it has ended."""
    async with asyncio.timeout(PATIENCE):
        while running.returncode is None:
            try:
                async with web.get("/-/ready") as answer:
                    if answer.status == 200:
                        return True
            except aiohttp.ClientError:
                pass
            await asyncio.sleep(0.1)
    return False


async def asked(
    web: aiohttp.ClientSession, query: str, wanted: dict[str, float]
) -> dict[str, float]:
    """The query's answer by job, as soon as it is what was wanted; the last one, if it never is."""
    found: dict[str, float] = {}
    with suppress(TimeoutError):
        async with asyncio.timeout(PATIENCE):
            while found != wanted:
                await asyncio.sleep(0.2)
                async with web.get("/api/v1/query", params={"query": query}) as answer:
                    result = (await answer.json())["data"]["result"]
                found = {one["metric"].get("job", ""): float(one["value"][1]) for one in result}
    return found


@needs("prometheus")
@pytest.mark.broker
@pytest.mark.timeout(400)
async def test_prometheus_scrapes_a_worker_and_the_exporter(
    fresh_cluster: str, tmp_path: Path
) -> None:
    told = {"SAYSO_BOOTSTRAP": fresh_cluster, "SAYSO_STATE": str(tmp_path)}
    worker = (
        sys.executable,
        "-m",
        "services.workers",
        "usage",
        "--ready-file",
        str(tmp_path / "ready"),
    )
    exporter = (
        sys.executable,
        "-m",
        "services.observability",
        "--port",
        "0",
        "--port-file",
        str(tmp_path / "lag"),
    )
    metrics = {"SAYSO_METRICS_PORT": "0", "SAYSO_METRICS_PORT_FILE": str(tmp_path / "port")}
    async with process(*worker, **told, **metrics) as works, process(*exporter, **told) as looks:
        ports = {
            "worker": await port_of(works, tmp_path / "ready", tmp_path / "port"),
            "exporter": await port_of(looks, tmp_path / "lag"),
        }
        async with prometheus(tmp_path, ports) as web:
            for query, wanted in (
                ("up", {"worker": 1.0, "exporter": 1.0}),
                ('sayso_partitions{room="usage"}', {"worker": 4.0}),
                (
                    'sum by (job) (kafka_consumergroup_group_sum_lag{group="sayso.usage"})',
                    {"exporter": 0.0},
                ),
                (
                    'sum by (job) (sayso_lag_verdict{group="sayso.usage",verdict="OK"})',
                    {"exporter": 4.0},
                ),
            ):
                assert await asked(web, query, wanted) == wanted, query


@needs("kcat")
@pytest.mark.broker
async def test_another_client_sees_the_same_offsets_and_records(fresh_cluster: str) -> None:
    """kcat is librdkafka's: nothing of it is ours or aiokafka's."""
    requests = list(people.requests(40, "kcat"))
    await tell(fresh_cluster, SEND_REQUESTS, requests)
    async with LagMonitor(fresh_cluster, {"sayso.gate": [SEND_REQUESTS.name]}) as watch:
        ours = {line.partition: line.end for line in (await watch.take_sample()).lines}
    assert sum(ours.values()) == 40
    assert await asyncio.to_thread(ends, fresh_cluster, sorted(ours)) == ours
    read = await asyncio.to_thread(
        kcat, fresh_cluster, "-C", "-t", SEND_REQUESTS.name, "-o", "beginning", "-e", "-q", "-J"
    )
    records = [json.loads(line) for line in read.splitlines()]
    sent = {one.message_id: SEND_REQUESTS.encode(one).decode() for one in requests}
    assert {json.loads(one["payload"])["message_id"]: one["payload"] for one in records} == sent
    assert {one["key"] for one in records} == {SEND_REQUESTS.key(one) for one in requests}


def ends(bootstrap: str, partitions: list[int]) -> dict[int, int]:
    queries = [word for n in partitions for word in ("-t", f"{SEND_REQUESTS.name}:{n}:-1")]
    said = kcat(bootstrap, "-Q", *queries)
    return {int(n): int(end) for n, end in re.findall(r"\[(\d+)\] offset (\d+)", said)}


def kcat(bootstrap: str, *arguments: str) -> str:
    said = subprocess.run(
        ["kcat", "-b", bootstrap, *arguments],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert said.returncode == 0, said.stderr
    return said.stdout
