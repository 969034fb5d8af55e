"""Processes of one machine are forked from one that has imported everything."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from services.local.started import Started, Starter
from services.local.supervisor import ProcessFailed, ProcessSpec, Supervisor
from tests.adapters.waiting import until

CATCHER = "services.local.mail_catcher"


@pytest.fixture
async def starter() -> AsyncIterator[Starter]:
    reading, writing = os.pipe()
    starter = Starter(reading)
    yield starter
    await starter.close()
    os.close(reading)
    os.close(writing)


async def started(starter: Starter, folder: Path, *options: str) -> Started:
    ready = folder / "ready"
    ready.unlink(missing_ok=True)
    arguments = ["--port", "0", "--ready-file", str(ready), *options]
    environment = {**os.environ, "SAYSO_STATE": str(folder)}
    process = await starter.start(CATCHER, arguments, environment, folder / "log")
    await until(lambda: ready.exists() or process.returncode is not None)
    return process


async def test_a_process_is_one_of_its_own(starter: Starter, tmp_path: Path) -> None:
    """Session, name, log, and exit codes as anybody sees them."""
    process = await started(starter, tmp_path)
    assert process.returncode is None, (tmp_path / "log").read_text()
    assert os.getsid(process.pid) == process.pid
    assert CATCHER in _command(process.pid)
    process.terminate()
    assert await process.wait() == 0
    killed = await started(starter, tmp_path)
    killed.kill()
    assert await killed.wait() == -signal.SIGKILL
    killed.kill()  # nobody else may have its number now
    refused = await started(starter, tmp_path, "--no-such-option")
    assert await refused.wait() == 2
    assert "--no-such-option" in (tmp_path / "log").read_text()


async def test_many_are_started_at_once(starter: Starter, tmp_path: Path) -> None:
    folders = [tmp_path / str(n) for n in range(20)]
    for folder in folders:
        folder.mkdir()
    processes = await asyncio.gather(*(started(starter, folder) for folder in folders))
    assert len({process.pid for process in processes}) == len(folders)
    for process in processes:
        process.terminate()
    assert [await process.wait() for process in processes] == [0] * len(folders)


async def test_a_killed_starter_takes_its_processes_and_all_come_back(tmp_path: Path) -> None:
    said: list[str] = []
    supervisor = Supervisor(tmp_path, said.append)
    catcher = ProcessSpec("catcher", (CATCHER, "--port", "0"), {"SAYSO_STATE": str(tmp_path)})
    await supervisor.start([catcher])
    first = _pid(tmp_path)
    os.kill(_parent(first), signal.SIGKILL)
    await until(lambda: "catcher is back" in said)
    assert _pid(tmp_path) != first
    assert CATCHER not in _command(first)
    await supervisor.stop()
    await supervisor.close()


async def test_what_cannot_start_says_why(tmp_path: Path) -> None:
    supervisor = Supervisor(tmp_path, lambda sentence: None)
    with pytest.raises(ProcessFailed, match="unrecognized arguments: --never"):
        await supervisor.start([ProcessSpec("catcher", (CATCHER, "--never"), {})])
    await supervisor.stop()
    await supervisor.close()


def _pid(state: Path) -> int:
    pids = (int(folder.name) for folder in Path("/proc").iterdir() if folder.name.isdecimal())
    return next(pid for pid in pids if f"{CATCHER} --port 0 --ready-file {state}" in _command(pid))


def _command(pid: int) -> str:
    """Empty for a process that is gone."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_text()
    except OSError:
        return ""


def _parent(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
