"""Stands between a Sayso process and the broker's Java: whoever is killed, in whatever order, no broker is left.

Run as a script with the standard library only.  Ends the broker when its parent closes standard input, dies (the
pipe's end; or, should a forked sibling hold the pipe open, a changed parent id) or asks by SIGTERM.  Should the keeper
itself be killed, Linux kills the broker (PR_SET_PDEATHSIG, which is tied to the *thread* that forked: the keeper has
one only).  Both run in a session of their own, so that Ctrl-C reaches neither before the parent has had its say.

usage: keeper.py PARENT LOCK GRACE THROW_AWAY COMMAND...
PARENT: its process id.  LOCK: a file descriptor that both hold open while they live.  GRACE: seconds between SIGTERM
and SIGKILL, 0 to kill at once.  THROW_AWAY: a folder to delete in the end, or "".  Prints the broker's process id."""

from __future__ import annotations

import ctypes
import os
import select
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable

LOOK_AGAIN = 0.5
"""Seconds between looks at the parent's id."""
PR_SET_PDEATHSIG = 1


def main() -> int:
    parent, lock, grace, throw_away, *command = sys.argv[1:]
    woken = _wake_on_signals()
    broker = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=sys.stderr,
        pass_fds=[int(lock)],
        preexec_fn=_die_with_me(),
    )
    print(broker.pid, flush=True)
    while broker.poll() is None and os.getppid() == int(parent):
        readable, _, _ = select.select([sys.stdin, woken], [], [], LOOK_AGAIN)
        if sys.stdin in readable or (woken in readable and signal.SIGTERM in os.read(woken, 64)):
            break
    code = _end(broker, float(grace))
    if throw_away:
        shutil.rmtree(throw_away, ignore_errors=True)
    return code if code >= 0 else 128 - code


def _wake_on_signals() -> int:
    """A descriptor that becomes readable when the broker ends or somebody asks us to."""
    readable, writable = os.pipe()
    os.set_blocking(writable, False)
    signal.set_wakeup_fd(writable)
    for number in (signal.SIGCHLD, signal.SIGTERM):
        signal.signal(number, lambda *_: None)
    for number in (signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    return readable


def _die_with_me() -> Callable[[], None] | None:
    if sys.platform != "linux":
        return None
    libc, keeper = ctypes.CDLL(None), os.getpid()

    def ask_the_kernel() -> None:
        libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != keeper:
            os._exit(1)

    return ask_the_kernel


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
