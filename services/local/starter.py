"""Starts processes by forking: `python -m services.local.starter`, which a supervisor talks to.

The parts of Sayso import the same thousand modules, and that was most of what starting them cost.
One process imports them once and forks for each start, so that a machine is up sooner, and a
worker that was killed is back at once. What is forked is a process of its own in every way: its own
session, environment, log and id.

It reads requests from its input and writes answers to its output, a JSON object a line. A request
has what to run; the answers to it are the id of its process, and later how that ended. It has one
thread, since only a process of one thread may fork safely. It ends with its input.
"""

from __future__ import annotations

import gc
import importlib
import os
import selectors
import signal
import sys
import time
from typing import Final, NamedTuple

import orjson
from setproctitle import setproctitle

MODULES: Final = (
    "services.console",
    "services.event_webhooks",
    "services.ledger",
    "services.local.mail_catcher",
    "services.local.simulator",
    "services.notify",
    "services.webhook",
    "services.workers",
)
"""What may be started. Each has a `__main__` whose `main()` returns the exit code."""


class StartRequest(NamedTuple):
    key: int
    module: str
    arguments: list[str]
    environment: dict[str, str]
    log: str


def main() -> int:
    for module in MODULES:
        importlib.import_module(f"{module}.__main__")
    # what all share is not looked at again, so that its pages stay shared
    gc.collect()
    gc.freeze()
    request = _serve()
    return _become(request) if request else 0


def _serve() -> StartRequest | None:
    """Fork for each request. Returns None at the end of input, and in a child what it is to run."""
    ended, wake = os.pipe()
    os.set_blocking(wake, False)
    signal.set_wakeup_fd(wake)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    selector = selectors.DefaultSelector()
    selector.register(0, selectors.EVENT_READ)
    selector.register(ended, selectors.EVENT_READ)
    keys: dict[int, int] = {}
    pending = b""
    while True:
        ready = {key.fd for key, _ in selector.select()}
        if ended in ready:
            os.read(ended, 4096)
            _tell_ends(keys)
        if 0 not in ready:
            continue
        received = os.read(0, 1 << 16)
        if not received:
            return None
        *lines, pending = (pending + received).split(b"\n")
        for line in lines:
            request = StartRequest(**orjson.loads(line))
            pid = os.fork()
            if pid == 0:
                signal.set_wakeup_fd(-1)
                signal.signal(signal.SIGCHLD, signal.SIG_DFL)
                selector.close()
                os.close(ended)
                os.close(wake)
                return request
            keys[pid] = request.key
            _answer({"key": request.key, "pid": pid})


def _tell_ends(keys: dict[int, int]) -> None:
    while keys:
        pid, status = os.waitpid(-1, os.WNOHANG)
        if pid == 0:
            return
        code = os.waitstatus_to_exitcode(status)
        _answer({"key": keys.pop(pid), "pid": pid, "code": code})


def _answer(answer: dict[str, int]) -> None:
    os.write(1, orjson.dumps(answer) + b"\n")


def _become(request: StartRequest) -> int:
    """As if it had been started with `python -m MODULE ARGUMENTS`."""
    os.setsid()
    nothing = os.open(os.devnull, os.O_RDONLY)
    log = os.open(request.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    for source, target in ((nothing, 0), (log, 1), (log, 2)):
        os.dup2(source, target)
    os.close(nothing)
    os.close(log)
    sys.argv = [request.module, *request.arguments]
    # Before the environment goes: beside it is the place of the title.
    setproctitle(" ".join([sys.executable, "-m", *sys.argv]))
    os.environ.clear()
    os.environ.update(request.environment)
    time.tzset()
    code: int = importlib.import_module(f"{request.module}.__main__").main()
    return code


if __name__ == "__main__":
    sys.exit(main())
