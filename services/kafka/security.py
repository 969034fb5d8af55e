"""How every Kafka client of ours logs in: plaintext, TLS or SCRAM, as the environment says.

There is one answer for all clients, so that none is forgotten: each takes `**security_options()`,
a worker's clients through Faust's broker credentials.
"""

from __future__ import annotations

import ssl
from typing import Any, Final

from services.settings import ServiceSettings, SettingsError, from_environment

LISTENER: Final = "SAYSO_KAFKA_SECURITY"


def security_options(settings: ServiceSettings | None = None) -> dict[str, Any]:
    """Keyword arguments of aiokafka's clients, by default from this process's environment.

    They hold the password: never print them. Raises SettingsError.
    """
    settings = settings or from_environment()
    uses_sasl = settings.kafka_security.startswith("sasl_")
    uses_tls = settings.kafka_security.endswith("ssl")
    _check_consistency(settings, uses_sasl, uses_tls)
    if not (uses_sasl or uses_tls):
        return {}
    options: dict[str, Any] = {"security_protocol": settings.kafka_security.upper()}
    if uses_sasl:
        options["sasl_mechanism"] = settings.kafka_sasl_mechanism
        options["sasl_plain_username"] = settings.kafka_user
        options["sasl_plain_password"] = settings.kafka_password.get_secret_value()
    if uses_tls:
        options["ssl_context"] = _ssl_context(settings)
    return options


def unreachable_message(bootstrap: str) -> str:
    """Why a client may have found no broker.

    A broker drops a client with a wrong password as silently as one that speaks another protocol.
    """
    settings = from_environment()
    silent = f"No Kafka answers at {bootstrap}"
    if settings.kafka_security == "plaintext":
        return silent
    user = f" as {settings.kafka_user}" if settings.kafka_user else ""
    return f"{silent}, or it does not let us in{user} by {settings.kafka_security}"


def _check_consistency(settings: ServiceSettings, uses_sasl: bool, uses_tls: bool) -> None:
    """Refuse a setting that would be ignored: it could send a password or a text in the clear."""
    listener = f"{LISTENER}={settings.kafka_security}"
    if uses_sasl and not (settings.kafka_user and settings.kafka_password.get_secret_value()):
        missing = "SAYSO_KAFKA_PASSWORD" if settings.kafka_user else "SAYSO_KAFKA_USER"
        raise SettingsError(f"{missing} is not set, and {listener} needs it")
    if settings.kafka_user and not uses_sasl:
        raise SettingsError(
            f"SAYSO_KAFKA_USER is set, but {listener} logs nobody in:"
            " write sasl_ssl or sasl_plaintext"
        )
    tls_files = {
        "SAYSO_KAFKA_CA": settings.kafka_ca,
        "SAYSO_KAFKA_CERT": settings.kafka_cert,
        "SAYSO_KAFKA_KEY": settings.kafka_key,
    }
    if not uses_tls and (unused := [name for name, path in tls_files.items() if path]):
        raise SettingsError(
            f"{unused[0]} is set, but {listener} is not encrypted: write sasl_ssl or ssl"
        )
    if settings.kafka_key and not settings.kafka_cert:
        raise SettingsError(
            "SAYSO_KAFKA_KEY is set without SAYSO_KAFKA_CERT: name the certificate's file too"
        )


def _ssl_context(settings: ServiceSettings) -> ssl.SSLContext:
    """Trusts the system's authorities unless one is named. The broker's name must match."""
    try:
        context = ssl.create_default_context(cafile=settings.kafka_ca)
    except (OSError, ssl.SSLError) as error:
        raise SettingsError(
            f"SAYSO_KAFKA_CA cannot be read: {settings.kafka_ca}: {_describe(error)}"
        ) from None
    if settings.kafka_cert:
        try:
            context.load_cert_chain(
                settings.kafka_cert, settings.kafka_key, password=_refuse_to_prompt
            )
        except (OSError, ssl.SSLError) as error:
            key = f" and {settings.kafka_key}" if settings.kafka_key else ""
            raise SettingsError(
                "SAYSO_KAFKA_CERT or SAYSO_KAFKA_KEY is of no use:"
                f" {settings.kafka_cert}{key}: {_describe(error)}"
            ) from None
    return context


def _refuse_to_prompt() -> str:
    """OpenSSL would ask for a key's password at the terminal, and a service has none."""
    return ""


def _describe(error: OSError | ssl.SSLError) -> str:
    if isinstance(error, ssl.SSLError):
        return "not the PEM that is wanted, or certificate and key do not belong together"
    return error.strerror or type(error).__name__
