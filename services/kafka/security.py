"""How every Kafka client of ours gets in: plaintext, TLS, SCRAM, by the environment.

One answer for all of them, so that none is forgotten: every client takes `**access()`, a worker's through its host.
"""

from __future__ import annotations

import ssl
from typing import Any, Final

from services.settings import ServiceSettings, SettingsError, from_environment

LISTENER: Final = "SAYSO_KAFKA_SECURITY"


def access(settings: ServiceSettings | None = None) -> dict[str, Any]:
    """Keyword arguments of aiokafka's clients; by default of this process's environment.  Holds the password: not to
    be printed.  Raises SettingsError."""
    told = settings or from_environment()
    sasl, tls = told.kafka_security.startswith("sasl_"), told.kafka_security.endswith("ssl")
    _agrees(told, sasl, tls)
    if not (sasl or tls):
        return {}
    found: dict[str, Any] = {"security_protocol": told.kafka_security.upper()}
    if sasl:
        found["sasl_mechanism"] = told.kafka_sasl_mechanism
        found["sasl_plain_username"] = told.kafka_user
        found["sasl_plain_password"] = told.kafka_password.get_secret_value()
    if tls:
        found["ssl_context"] = _context(told)
    return found


def nobody(bootstrap: str) -> str:
    """Why a client may have found none: a broker does not tell a wrong password from a stranger."""
    told = from_environment()
    silent = f"No Kafka answers at {bootstrap}"
    if told.kafka_security == "plaintext":
        return silent
    as_whom = f" as {told.kafka_user}" if told.kafka_user else ""
    return f"{silent}, or it does not let us in{as_whom} by {told.kafka_security}"


def _agrees(told: ServiceSettings, sasl: bool, tls: bool) -> None:
    """What is told and not used is a mistake that would send a password, or a text, in the clear."""
    if sasl and not (told.kafka_user and told.kafka_password.get_secret_value()):
        missing = "SAYSO_KAFKA_PASSWORD" if told.kafka_user else "SAYSO_KAFKA_USER"
        raise SettingsError(f"{missing} is not set, and {LISTENER}={told.kafka_security} needs it")
    if told.kafka_user and not sasl:
        raise SettingsError(
            f"SAYSO_KAFKA_USER is set, but {LISTENER}={told.kafka_security} logs nobody in: "
            "write sasl_ssl or sasl_plaintext"
        )
    given = {
        "SAYSO_KAFKA_CA": told.kafka_ca,
        "SAYSO_KAFKA_CERT": told.kafka_cert,
        "SAYSO_KAFKA_KEY": told.kafka_key,
    }
    if not tls and (unused := [name for name, path in given.items() if path]):
        raise SettingsError(
            f"{unused[0]} is set, but {LISTENER}={told.kafka_security} is not encrypted: "
            "write sasl_ssl or ssl"
        )
    if told.kafka_key and not told.kafka_cert:
        raise SettingsError(
            "SAYSO_KAFKA_KEY is set without SAYSO_KAFKA_CERT: name the certificate's file too"
        )


def _context(told: ServiceSettings) -> ssl.SSLContext:
    """The machine's own authorities unless one is named.  The broker must have the name that it is called by."""
    try:
        context = ssl.create_default_context(cafile=told.kafka_ca)
    except (OSError, ssl.SSLError) as error:
        raise SettingsError(
            f"SAYSO_KAFKA_CA cannot be read: {told.kafka_ca}: {_why(error)}"
        ) from None
    if told.kafka_cert:
        try:
            context.load_cert_chain(told.kafka_cert, told.kafka_key, password=_no_prompt)
        except (OSError, ssl.SSLError) as error:
            named = f"{told.kafka_cert}" + (f" and {told.kafka_key}" if told.kafka_key else "")
            raise SettingsError(
                f"SAYSO_KAFKA_CERT or SAYSO_KAFKA_KEY is of no use: {named}: {_why(error)}"
            ) from None
    return context


def _no_prompt() -> str:
    """A key under a password would ask at the terminal, where a service has none."""
    return ""


def _why(error: OSError | ssl.SSLError) -> str:
    if isinstance(error, ssl.SSLError):
        return "not the PEM that is wanted, or certificate and key do not belong together"
    return error.strerror or type(error).__name__
