"""What a worker says of the error that ends it: a supervisor shows the line to a person."""

from __future__ import annotations

import traceback
from pathlib import Path
from typing import Final

from aiokafka.errors import KafkaError

_WRAPPERS: Final = (
    "Unexpected error during batch delivery",
    "Unexpected error during data retrieval",
)
"""What aiokafka says instead of the error that it met."""


def explain(error: BaseException) -> str:
    """The error's kind and words; of one without words, where it was raised."""
    cause = find_cause(error)
    words = str(cause).removeprefix(f"{type(cause).__name__}:").strip()
    if not words or words == type(cause).__name__:
        words = _where(cause)
    return f"{type(cause).__name__}: {words}"


def find_cause(error: BaseException) -> BaseException:
    """The error itself, or the one that aiokafka has wrapped."""
    while isinstance(error, KafkaError) and error.__cause__ is not None:
        if not any(words in str(error) for words in _WRAPPERS):
            break
        error = error.__cause__
    return error


def _where(error: BaseException) -> str:
    frames = traceback.extract_tb(error.__traceback__)
    if not frames:
        return "it has no words"
    place = frames[-1]
    ours = next((one for one in reversed(frames) if "streams" in Path(one.filename).parts), place)
    return f"in {ours.name} ({Path(ours.filename).name}:{ours.lineno})"
