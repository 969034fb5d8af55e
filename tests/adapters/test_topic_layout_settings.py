"""Settings of new topics that say nothing are refused, before Kafka is asked."""

from __future__ import annotations

import pytest

from services.cli.app import run
from services.operations.errors import InvalidRequest
from services.operations.topics import choose_layout

NOWHERE = "127.0.0.1:1"


@pytest.mark.parametrize("name", ["SAYSO_PARTITIONS", "SAYSO_REPLICATION"])
@pytest.mark.parametrize("written", ["0", "-1", "6.0", "1_2", "twelve", "\u0661\u0662", "9999999"])
async def test_a_number_that_means_nothing_is_refused(
    name: str, written: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, written)
    with pytest.raises(InvalidRequest, match=name):
        await choose_layout(NOWHERE, embedded=False)


def test_the_command_says_so_in_one_sentence(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SAYSO_PARTITIONS", "twelve")
    assert run(["topics", "apply", "--bootstrap", NOWHERE]) == 2
    assert "SAYSO_PARTITIONS is 'twelve'" in " ".join(capsys.readouterr().err.split())
