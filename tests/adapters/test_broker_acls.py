"""What `sayso topics acls` prints, run by the tool that it is printed for, on a broker that
keeps rights."""

from __future__ import annotations

import asyncio
import re
import shlex
from pathlib import Path
from typing import Final

import pytest
from typer.testing import CliRunner

from services.cli.app import app
from services.kafka import BrokerError
from services.kafka.acls import Acl, Kind, Operation, Pattern, compute_acls, grant
from services.kafka.admin import admin_client
from services.local.broker import jars
from services.local.broker.jars import Jar, fetch
from services.local.broker.java import Java, find_java
from tests.secure_cluster import run_secure_cluster

pytestmark = pytest.mark.broker

TOOLS: Final = Jar(
    "8a6939f310a61119cedaffc144119e9b2a374e32a7ec18f78e49ce5aeb71d6b0",
    "org.apache.kafka",
    "kafka-tools",
    "4.1.1",
)
"""Where `kafka-acls.sh` has its class from; of the broker's own version."""
OF: Final = "User:sayso-dispatch "
"""A processor's rights are of every kind: topics, a group, transactions by prefix."""
NAMED: Final = re.compile(r"resourceType=(\w+), name=(\S+), patternType=(\w+)\)`")
ALLOWED: Final = re.compile(
    r"\(principal=User:(\S+), host=\*, operation=(\w+), permissionType=ALLOW\)"
)


@pytest.fixture(scope="module")
def java() -> Java:
    cache = jars.cache_folder()
    if not (cache / TOOLS.file).is_file():
        try:
            fetch([TOOLS], cache)
        except BrokerError as error:
            pytest.skip(f"Kafka's own tools are not to be had: {error}")
    assert jars.sha256_of(cache / TOOLS.file) == TOOLS.sha256
    return Java(find_java(), [*jars.classpath(), cache / TOOLS.file])


def printed() -> list[list[str]]:
    """Words of the commands of one service, and of one with an operation of two words."""
    lines = CliRunner().invoke(app, ["topics", "acls"]).output.splitlines()
    return [
        shlex.split(line) for line in lines if OF in line or " --operation DescribeConfigs " in line
    ]


async def run(java: Java, words: list[str], **variables: str) -> str:
    """As a shell would, with its variables."""
    assert words[0] == "kafka-acls.sh"
    given = [variables.get(word.removeprefix("$"), word) for word in words[1:]]
    tool = await asyncio.create_subprocess_exec(
        *java.command(main="org.apache.kafka.tools.AclCommand", arguments=given),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said = (await tool.communicate())[0].decode()
    assert tool.returncode == 0, said
    return said


async def listed(java: Java, **variables: str) -> set[Acl]:
    """What the broker allows, by the tool's own list."""
    said = await run(java, ["kafka-acls.sh", "--bootstrap-server", "$KAFKA", "--list"], **variables)
    found, place = set(), None
    for line in said.splitlines():
        if named := NAMED.search(line):
            place = Kind[named[1]], named[2], Pattern[named[3]]
        elif (right := ALLOWED.search(line)) and place:
            kind, name, pattern = place
            found.add(Acl(right[1], kind, name, Operation[right[2]], pattern))
    return found


@pytest.mark.long
@pytest.mark.timeout(180)
async def test_kafkas_own_tool_runs_the_commands_we_print(java: Java, tmp_path: Path) -> None:
    (tmp_path / "admin.properties").write_text("client.id=acls\n")
    commands = printed()
    assert len(commands) >= 5
    with run_secure_cluster(tmp_path / "kafka", ["dispatch"], certified="webhook") as kafka:
        environment = {"KAFKA": kafka.open, "ADMIN": str(tmp_path / "admin.properties")}
        await asyncio.gather(*(run(java, words, **environment) for words in commands))
        wanted = {
            one
            for one in compute_acls()
            if f"User:{one.user} " == OF or one.operation is Operation.DESCRIBE_CONFIGS
        }
        assert {one.kind for one in wanted} == set(Kind)
        assert await listed(java, **environment) == wanted
        async with admin_client(kafka.open) as client:
            await grant(client, compute_acls())  # by our own request, as `--apply` does
        assert await listed(java, **environment) == set(compute_acls())
