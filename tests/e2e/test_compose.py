"""The compose file: it is well-formed, its core gets healthy, and accounts for all of
the demo's messages.

Images come from wherever the daemon finds them, or from local stand-ins
(`compose.stand-in.yml`), where the one of Apache Kafka wants to be root."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import uuid
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
import yaml

from services.ports import choose_port
from services.settings import from_environment

ROOT = Path(__file__).parents[2]
FILES = ("docker-compose.yml", "tests/e2e/compose.stand-in.yml")
OTHERS = ("prometheus", "grafana", "kafka-ui", "kafka", "postgres")
"""Containers of programs that are not ours."""
PORTS = ("KAFKA", "WEBHOOK", "CONSENTS")


def docker(*arguments: str, seconds: float = 60, **more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["docker", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=seconds,
        check=False,
        env={**os.environ, "COMPOSE_FILE": ":".join(FILES), **more},
    )


@cache
def why_no_compose() -> str:
    """Empty: there is one."""
    if shutil.which("docker") is None:
        return "there is no docker"
    return "" if docker("compose", "version").returncode == 0 else "docker has no compose plugin"


@cache
def why_no_daemon() -> str:
    return why_no_compose() or (
        "" if docker("info").returncode == 0 else "no Docker daemon answers"
    )


@pytest.fixture
def compose() -> None:
    if why := why_no_compose():
        pytest.skip(why)


@pytest.mark.usefixtures("compose")
@pytest.mark.parametrize("profile", ["", "demo", "observe", "*"])
def test_the_file_is_well_formed(profile: str) -> None:
    answer = docker("compose", "--profile", profile, "config", "-q")
    assert (answer.returncode, answer.stderr) == (0, "")


SETTINGS = (ROOT / "services" / "settings.py").read_text("utf-8")
OUTSIDE = {name: f"{name.lower()}-of-ours" for name in re.findall(r'"(SAYSO_KAFKA_\w+)"', SETTINGS)}
"""Every setting of access to Kafka that there is."""
FILED = {
    f"SAYSO_KAFKA_{which.upper()}": f"/run/secrets/kafka-{which}" for which in ("ca", "cert", "key")
}
"""Files of this machine, and where a container has them."""


def told(**given: str) -> dict[str, dict[str, str]]:
    """The environment of each service that talks to Kafka, as compose makes it."""
    answer = docker("compose", "--profile", "*", "config", "--format", "json", **given)
    assert answer.returncode == 0, answer.stderr
    found = {
        name: one.get("environment", {})
        for name, one in json.loads(answer.stdout)["services"].items()
    }
    return {
        name: environment for name, environment in found.items() if "SAYSO_BOOTSTRAP" in environment
    }


@pytest.mark.usefixtures("compose")
def test_everybody_is_told_how_to_get_into_a_kafka_of_ones_own() -> None:
    assert len(OUTSIDE) == 8
    files = dict.fromkeys(FILED, "./pyproject.toml")
    found = told(SAYSO_BOOTSTRAP="ours:9093", **OUTSIDE | files)
    assert set(found) == {
        name for name in services() if name not in (*OTHERS, "simulator", "mail-catcher")
    }
    for environment in found.values():
        assert environment.items() >= {"SAYSO_BOOTSTRAP": "ours:9093", **OUTSIDE, **FILED}.items()


@pytest.mark.usefixtures("compose")
def test_nobody_is_told_anything_of_a_kafka_that_has_no_locks() -> None:
    for environment in told(SAYSO_BOOTSTRAP="", **dict.fromkeys(OUTSIDE, "")).values():
        assert environment["SAYSO_BOOTSTRAP"] == "kafka:19092"
        assert {environment[name] for name in OUTSIDE} == {""}
        assert from_environment(environment).kafka_security == "plaintext"


def services() -> dict[str, dict[str, object]]:
    return dict(yaml.safe_load((ROOT / "docker-compose.yml").read_text("utf-8"))["services"])


@pytest.mark.parametrize("name", sorted({name for name in services() if name not in OTHERS}))
def test_our_own_containers_may_do_little(name: str) -> None:
    told = services()[name]
    assert (told["init"], told["read_only"], told["cap_drop"]) == (True, True, ["ALL"])
    assert told["image"] == "sayso:local"
    assert "healthcheck" in told or name in ("topics", "sayso"), "those two end by themselves"


def test_what_is_published_is_published_on_loopback() -> None:
    assert all(
        str(port).startswith("127.0.0.1:")
        for told in services().values()
        for port in told.get("ports", ())
    )


class ComposeStack:
    """A compose project of its own, on ports of its own."""

    def __init__(self) -> None:
        self.project = f"sayso-test-{uuid.uuid4().hex[:8]}"
        self.settings = {f"SAYSO_{name}_PORT": str(choose_port()) for name in PORTS}

    def __call__(self, *arguments: str, seconds: float = 240) -> subprocess.CompletedProcess[str]:
        return docker("compose", "-p", self.project, *arguments, seconds=seconds, **self.settings)


@pytest.fixture
def stack() -> Iterator[ComposeStack]:
    if why := why_no_daemon():
        pytest.skip(why)
    ours = ComposeStack()
    built = ours("build", "sayso", seconds=400)
    if built.returncode and "pull" in built.stderr:
        pytest.skip(f"the image's base cannot be had: {built.stderr.splitlines()[-1]}")
    assert built.returncode == 0, built.stderr
    try:
        yield ours
    finally:
        ours("--profile", "*", "down", "-v", "--remove-orphans")


@pytest.mark.long
@pytest.mark.timeout(780)
@pytest.mark.parametrize("ledger", ["", "postgresql://sayso:sayso@postgres/sayso"])
def test_the_core_comes_up_and_the_demo_balances_in_it(stack: ComposeStack, ledger: str) -> None:
    stack.settings |= {"SAYSO_LEDGER_URL": ledger} if ledger else {}
    up = stack(*(["--profile", "postgres"] if ledger else []), "up", "--wait")
    assert up.returncode == 0, up.stderr + stack("logs", "--tail", "5").stdout
    demo = stack("run", "--rm", "-T", "sayso", "demo", "--requests", "60")
    assert demo.returncode == 0, demo.stdout + demo.stderr
    assert "✗" not in demo.stdout
    accounted = re.search(r"Everything is accounted for: ([0-9]+) requested", demo.stdout)
    assert accounted is not None, demo.stdout
    assert int(accounted[1]) > 60, "the story's texts, and those that Sayso starts itself"
    lag = stack("run", "--rm", "-T", "sayso", "lag")
    assert lag.returncode == 0, lag.stdout + lag.stderr
    assert ": OK" in lag.stdout
    usage = stack("run", "--rm", "-T", "sayso", "usage")
    assert accounted[0] in usage.stdout, usage.stderr
