"""Inputs that are kept: one file each, named by what it holds. Those in `seeds/` were found to reach
code that no other reaches, or were once a fault."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Final

from schemas.topics import BY_NAME

FOLDER: Final = Path(__file__).parent / "seeds"
EXAMPLES: Final = Path("schemas/examples")


def name_of(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:16]


def keep(target: str, data: bytes) -> Path:
    folder = FOLDER / target
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name_of(data)
    path.write_bytes(data)
    return path


def load(target: str) -> list[bytes]:
    """The kept ones, and our own examples."""
    kept = [path.read_bytes() for path in sorted((FOLDER / target).glob("*"))]
    return kept + _examples(target)


def _examples(target: str) -> list[bytes]:
    if target == "records":
        return [
            f"{path.parent.name}\nacme/+12125550123\n".encode() + path.read_bytes()
            for path in sorted(EXAMPLES.glob("*/*.json"))
            if path.parent.name in BY_NAME
        ]
    return []
