"""What every contender is told; standard library only, for one of them lives in an environment
of its own."""

from __future__ import annotations

import argparse
from pathlib import Path


class Told(argparse.Namespace):
    """`name` is this run's own: group, rows and changelogs are called by it; `folder` is for
    files."""

    bootstrap: str
    source: str
    output: str
    name: str
    partitions: int
    folder: Path


def told() -> Told:
    parser = argparse.ArgumentParser()
    for option in ("--bootstrap", "--source", "--output", "--name"):
        parser.add_argument(option, required=True)
    parser.add_argument("--partitions", type=int, required=True)
    parser.add_argument("--folder", type=Path, required=True)
    return parser.parse_args(namespace=Told())
