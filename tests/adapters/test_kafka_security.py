"""The security settings of a Kafka client, and the rights that each service gets."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import trustme
from typer.testing import CliRunner

from schemas import topics as t
from schemas.topics import EVERY_TOPIC, TOPICS
from services.cli.app import app
from services.kafka.acls import (
    READ_BY_PROCESSORS,
    WRITTEN_BY_OPS,
    WRITTEN_BY_STAFF,
    Kind,
    Operation,
    Pattern,
    compute_acls,
    compute_rights,
    render_commands,
)
from services.kafka.security import security_options
from services.settings import SettingsError, from_environment
from streams.runtime.faust_transport import credentials
from streams.topology import PROCESSORS

HOUSE = Path(__file__).parents[2]
USER = {"SAYSO_KAFKA_USER": "u", "SAYSO_KAFKA_PASSWORD": "s3cret"}


def options(**given: str) -> dict[str, Any]:
    return security_options(
        from_environment({f"SAYSO_KAFKA_{name}": value for name, value in given.items()})
    )


@pytest.fixture
def files(tmp_path: Path) -> dict[str, str]:
    ca, one, other = trustme.CA(), "one", "other"
    ca.cert_pem.write_to_path(tmp_path / "ca.pem")
    for name in (one, other):
        issued = ca.issue_cert(common_name=name)
        issued.private_key_pem.write_to_path(tmp_path / f"{name}.key")
        issued.cert_chain_pems[0].write_to_path(tmp_path / f"{name}.pem")
    (tmp_path / "empty").touch()
    return {file.name: str(file) for file in tmp_path.iterdir()}


def test_by_default_nothing_is_secured() -> None:
    assert options() == {}
    assert credentials(options()) is None


def test_a_password_reaches_every_client_and_no_repr() -> None:
    settings = from_environment({"SAYSO_KAFKA_SECURITY": "SASL_PLAINTEXT", **USER})
    assert "s3cret" not in repr(settings)
    found = security_options(settings)
    assert found == {
        "security_protocol": "SASL_PLAINTEXT",
        "sasl_mechanism": "SCRAM-SHA-512",
        "sasl_plain_username": "u",
        "sasl_plain_password": "s3cret",
    }
    faust = credentials(found)
    assert (faust.protocol.value, faust.mechanism.value) == ("SASL_PLAINTEXT", "SCRAM-SHA-512")
    assert (faust.username, faust.password) == ("u", "s3cret")
    assert "s3cret" not in repr(faust)


def test_tls_checks_the_brokers_name(files: dict[str, str]) -> None:
    found = options(SECURITY="ssl", CA=files["ca.pem"], CERT=files["one.pem"], KEY=files["one.key"])
    assert found["ssl_context"].check_hostname
    assert credentials(found).protocol.value == "SSL"
    both = options(
        SECURITY="sasl_ssl", CA=files["ca.pem"], USER="u", PASSWORD="p", SASL_MECHANISM="plain"
    )
    assert (both["security_protocol"], both["sasl_mechanism"]) == ("SASL_SSL", "PLAIN")
    assert credentials(both).protocol.value == "SASL_SSL"
    assert credentials(both).ssl_context is both["ssl_context"]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (
            {"SECURITY": "tls"},
            "SAYSO_KAFKA_SECURITY is wrong: Input should be 'plaintext', 'ssl', ",
        ),
        (
            {"SASL_MECHANISM": "GSSAPI"},
            "SAYSO_KAFKA_SASL_MECHANISM is wrong: Input should be 'SCRAM-SHA-512'",
        ),
        (
            {"SECURITY": "sasl_ssl"},
            "SAYSO_KAFKA_USER is not set, and SAYSO_KAFKA_SECURITY=sasl_ssl needs it",
        ),
        ({"SECURITY": "sasl_ssl", "USER": "u"}, "SAYSO_KAFKA_PASSWORD is not set"),
        (
            {"USER": "u", "PASSWORD": "s3cret"},
            "SAYSO_KAFKA_USER is set, but SAYSO_KAFKA_SECURITY=plaintext logs nobody in",
        ),
        (
            {"SECURITY": "ssl", "USER": "u"},
            "SAYSO_KAFKA_SECURITY=ssl logs nobody in: write sasl_ssl",
        ),
        (
            {"SECURITY": "sasl_plaintext", "USER": "u", "PASSWORD": "s3cret", "CA": "ca.pem"},
            "SAYSO_KAFKA_CA is set, but SAYSO_KAFKA_SECURITY=sasl_plaintext is not encrypted",
        ),
        (
            {"SECURITY": "ssl", "CA": "nowhere"},
            "SAYSO_KAFKA_CA cannot be read: .*nowhere: No such file",
        ),
        (
            {"SECURITY": "ssl", "CA": "empty"},
            "SAYSO_KAFKA_CA cannot be read: .*empty: not the PEM that is wanted",
        ),
        ({"SECURITY": "ssl", "KEY": "one.key"}, "SAYSO_KAFKA_KEY is set without SAYSO_KAFKA_CERT"),
        (
            {"SECURITY": "ssl", "CERT": "one.pem", "KEY": "other.key"},
            "certificate and key do not belong together",
        ),
    ],
)
def test_what_is_wrong_is_one_sentence(
    given: dict[str, str], said: str, files: dict[str, str]
) -> None:
    named = {name: files.get(value, value) for name, value in given.items()}
    with pytest.raises(SettingsError, match=said) as refused:
        options(**named)
    assert "s3cret" not in str(refused.value)


def test_the_command_line_reports_a_wrong_setting(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from services.cli.app import run

    monkeypatch.setenv("SAYSO_KAFKA_SECURITY", "sasl_ssl")
    for asked in (["topics", "list"], ["lag"]):
        assert run([*asked, "--bootstrap", "127.0.0.1:1"]) == 2
        said = capsys.readouterr().err.strip()
        assert said == "SAYSO_KAFKA_USER is not set, and SAYSO_KAFKA_SECURITY=sasl_ssl needs it"


def test_the_embedded_broker_takes_no_security_settings(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    from services.cli.app import run

    for name, value in {"SAYSO_KAFKA_SECURITY": "sasl_plaintext", **USER}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("SAYSO_BOOTSTRAP", raising=False)
    assert run(["up", "--state", str(tmp_path)]) == 2
    assert "SAYSO_KAFKA_SECURITY is for a Kafka of your own" in capsys.readouterr().err


# --- nobody is forgotten


def clients() -> Iterator[tuple[str, ast.Call]]:
    for file in (*HOUSE.glob("services/**/*.py"), *HOUSE.glob("streams/**/*.py")):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Call) and re.match(
                r"AIOKafka|AdminClient$|Broadcast$|Writer$|Host$", ast.unparse(node.func)
            ):
                yield f"{file.relative_to(HOUSE)}:{node.lineno}", node


def test_every_client_takes_the_security_options() -> None:
    found = dict(clients())
    assert len(found) >= 12
    takes = r"\*\*security_options\((settings)?\)|\*\*(self\.)?(faust_app\.)?auth\b|auth=auth\b"
    assert [at for at, call in found.items() if not re.search(takes, ast.unparse(call))] == []


# --- what is allowed


def named(*places: str) -> set[str]:
    """Topics that a published message names, by its declaration, somewhere in these folders."""
    constants = {value.name: name for name, value in vars(t).items() if isinstance(value, t.Topic)}
    names = {name: topic for topic, name in constants.items()}
    found = set()
    for place in places:
        for file in HOUSE.glob(place):
            for node in ast.walk(ast.parse(file.read_text())):
                if isinstance(node, ast.Call) and re.search(
                    r"Publication$|publish(_all)?$", ast.unparse(node.func)
                ):
                    found |= {
                        names[ast.unparse(part)] for part in node.args if ast.unparse(part) in names
                    }
    return found


@pytest.mark.parametrize("processor", PROCESSORS.values(), ids=lambda one: one.name)
def test_a_processor_declares_what_it_publishes(processor: Any) -> None:
    """And no more."""
    published = named(f"streams/{processor.name}/**/*.py") - {t.DEAD_LETTERS.name}
    assert {topic.name for topic in processor.published_topics} == published


def test_services_are_allowed_what_they_publish() -> None:
    writes = {service: written(found) for service, found in compute_rights().items()}
    assert named("services/console/**/*.py") <= writes["console"]
    assert writes["webhook"] == {t.INBOUND.name, t.DELIVERY_RECEIPTS.name}
    people = named("services/cli/*.py", "services/operations/*.py") | {t.LETTER_RESOLUTIONS.name}
    assert people <= writes["staff"] | writes["ops"]
    assert {topic.name for topic in (*WRITTEN_BY_STAFF, *WRITTEN_BY_OPS)} <= people, (
        "nothing that nobody needs"
    )


def written(found: Any) -> set[str]:
    return {
        name
        for kind, name, operation, _ in found
        if kind is Kind.TOPIC and operation is Operation.WRITE
    }


READS_POSITIONS = {"exporter", "ops", "console"}
"""They compare where a processor stands, and what it has put aside, with the topics."""


def test_only_its_processor_writes_a_state_topic() -> None:
    rows = {topic.name for topic in EVERY_TOPIC} - {topic.name for topic in TOPICS}
    for acl in compute_acls():
        if acl.name in rows and acl.operation in {Operation.READ, Operation.WRITE}:
            reader = acl.user.removeprefix("sayso-")
            if reader in READS_POSITIONS and acl.operation is Operation.READ:
                continue
            assert acl.name == f"sayso.{reader}.rows"


def test_only_processors_write_orders_and_consent() -> None:
    """Who could write these could text whom they like, or say that somebody agreed."""
    for topic in (t.DISPATCH_ORDERS, t.CONSENT_LOG):
        may = {
            acl.user
            for acl in compute_acls()
            if acl.name == topic.name and acl.operation is Operation.WRITE
        }
        assert may - {"sayso-ops", "sayso-console"} <= {"sayso-gate", "sayso-dispatch"}
    assert t.CONSENT_LOG not in READ_BY_PROCESSORS


def test_each_right_is_listed_once_in_either_form() -> None:
    found = compute_acls("x-")
    assert len(set(found)) == len(found)
    lines = "\n".join(render_commands(found))
    assert lines.count("--topic ") == sum(acl.kind is Kind.TOPIC for acl in found)
    assert (
        "--add --allow-principal User:x-gate --operation Write --transactional-id sayso.gate- "
        "--resource-pattern-type prefixed"
    ) in lines.splitlines()
    assert sum(acl.pattern is Pattern.PREFIXED for acl in found) == len(PROCESSORS) + 2


def test_acls_are_printed_for_kafkas_own_tool_and_as_json() -> None:
    shown = CliRunner().invoke(app, ["topics", "acls", "--user-prefix", "sms."]).output
    assert shown.splitlines()[0].startswith(
        "kafka-acls.sh --bootstrap-server $KAFKA --command-config $ADMIN --add "
    )
    lines = CliRunner().invoke(app, ["topics", "acls", "--json"]).output.splitlines()
    assert {
        "user": "sayso-webhook",
        "resource": "topic",
        "name": "sms.inbound",
        "pattern": "literal",
        "operation": "write",
    } in map(json.loads, lines)
    assert len(lines) == len(compute_acls())
