"""A PostgreSQL server for tests: the one of SAYSO_TEST_POSTGRES (a URL), else Debian's own programs,
else Docker's image. Without any, tests that need one are skipped, and say what is missing."""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from services.ledger.location import PostgresLocation

IMAGE = "postgres:17"
_PATIENCE = 60.0
_FAST = ("fsync=off", "full_page_writes=off", "autovacuum=off", "listen_addresses=")


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """The URL of a database for all tests of the session. Each takes schemas of its own
    (`new_location`)."""
    pytest.importorskip("psycopg", reason="the extra `postgres` is not installed")
    if given := os.environ.get("SAYSO_TEST_POSTGRES"):
        yield given
        return
    with contextlib.ExitStack() as stack:
        yield _start(stack)


def new_location(url: str) -> PostgresLocation:
    return PostgresLocation(url, f"test_{uuid.uuid4().hex[:16]}")


def write_url(location: PostgresLocation) -> str:
    """As in SAYSO_LEDGER_URL."""
    return f"{location.url}{'&' if '?' in location.url else '?'}schema={location.schema}"


def _start(stack: contextlib.ExitStack) -> str:
    programs = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"))
    if programs:
        return stack.enter_context(_debian(programs[-1].parent))
    if shutil.which("docker") is None:
        pytest.skip("no PostgreSQL: neither Debian's package postgresql nor Docker is here")
    try:
        from testcontainers.community.postgres import PostgresContainer

        container = stack.enter_context(PostgresContainer(IMAGE))
    except Exception as error:  # noqa: BLE001 - whatever Docker says
        pytest.skip(f"no PostgreSQL: Docker gives no {IMAGE} ({type(error).__name__})")
    return str(container.get_connection_url(driver=None))


@contextlib.contextmanager
def _debian(programs: Path) -> Iterator[str]:
    """The server refuses to run as root: it runs as `nobody`, in a folder of its own."""
    owner = pwd.getpwnam("nobody") if os.geteuid() == 0 else pwd.getpwuid(os.geteuid())
    folder = Path(tempfile.mkdtemp(prefix="sayso-pg-", dir="/tmp"))  # a socket's path is short
    as_owner = {"user": owner.pw_uid, "group": owner.pw_gid, "extra_groups": []}
    as_owner = as_owner if os.geteuid() == 0 else {}
    environment = {"PATH": os.environ["PATH"], "LC_ALL": "C"}
    server = None
    try:
        os.chown(folder, owner.pw_uid, owner.pw_gid)
        data = folder / "data"
        make = [programs / "initdb", "-D", data, "-A", "trust", "-U", "sayso", "-E", "UTF8", "-N"]
        subprocess.run(
            make, check=True, capture_output=True, cwd=folder, env=environment, **as_owner
        )
        options = [part for setting in _FAST for part in ("-c", setting)]
        options += ["-c", f"unix_socket_directories={folder}"]
        with (folder / "log").open("wb") as log:
            server = subprocess.Popen(
                [programs / "postgres", "-D", data, *options],
                stdout=log,
                stderr=log,
                cwd=folder,
                env=environment,
                start_new_session=True,
                **as_owner,
            )
        url = f"postgresql://sayso@/postgres?host={folder}"
        _wait(url, server, folder / "log")
        yield url
    finally:
        if server is not None:
            server.send_signal(signal.SIGINT)  # ends connections, and then itself
            server.wait(_PATIENCE)
        shutil.rmtree(folder, ignore_errors=True)


def _wait(url: str, server: subprocess.Popen[bytes], log: Path) -> None:
    import psycopg

    until = time.monotonic() + _PATIENCE
    while True:
        try:
            psycopg.connect(url).close()
        except psycopg.OperationalError:
            if server.poll() is not None or time.monotonic() > until:
                raise RuntimeError(f"PostgreSQL did not start: {log.read_text()}") from None
            time.sleep(0.05)
        else:
            return
