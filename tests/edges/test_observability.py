"""Alerts, dashboards and the scraping itself, held to Prometheus' own tools; and offsets, to another Kafka client."""

from __future__ import annotations

import asyncio
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import yaml

from schemas.topics import SEND_REQUESTS
from services.broker.ports import LOOPBACK, choose
from services.observability import dashboards
from services.observability.lag import Watch
from services.observability.metrics import METRICS, Kind
from tests.bench import people
from tests.bench.gate import tell
from tests.edges.waiting import LONGEST, until

FOLDER = Path("services/observability")
ALERTS = FOLDER / "prometheus" / "alerts.yml"
RULES = [rule for group in yaml.safe_load(ALERTS.read_text("utf-8"))["groups"] for rule in group["rules"]]
QUERIES = [
    pytest.param(query, id=f"{name}: {panel.title}")
    for name, (_, panels) in dashboards.DASHBOARDS.items() for panel in panels for _, query in panel.queries
]  # fmt: skip


def needs(*binaries: str) -> pytest.MarkDecorator:
    missing = [binary for binary in binaries if shutil.which(binary) is None]
    return pytest.mark.skipif(bool(missing), reason=f"there is no {' and no '.join(missing)} on this machine")


@needs("promtool")
@pytest.mark.parametrize(
    "command", ["check rules alerts.yml", "test rules alerts_test.yml", "check config prometheus.yml"]
)
def test_prometheus_own_word(command: str) -> None:
    said = subprocess.run(
        ["promtool", *command.split()], cwd=ALERTS.parent, capture_output=True, text=True, check=False, timeout=60
    )
    assert said.returncode == 0, said.stdout + said.stderr


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule["alert"])
def test_an_alert_has_a_runbook_section(rule: dict[str, Any]) -> None:
    name = rule["alert"]
    assert f"\n### {name}\n" in (FOLDER / "README.md").read_text("utf-8")
    assert rule["annotations"]["runbook"] == f"{FOLDER}/README.md#{name.lower()}"


def series() -> set[str]:
    """As Prometheus sees them: a histogram is three."""
    parts = {Kind.HISTOGRAM: ("_bucket", "_sum", "_count")}
    return {metric.name + part for metric in METRICS for part in parts.get(metric.kind, ("",))} | {"up"}


def named(query: str) -> set[str]:
    """Metrics that a query names: ours, and `up`."""
    return set(re.findall(r"\b(?:sayso|kafka)_\w+|\bup\b", query))


@pytest.mark.parametrize("query", [*QUERIES, *[pytest.param(rule["expr"], id=rule["alert"]) for rule in RULES]])
def test_a_query_names_only_metrics_and_labels_that_are_there(query: str) -> None:
    assert named(query)
    assert named(query) <= series()
    labels = {label for metric in METRICS for label in metric.labels} | {"le", "job", "instance"}
    used = set(re.findall(r"[{,]\s*(\w+)\s*(?:=~|!~|!=|=)", query))
    used |= {word for by in re.findall(r"\bby \(([^)]*)\)", query) for word in re.split(r",\s*", by)}
    assert used <= labels


def test_a_query_that_names_nothing_known_would_be_noticed() -> None:
    assert not named("rate(sayso_never_was_total[5m])") <= series()


@pytest.mark.parametrize("name", dashboards.DASHBOARDS)
def test_the_dashboards_are_the_generated_ones(name: str) -> None:
    assert (dashboards.FOLDER / f"{name}.json").read_text("utf-8") == dashboards.text(name)


@asynccontextmanager
async def process(*command: str, **told: str) -> AsyncIterator[None]:
    """Started; ended with the block, by SIGTERM."""
    running = await asyncio.create_subprocess_exec(*command, env={**os.environ, **told})
    try:
        yield
    finally:
        running.terminate()
        await running.wait()


def scraping(folder: Path, ports: dict[str, int]) -> Path:
    jobs = [{"job_name": name, "static_configs": [{"targets": [f"{LOOPBACK}:{port}"]}]} for name, port in ports.items()]
    file = folder / "prometheus.yml"
    file.write_text(yaml.safe_dump({
        "global": {"scrape_interval": "1s"}, "rule_files": [str(ALERTS.absolute())], "scrape_configs": jobs,
    }))  # fmt: skip
    return file


async def asked(web: aiohttp.ClientSession, query: str, wanted: dict[str, float]) -> dict[str, float]:
    """The query's answer by job, as soon as it is what was wanted; the last one, if it never is."""
    found: dict[str, float] = {}
    for _ in range(int(LONGEST)):
        try:
            async with web.get("/api/v1/query", params={"query": query}) as answer:
                result = (await answer.json())["data"]["result"]
        except aiohttp.ClientError:
            result = []
        found = {one["metric"].get("job", ""): float(one["value"][1]) for one in result}
        if found == wanted:
            break
        await asyncio.sleep(1)
    return found


@needs("prometheus")
@pytest.mark.broker
@pytest.mark.timeout(240)
async def test_prometheus_scrapes_a_worker_and_the_exporter(fresh_cluster: str, tmp_path: Path) -> None:
    told = {"SAYSO_BOOTSTRAP": fresh_cluster, "SAYSO_STATE": str(tmp_path)}
    worker = (sys.executable, "-m", "services.workers", "usage", "--ready-file", str(tmp_path / "ready"))
    exporter = (sys.executable, "-m", "services.observability", "--port", "0", "--port-file", str(tmp_path / "lag"))
    metrics = {"SAYSO_METRICS_PORT": "0", "SAYSO_METRICS_PORT_FILE": str(tmp_path / "port")}
    async with process(*worker, **told, **metrics), process(*exporter, **told):
        await until(lambda: (tmp_path / "ready").exists() and (tmp_path / "lag").exists())
        ports = {"worker": int((tmp_path / "port").read_text()), "exporter": int((tmp_path / "lag").read_text())}
        ours = choose()
        told_it = {"config.file": scraping(tmp_path, ports), "web.listen-address": f"{LOOPBACK}:{ours}",
                   "storage.tsdb.path": tmp_path / "tsdb", "log.level": "error"}  # fmt: skip
        scraper = ("prometheus", *[f"--{option}={value}" for option, value in told_it.items()])
        async with process(*scraper), aiohttp.ClientSession(f"http://{LOOPBACK}:{ours}") as web:
            both = {"worker": 1.0, "exporter": 1.0}
            assert await asked(web, "up", both) == both
            four = {"worker": 4.0}
            assert await asked(web, 'sayso_partitions{room="usage"}', four) == four
            well = {"exporter": 0.0}
            lag = 'sum by (job) (kafka_consumergroup_group_sum_lag{group="sayso.usage"})'
            assert await asked(web, lag, well) == well
            seen = 'sum by (job) (sayso_lag_verdict{group="sayso.usage",verdict="OK"})'
            assert (await asked(web, seen, {"exporter": 4.0})) == {"exporter": 4.0}


@needs("kcat")
@pytest.mark.broker
async def test_another_client_sees_the_same_offsets_and_records(fresh_cluster: str) -> None:
    """kcat is librdkafka's: nothing of it is ours or aiokafka's."""
    requests = list(people.requests(40, "kcat"))
    await tell(fresh_cluster, SEND_REQUESTS, requests)
    async with Watch(fresh_cluster, {"sayso.gate": [SEND_REQUESTS.name]}) as watch:
        ours = {line.partition: line.end for line in (await watch.look()).lines}
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
        ["kcat", "-b", bootstrap, *arguments], capture_output=True, text=True, check=False, timeout=60
    )
    assert said.returncode == 0, said.stderr
    return said.stdout
