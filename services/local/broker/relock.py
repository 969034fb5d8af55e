"""Write `jars.lock` anew: `python -m services.broker.relock`, after changing a version below.

`!` (raw) keeps a jar's dependency management to itself: log4j's bill of materials would put kafka-clients 3.8 under a
4.1 broker otherwise."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Final

from jgo.maven import MavenContext
from jgo.parse import Coordinate

from services.local.broker import jar_lock
from services.local.broker.jar_lock import Jar
from services.local.broker.jars import sha256_of

WANTED: Final = (
    "org.apache.kafka:kafka_2.13:4.1.1!",
    "org.apache.logging.log4j:log4j-slf4j-impl:2.24.3!",  # without it the broker logs nothing
)


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        maven = MavenContext(repo_cache=Path(folder))
        wanted = [maven.create_dependency(Coordinate.parse(text)) for text in WANTED]
        itself, needed = maven.resolver.resolve(wanted)
        artifacts = [dependency.artifact for dependency in (*itself, *needed)]
        jars = [Jar(sha256_of(a.resolve()), a.groupId, a.artifactId, a.version) for a in artifacts]
    jar_lock.write(jars)


if __name__ == "__main__":
    main()
