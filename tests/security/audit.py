"""`make audit`: are there known holes in the packages that we lock?

Asks pip-audit, which asks the advisory service of the package index. `ARGS="--advisories FOLDER"` asks
a copy of advisories in OSV's form instead, without a network: a clone of `pypa/advisory-database`, or
the `all.zip` that OSV offers for PyPI. `--lock FILE` names another lock.

Exit codes: 0 nothing known, 1 holes (one line each), 2 nobody could be asked: nothing is known.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
import zipfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple

import yaml
from packaging.version import InvalidVersion, Version

UNREACHABLE: Final = (
    "The advisory source cannot be reached: nothing was audited. Try again with a network, or name a"
    ' copy of OSV\'s advisories: make audit ARGS="--advisories FOLDER".'
)
PATIENCE: Final = 900
"""Seconds for all packages: the service is asked for each."""
_LOADER: Final = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_PINNED: Final = re.compile(r"^([A-Za-z0-9][A-Za-z0-9._-]*)==([^\s;\\]+)", re.MULTILINE)


class Hole(NamedTuple):
    package: str
    version: str
    advisory: str
    fixed: tuple[str, ...]

    def __str__(self) -> str:
        fixed = f"; corrected in {', '.join(self.fixed)}" if self.fixed else "; not corrected yet"
        return f"{self.package} {self.version}: {self.advisory}{fixed}"


class NotAudited(Exception):
    """One sentence: nobody could be asked."""


def read_lock(path: Path) -> dict[str, str]:
    """Version by name, as the index normalizes names."""
    return {_normalize(name): version for name, version in _PINNED.findall(path.read_text("utf-8"))}


def ask_service(lock: Path) -> list[Hole]:
    """Raises NotAudited."""
    command = [sys.executable, "-m", "pip_audit", "-r", str(lock), "--disable-pip", "-f", "json"]
    try:
        done = subprocess.run(
            [*command, "--progress-spinner", "off"],
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
        said = json.loads(done.stdout)
    except (subprocess.TimeoutExpired, ValueError):
        raise NotAudited(UNREACHABLE) from None
    skipped = [one["name"] for one in said["dependencies"] if "skip_reason" in one]
    if skipped:
        raise NotAudited(f"{UNREACHABLE} It knew nothing of {', '.join(skipped[:5])}.")
    return [
        Hole(one["name"], one["version"], hole["id"], tuple(hole["fix_versions"]))
        for one in said["dependencies"]
        for hole in one.get("vulns", ())
    ]


def ask_copy(lock: Path, advisories: Path) -> list[Hole]:
    """Raises NotAudited."""
    locked = read_lock(lock)
    count = 0
    holes = []
    for advisory in _read_advisories(advisories):
        count += 1
        if not advisory.get("withdrawn"):
            holes += list(_match(advisory, locked))
    if not count:
        raise NotAudited(f"{advisories} holds no advisory: nothing was audited.")
    return sorted(set(holes))


def _read_advisories(where: Path) -> Iterator[dict[str, Any]]:
    try:
        if where.is_file():
            with zipfile.ZipFile(where) as archive:
                for name in archive.namelist():
                    if name.endswith(".json"):
                        yield json.loads(archive.read(name))
            return
        for path in sorted(where.rglob("*")):
            if path.suffix == ".json":
                yield json.loads(path.read_bytes())
            elif path.suffix == ".yaml" and path.name.startswith("PYSEC-"):
                yield yaml.load(path.read_bytes(), _LOADER)  # noqa: S506 - a safe one
    except (OSError, ValueError, yaml.YAMLError, zipfile.BadZipFile) as error:
        raise NotAudited(f"{where} cannot be read: {error}; nothing was audited.") from None


def _match(advisory: dict[str, Any], locked: dict[str, str]) -> Iterator[Hole]:
    for affected in advisory.get("affected", ()):
        package = affected.get("package", {})
        name = _normalize(package.get("name", ""))
        version = locked.get(name)
        if package.get("ecosystem") != "PyPI" or version is None:
            continue
        ranges = [one for one in affected.get("ranges", ()) if one.get("type") == "ECOSYSTEM"]
        if version in affected.get("versions", ()) or any(
            _is_in(version, one.get("events", ())) for one in ranges
        ):
            fixed = {
                event["fixed"] for one in ranges for event in one["events"] if "fixed" in event
            }
            yield Hole(name, version, advisory["id"], tuple(sorted(fixed)))


def _is_in(version: str, events: Iterable[dict[str, str]]) -> bool:
    """OSV's events, in their order: introduced, then fixed or the last one affected."""
    inside = False
    try:
        at = Version(version)
        for event in events:
            if "introduced" in event:
                inside = inside or event["introduced"] == "0" or at >= Version(event["introduced"])
            elif "fixed" in event:
                inside = inside and at < Version(event["fixed"])
            elif "last_affected" in event:
                inside = inside and at <= Version(event["last_affected"])
    except InvalidVersion:
        return False  # `versions` lists such ones
    return inside


def _normalize(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="make audit", description=__doc__)
    parser.add_argument("--lock", type=Path, default=Path("requirements.lock"))
    parser.add_argument("--advisories", type=Path)
    given = parser.parse_args(arguments)
    try:
        copy: Path | None = given.advisories
        holes = ask_copy(given.lock, copy) if copy else ask_service(given.lock)
    except NotAudited as why:
        print(why, file=sys.stderr)
        return 2
    for hole in holes:
        print(hole)
    if not holes:
        print(f"No known holes in {len(read_lock(given.lock))} locked packages.")
    return 1 if holes else 0


if __name__ == "__main__":
    sys.exit(main())
