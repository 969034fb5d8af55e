"""A secret may be in a file that `NAME_FILE` names, as containers mount it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from pydantic import SecretStr

from services.kafka.security import security_options
from services.settings import SECRETS, VARIABLES, ServiceSettings, SettingsError, from_environment
from tests.adapters.processes import environment

FIELDS = {name: field for field, name in VARIABLES.items()}


def test_every_secret_may_be_in_a_file() -> None:
    secret = {
        VARIABLES[name]
        for name, field in ServiceSettings.model_fields.items()
        if "SecretStr" in str(field.annotation)
    }
    assert set(SECRETS) == secret
    assert {"TWILIO_AUTH_TOKEN", "SAYSO_SMTP_URL", "SAYSO_KAFKA_PASSWORD"} <= secret
    assert not set(SECRETS.values()) & set(VARIABLES.values()), "a name that means something else"


@pytest.mark.parametrize("name", SECRETS)
@pytest.mark.parametrize("end", ["", "\n", "\r\n"])
def test_a_secret_is_read_without_the_line_break_of_an_editor(
    name: str, end: str, tmp_path: Path
) -> None:
    (tmp_path / "it").write_bytes(f" sécret x{end}".encode())
    settings = from_environment({f"{name}_FILE": str(tmp_path / "it")})
    found = getattr(settings, FIELDS[name])
    assert found == SecretStr(" sécret x")
    assert "sécret" not in f"{settings!r} {settings}"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        pytest.param(None, "cannot be read: .*No such file", id="not there"),
        pytest.param(b"", "is empty", id="empty"),
        pytest.param(b" \n\n", "is empty", id="blank"),
        pytest.param(b"one\ntwo\n", "more than one line", id="two lines"),
        pytest.param(b"x\x00y", "more than one line of text", id="a null byte"),
        pytest.param(b"\xff\xfe-hidden", "no text", id="not UTF-8"),
        pytest.param(b"hidden" * 4000, "more than one line", id="endless"),
    ],
)
def test_a_file_that_cannot_be_a_secret_is_refused_and_not_shown(
    content: bytes | None, words: str, tmp_path: Path
) -> None:
    path = tmp_path / "token"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(SettingsError, match=f"^TWILIO_AUTH_TOKEN_FILE .*{words}") as refused:
        from_environment({"TWILIO_AUTH_TOKEN_FILE": str(path)})
    assert str(path) in str(refused.value)
    assert "hidden" not in str(refused.value)


def test_a_folder_is_no_secret(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="SAYSO_KAFKA_PASSWORD_FILE cannot be read"):
        from_environment({"SAYSO_KAFKA_PASSWORD_FILE": str(tmp_path)})


def test_a_secret_in_two_places_is_refused(tmp_path: Path) -> None:
    (tmp_path / "it").write_text("x")
    both = {"TWILIO_AUTH_TOKEN": "y", "TWILIO_AUTH_TOKEN_FILE": str(tmp_path / "it")}
    with pytest.raises(SettingsError, match="are both set"):
        from_environment(both)
    assert from_environment({**both, "TWILIO_AUTH_TOKEN": ""}).auth_token == SecretStr("x")


def test_the_kafka_login_takes_its_password_from_the_file(tmp_path: Path) -> None:
    (tmp_path / "password").write_text("from-the-file\n")
    settings = from_environment(
        {
            "SAYSO_KAFKA_SECURITY": "sasl_plaintext",
            "SAYSO_KAFKA_USER": "sayso-gate",
            "SAYSO_KAFKA_PASSWORD_FILE": str(tmp_path / "password"),
        }
    )
    assert security_options(settings)["sasl_plain_password"] == "from-the-file"


def test_a_process_names_the_file_that_is_missing(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "services.webhook"],
        env=environment({"SAYSO_BOOTSTRAP": "127.0.0.1:9", "TWILIO_AUTH_TOKEN_FILE": "/not/there"}),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 2
    assert done.stderr.startswith("TWILIO_AUTH_TOKEN_FILE cannot be read: /not/there")
