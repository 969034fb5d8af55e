"""Look for inputs that break a target: mutate what is known, and keep what reaches new lines of our
code."""

from __future__ import annotations

import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random
from types import FrameType
from typing import Any, Final, NamedTuple

from tests.fuzz.mutation import mutate
from tests.fuzz.targets import Run

PATIENCE: Final = 10.0
"""Seconds of CPU for one input."""
OURS: Final = tuple(str(Path(name).absolute()) for name in ("schemas", "streams", "services"))

Line = tuple[str, int]


class Fault(NamedTuple):
    data: bytes
    error: BaseException

    @property
    def place(self) -> str:
        """Where it was raised, so that one fault is reported once."""
        at = self.error.__traceback__
        where = ""
        while at is not None:
            name = at.tb_frame.f_code.co_filename
            if name.startswith(OURS) or not where or "/tests/fuzz/targets" in name:
                where = f"{Path(name).name}:{at.tb_lineno}"
            at = at.tb_next
        return f"{type(self.error).__name__} at {where}"


class TooSlow(Exception):
    """An input took more CPU than any may."""


class Coverage:
    """The lines of our packages that run, in all threads."""

    def __init__(self) -> None:
        self.lines: set[Line] = set()

    def start(self) -> None:
        threading.settrace(self._enter)
        sys.settrace(self._enter)

    def stop(self) -> None:
        sys.settrace(None)
        threading.settrace(None)  # type: ignore[arg-type]  # as the docs have it

    def _enter(self, frame: FrameType, _event: str, _given: Any) -> Any:
        return self._note if frame.f_code.co_filename.startswith(OURS) else None

    def _note(self, frame: FrameType, event: str, _given: Any) -> Any:
        if event == "line":
            self.lines.add((frame.f_code.co_filename, frame.f_lineno))
        return self._note


class Search:
    """Of one target. What was found stays between two turns."""

    def __init__(self, run: Run, seeds: list[bytes], seed: int) -> None:
        self._run = run
        self._random = Random(seed)
        self.corpus = list(seeds)
        self.kept: list[bytes] = []
        """What reached new lines, or ended in a new way."""
        self.coverage = Coverage()
        self.outcomes: set[str] = set()
        self.faults: dict[str, Fault] = {}
        self.tries = 0
        self._words = sorted({word for one in seeds for word in one.split() if 2 < len(word) < 40})
        self._unfed = list(seeds)

    def turn(self, seconds: float) -> None:
        self.coverage.start()
        try:
            end = time.monotonic() + seconds
            while time.monotonic() < end:
                is_seed = bool(self._unfed)
                self._try(self._unfed.pop() if is_seed else self._invent(), is_seed=is_seed)
        finally:
            self.coverage.stop()

    def _invent(self) -> bytes:
        recent = self.kept[-50:]
        pool = recent if recent and self._random.random() < 0.4 else self.corpus
        chosen = self._random.choice(pool) if pool else b""
        return mutate(self._random, chosen, self.corpus, self._words)

    def _try(self, data: bytes, *, is_seed: bool) -> None:
        self.tries += 1
        before = len(self.coverage.lines)
        fault, outcome = feed(self._run, data)
        if fault is not None:
            self.faults.setdefault(fault.place, fault)
            return
        is_new = len(self.coverage.lines) > before or outcome not in self.outcomes
        self.outcomes.add(outcome)
        if is_new and not is_seed:
            self.corpus.append(data)
            if len(self.coverage.lines) > before:
                self.kept.append(data)


def feed(run: Run, data: bytes) -> tuple[Fault | None, str]:
    try:
        with limit_cpu():
            return None, run(data)
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException as error:  # noqa: BLE001 - whatever it is, it is a fault
        return Fault(data, error), ""


@contextmanager
def limit_cpu(seconds: float = PATIENCE) -> Iterator[None]:
    """Seconds of this process, not of the clock: a busy machine makes no input slow. Only in the
    main thread; elsewhere there is no limit."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def give_up(_signal: int, _frame: FrameType | None) -> None:
        raise TooSlow(f"more than {seconds:.0f} s of CPU")

    was = signal.signal(signal.SIGVTALRM, give_up)
    signal.setitimer(signal.ITIMER_VIRTUAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, was)


def shrink(run: Run, fault: Fault, seconds: float = 20.0) -> bytes:
    """A shorter input with the same fault."""
    data = fault.data
    end = time.monotonic() + seconds
    size = max(1, len(data) // 2)
    while size and time.monotonic() < end:
        at = 0
        while at < len(data) and time.monotonic() < end:
            shorter = data[:at] + data[at + size :]
            found, _ = feed(run, shorter)
            if found is not None and found.place == fault.place:
                data = shorter
            else:
                at += size
        size //= 2
    return data


def cover(run: Run, inputs: list[bytes], at_most: int) -> list[bytes]:
    """The fewest of these inputs that reach as many lines, about: the shortest first, each for the
    lines that it adds."""
    reached: set[Line] = set()
    chosen = []
    for data in sorted(inputs, key=len):
        coverage = Coverage()
        coverage.start()
        try:
            fault, _ = feed(run, data)
        finally:
            coverage.stop()
        if fault is None and coverage.lines - reached:
            reached |= coverage.lines
            chosen.append((len(coverage.lines), data))
    return [data for _, data in sorted(chosen, key=lambda one: -one[0])[:at_most]]
