"""Why the broker ended, read from its last words and said in one sentence."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Final

from services.kafka.errors import BrokerError, PortTaken, disk_full

ROOM: Final = 64 << 20
"""Bytes a broker needs to start: below, Java dies of a bus error in a memory-mapped index, which explains nothing."""

_LAST_WORDS: Final = (
    ("No space left on device", str(disk_full(Path("{folder}")))),
    ("Permission denied", "The broker may not write in {folder}; give it the right to."),
    ("AccessDeniedException", "The broker may not write in {folder}; give it the right to."),
    ("OutOfMemoryError", "The broker ran out of its 512 MB of memory; see {folder}/broker.log."),
    (
        "Could not reserve enough space",
        "Too little memory is free for the broker, which needs 512 MB.",
    ),
    ("insufficient memory", "Too little memory is free for the broker, which needs 512 MB."),
)


def explain(folder: Path, port: int, code: int) -> BrokerError:
    """`code`: Java's exit code."""
    if free(folder) < 1 << 20:
        return disk_full(folder)
    words = last_words(folder)
    if "Address already in use" in words:
        return PortTaken(port)
    sentences = [sentence for sign, sentence in _LAST_WORDS if sign in words]
    sentences.append(
        "The broker ended by itself (exit code {code}); {folder}/broker.out and broker.log say more."
    )
    return BrokerError(sentences[0].format(folder=folder, port=port, code=code))


def last_words(folder: Path) -> str:
    """The end of what the broker wrote to its standard output and error since it was started."""
    try:
        return (folder / "broker.out").read_bytes()[-64_000:].decode(errors="replace")
    except FileNotFoundError:
        return ""


def require_room(folder: Path) -> None:
    """Raises BrokerError."""
    if free(folder) < ROOM:
        raise BrokerError(
            f"The disk that holds {folder} is full: the broker needs {ROOM >> 20} MB and {free(folder) >> 20} MB are "
            "free; free some space and start again."
        )


def free(folder: Path) -> int:
    return shutil.disk_usage(folder).free
