"""Dead letters by hand: seen, mended, replayed once, dropped; on a real broker, with a real
editor's process."""

from __future__ import annotations

import asyncio
import base64
import json
import stat
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from schemas.dead_letter import DeadLetter
from schemas.topics import CONSENT_EVENTS, DEAD_LETTERS, LETTER_RESOLUTIONS, SEND_REQUESTS
from services.cli.app import run
from services.kafka.dead_letter_replay import build_replay
from services.kafka.publisher import Publisher
from streams.partition.decoding import APPENDED, REPLAYED, append_time_ms, partition_of
from tests.adapters.topics import records

pytestmark = pytest.mark.broker
FIRST = datetime(2026, 3, 5, 15, 3, 59, tzinfo=UTC)
GOOD = {
    "message_id": "m-1",
    "tenant": "acme",
    "to": "+14155550100",
    "body": "Your papers are ready.",
    "kind": "direct",
    "requested_at": "2026-03-05T15:03:59Z",
}
BAD = GOOD | {"kind": 7}


def dead(
    value: Any, offset: int, topic: str = SEND_REQUESTS.name, reason: str = "kind: should be text"
) -> DeadLetter:
    raw = value if isinstance(value, bytes) else json.dumps(value).encode()
    return DeadLetter(
        room="gate",
        topic=topic,
        partition=1,
        offset=offset,
        timestamp=FIRST,
        key=_b64(b"acme/+14155550100"),
        value=_b64(raw),
        headers=(("ce_id", _b64(b"abc")),),
        cause="invalid",
        reason=reason,
        at=FIRST,
    )


def _b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


@pytest.fixture
def say(
    fresh_cluster: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
):
    """Runs one command against the broker: its exit code and all it printed."""
    monkeypatch.setenv("SAYSO_STATE", str(tmp_path / "state"))
    monkeypatch.setenv("SAYSO_BOOTSTRAP", fresh_cluster)

    def say(*words: str) -> tuple[int, str]:
        capsys.readouterr()
        code = run(["dlq", *words])
        said = capsys.readouterr()
        return code, said.out + said.err

    return say


async def _put(bootstrap: str, *letters: DeadLetter) -> None:
    publisher = Publisher(bootstrap, source="test")
    await publisher.publish_all(DEAD_LETTERS, letters)
    await publisher.stop()


def _editor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    """A program that edits: what `$EDITOR` is."""
    program = tmp_path / "editor"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("EDITOR", str(program))
    monkeypatch.delenv("VISUAL", raising=False)


async def test_a_letter_is_mended_in_an_editor_and_replayed_once(
    fresh_cluster: str,
    say: Callable[..., tuple[int, str]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    await _put(fresh_cluster, dead(BAD, 7))
    code, said = await asyncio.to_thread(say, "list", "--json")
    name = json.loads(said)[0]["letter"]
    assert code == 0
    assert "+14155550100" not in said
    assert "papers" not in said

    code, said = await asyncio.to_thread(say, "replay", name)
    assert code == 1
    assert "it would come back: kind" in said

    _editor(tmp_path, monkeypatch, """sed -i 's/"kind": 7/"kind": "direct"/' "$1" """)
    assert (await asyncio.to_thread(say, "fix", name, "--by", "ann"))[0] == 0
    (record,) = await records(fresh_cluster, SEND_REQUESTS)
    assert json.loads(record.value) == GOOD
    assert record.key == b"acme/+14155550100"
    assert record.partition == partition_of(record.key, 4)
    assert dict(record.headers)[REPLAYED] == name.encode()
    assert dict(record.headers)["ce_id"] == b"abc"
    assert append_time_ms(record) == FIRST.timestamp() * 1000

    code, said = await asyncio.to_thread(say, "fix", name)
    assert code == 1
    assert f"{name} was replayed by ann" in said
    assert len(await records(fresh_cluster, SEND_REQUESTS)) == 1


async def test_two_people_replay_the_same_letters_at_once(
    fresh_cluster: str, say: Callable[..., tuple[int, str]], tmp_path: Path
) -> None:
    """In two processes: each letter goes out once, whoever wins."""
    import subprocess
    import sys

    await _put(fresh_cluster, *[dead(GOOD | {"message_id": f"m-{i}"}, i) for i in range(4)])

    async def somebody(state: str) -> None:
        words = [
            sys.executable,
            "-m",
            "services.cli",
            "dlq",
            "replay",
            "--all",
            "--state",
            str(tmp_path / state),
        ]
        process = await asyncio.create_subprocess_exec(
            *words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        await process.wait()

    await asyncio.gather(somebody("ann"), somebody("bea"))
    assert (await asyncio.to_thread(say, "replay", "--all"))[0] == 0
    ids = [
        json.loads(record.value)["message_id"]
        for record in await records(fresh_cluster, SEND_REQUESTS)
    ]
    assert sorted(ids) == ["m-0", "m-1", "m-2", "m-3"]
    assert len(await records(fresh_cluster, LETTER_RESOLUTIONS)) == 4


NOT_MENDED = [
    ("true", "Nothing was changed"),
    (': > "$1"', "Nothing was changed"),
    ("exit 3", "ended with 3"),
    ("""sed -i 's/"kind": 7/"kind": 8/' "$1" """, "still does not fit"),
]


async def test_only_mended_letters_replay_and_a_drop_needs_a_reason(
    fresh_cluster: str,
    say: Callable[..., tuple[int, str]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    await _put(fresh_cluster, dead(BAD, 7))
    name = json.loads((await asyncio.to_thread(say, "list", "--json"))[1])[0]["letter"]
    for script, words in NOT_MENDED:
        _editor(tmp_path, monkeypatch, script)
        code, said = await asyncio.to_thread(say, "fix", name)
        assert (code, words in said) == (1, True), said
    code, said = await asyncio.to_thread(say, "drop", "--all")
    assert (code, said.strip()) == (
        2,
        "Give --reason: whoever looks at it later wants to know why it was dropped",
    )
    assert (
        await asyncio.to_thread(say, "drop", "--all", "--cause", "invalid", "--reason", "a test")
    )[0] == 0
    assert "No dead letters are open" in (await asyncio.to_thread(say, "list"))[1]
    assert (await asyncio.to_thread(say, "list", "--resolved"))[1].count("dropped") == 1
    assert await records(fresh_cluster, SEND_REQUESTS) == []


def test_a_mended_record_keeps_its_time_and_goes_by_its_value() -> None:
    """An opt-in that lay among the dead letters does not become younger than the STOP that came
    meanwhile."""
    opt_in = {
        "event_id": "e1",
        "tenant": "acme",
        "number": "+14155550142",
        "action": "opt_in",
        "source": "form",
        "at": "2026-03-05T15:00:00Z",
    }
    letter = dead(b"{", 3, CONSENT_EVENTS.name)
    record = build_replay(letter, "2-17", json.dumps(opt_in).encode())
    assert record.key == b"acme/+14155550142"
    assert dict(record.headers)[APPENDED] == str(round(FIRST.timestamp() * 1000)).encode()
    second = letter.model_copy(
        update={
            "timestamp": datetime(2026, 4, 1, tzinfo=UTC),
            "headers": tuple((n, _b64(v)) for n, v in record.headers),
        }
    )
    assert (
        dict(build_replay(second, "2-18", json.dumps(opt_in).encode()).headers)[APPENDED]
        == dict(record.headers)[APPENDED]
    )
