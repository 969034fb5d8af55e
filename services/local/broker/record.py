"""What is known of a state folder's broker: `running.json`, written at every start.

It outlives the broker, so that the next start takes the same ports; whether the broker runs is asked of the broker."""

from __future__ import annotations

import json
from pathlib import Path
from typing import NamedTuple

from services.kafka import probe
from services.local.broker.ports import LOOPBACK


class Record(NamedTuple):
    port: int
    controller_port: int
    cluster: str
    pid: int

    @property
    def bootstrap(self) -> str:
        return f"{LOOPBACK}:{self.port}"


def folder_of(state: Path) -> Path:
    """Where a state folder keeps its broker."""
    return state.resolve() / "broker"


def read(folder: Path) -> Record | None:
    try:
        return Record(**json.loads((folder / "running.json").read_text()))
    except (FileNotFoundError, ValueError, TypeError):
        return None


def write(folder: Path, record: Record) -> None:
    fresh = folder / "running.json.new"
    fresh.write_text(json.dumps(record._asdict()))
    fresh.replace(folder / "running.json")


def running(state: Path) -> str | None:
    """Where the broker that another process keeps for this state folder answers; None when none does.

    The answer must come from that very cluster: its port may be somebody else's by now."""
    record = read(folder_of(state))
    if record and probe.cluster_id(record.bootstrap) == record.cluster:
        return record.bootstrap
    return None
