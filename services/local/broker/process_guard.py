"""The process guard stands between a Sayso process and the broker's Java.

Theory of operation
-------------------
Whichever process is killed, and in whatever order, no broker is left running.

* The guard ends the broker when its parent closes standard input, dies, or sends SIGTERM. The death
  of the parent closes the pipe. Should a forked sibling hold the pipe open, the guard sees that its
  parent process id has changed.
* If the guard itself is killed, Linux kills the broker (PR_SET_PDEATHSIG). That is tied to the
  *thread* that forked, so the guard has one thread only.
* Guard and broker run in a session of their own. So Ctrl-C reaches neither before the parent has
  handled it.

It runs as a script and uses the standard library only.

usage: process_guard.py PARENT LOCK GRACE DELETE COMMAND...

    PARENT  the parent's process id
    LOCK    a file descriptor that guard and broker hold open while they live
    GRACE   seconds between SIGTERM and SIGKILL; 0: kill at once
    DELETE  a folder to delete at the end, or ""

It prints the broker's process id and exits with the broker's exit code.
"""

from __future__ import annotations

import ctypes
import os
import select
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable

PARENT_CHECK = 0.5
"""Seconds between checks of the parent's id."""
PR_SET_PDEATHSIG = 1


def main() -> int:
    parent, lock, grace, delete, *command = sys.argv[1:]
    wakeup = _wake_on_signals()
    broker = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=sys.stderr,
        pass_fds=[int(lock)],
        preexec_fn=_die_with_guard(),  # noqa: PLW1509 - this process has one thread
    )
    print(broker.pid, flush=True)
    while broker.poll() is None and os.getppid() == int(parent):
        readable, _, _ = select.select([sys.stdin, wakeup], [], [], PARENT_CHECK)
        if sys.stdin in readable:
            break
        if wakeup in readable and signal.SIGTERM in os.read(wakeup, 64):
            break
    code = _end(broker, float(grace))
    if delete:
        shutil.rmtree(delete, ignore_errors=True)
    return code if code >= 0 else 128 - code


def _wake_on_signals() -> int:
    """A descriptor that becomes readable when the broker ends or somebody sends SIGTERM."""
    readable, writable = os.pipe()
    os.set_blocking(writable, False)
    signal.set_wakeup_fd(writable)
    for number in (signal.SIGCHLD, signal.SIGTERM):
        signal.signal(number, lambda *_: None)
    for number in (signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    return readable


def _die_with_guard() -> Callable[[], None] | None:
    """For the child, before it becomes the broker: ask the kernel to kill it with the guard."""
    if sys.platform != "linux":
        return None
    libc = ctypes.CDLL(None)
    guard = os.getpid()

    def set_death_signal() -> None:
        libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != guard:  # the guard died before the kernel knew
            os._exit(1)

    return set_death_signal


def _end(broker: subprocess.Popen[bytes], grace: float) -> int:
    if grace:
        broker.terminate()
    try:
        return broker.wait(grace)
    except subprocess.TimeoutExpired:
        broker.kill()
        return broker.wait()


if __name__ == "__main__":
    sys.exit(main())
