"""Every process ends with exit code 2 and one sentence where a setting is wrong."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from pathlib import Path

import pytest

from services.local.started import Starter
from services.ports import choose_port
from services.settings import SettingsError, from_environment

FORKED = [
    "services.workers gate",
    "services.workers dispatch",
    "services.ledger",
    "services.webhook",
    "services.console",
    "services.notify",
    "services.event_webhooks",
]
"""The supervisor starts these: so does the test, from one process that has imported them all."""
TYPED = [
    "services.observability",
    "services.cli worker gate",
    "services.cli ledger",
    "services.cli webhook",
]
ELSEWHERE = {"SAYSO_BOOTSTRAP": "127.0.0.1:9"}
WRONG = [
    pytest.param({}, ("SAYSO_BOOTSTRAP is not set", "No broker"), id="nothing"),
    pytest.param({**ELSEWHERE, "SAYSO_TICK": "fast"}, ("SAYSO_TICK is wrong",), id="a word"),
    pytest.param(
        {**ELSEWHERE, "SAYSO_KAFKA_USER": "u"},
        ("SAYSO_KAFKA_USER is set",),
        id="what does not go together",
    ),
]


def surroundings(state: Path) -> dict[str, str]:
    plain = {name: value for name, value in os.environ.items() if not name.startswith("SAYSO_")}
    return (
        plain
        | {"SAYSO_STATE": str(state), "TWILIO_AUTH_TOKEN": "x"}
        | {"SAYSO_WEBHOOK_PORT": str(choose_port()), "SAYSO_CONSOLE_PORT": str(choose_port())}
        | {"SAYSO_SMTP_URL": "smtp://127.0.0.1:9", "SAYSO_MAIL_FROM": "office@example.com"}
    )


def expect_sentence(code: int, said: str, words: tuple[str, ...]) -> None:
    assert code == 2, said
    assert any(one in said for one in words)
    assert "Traceback" not in said


@pytest.mark.parametrize(("environment", "words"), WRONG)
async def test_wrong_settings_are_exit_code_2(
    environment: dict[str, str], words: tuple[str, ...], tmp_path: Path
) -> None:
    pipe, alive = os.pipe()
    starter = Starter(pipe)
    try:
        for one in FORKED:
            module, *arguments = one.split()
            log = tmp_path / f"{one}.log"
            process = await starter.start(
                module, arguments, surroundings(tmp_path) | environment, log
            )
            async with asyncio.timeout(60):
                expect_sentence(await process.wait(), f"{one}: {log.read_text()}", words)
    finally:
        await starter.close()
        os.close(pipe)
        os.close(alive)


@pytest.mark.parametrize("process", TYPED)
@pytest.mark.parametrize(("environment", "words"), WRONG)
def test_wrong_settings_are_exit_code_2_where_a_person_types(
    process: str, environment: dict[str, str], words: tuple[str, ...], tmp_path: Path
) -> None:
    done = subprocess.run(
        [sys.executable, "-m", *process.split()],
        env=surroundings(tmp_path) | environment,
        capture_output=True,
        stdin=subprocess.DEVNULL,
        timeout=60,
        check=False,
    )
    expect_sentence(done.returncode, done.stderr.decode(), words)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SAYSO_PARTITIONS", "1_2"),
        ("SAYSO_PARTITIONS", "12.0"),
        ("SAYSO_PARTITIONS", "+12"),
        ("SAYSO_PARTITIONS", "0"),
        ("SAYSO_WEBHOOK_PORT", "0x20"),
        ("SAYSO_WEBHOOK_PORT", "70000"),
        ("SAYSO_WEBHOOK_PORT", "\uff18\uff10"),
        ("SAYSO_SESSION_TIMEOUT", "inf"),
        ("SAYSO_SESSION_TIMEOUT", "1e3"),
        ("SAYSO_SESSION_TIMEOUT", "15s"),
        ("SAYSO_PROVIDER_TIMEOUT", "nan"),
        ("SAYSO_ACCOUNT_PACE", "1,5"),
        ("SAYSO_ACCOUNT_PACE", "fast"),
        ("SAYSO_BRAKE", "50%"),
        ("SAYSO_BRAKE", "-0"),
    ],
)
def test_a_variable_that_cannot_mean_what_it_says_is_refused(name: str, value: str) -> None:
    with pytest.raises(SettingsError, match=f"{name} is wrong"):
        from_environment({name: value})


def test_numbers_as_people_set_them_are_read() -> None:
    settings = from_environment(
        {
            "SAYSO_PARTITIONS": "12",
            "SAYSO_BRAKE": "0.25",
            "SAYSO_TICK": "1",
            "SAYSO_ACCOUNT_PACE": " 3 ",
        }
    )
    numbers = (settings.partitions, settings.brake, settings.tick, settings.account_pace)
    assert numbers == (12, 0.25, 1, 3)
