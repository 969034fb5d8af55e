"""The providers that take our texts: Twilio, or anything that speaks its API (the simulator
does)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from services.providers.provider import Provider
from services.settings import ServiceSettings, SettingsError

__all__ = ["PROVIDERS", "Provider", "provider_from"]


def provider_from(settings: ServiceSettings) -> Provider:
    """Raises SettingsError if the provider is not known, or a credential is missing."""
    create = PROVIDERS.get(settings.provider)
    if create is None:
        raise SettingsError(
            f"SAYSO_PROVIDER {settings.provider!r} is not known: use {', '.join(PROVIDERS)}"
        )
    return create(settings)


def _twilio(settings: ServiceSettings) -> Provider:
    if not settings.account_sid:
        raise SettingsError(
            "TWILIO_ACCOUNT_SID is not set: it is the SID (AC...) of the account that sends"
        )
    if not settings.auth_token.get_secret_value():
        raise SettingsError("TWILIO_AUTH_TOKEN is not set: without it the provider takes no text")
    # The import costs 0.5 s: only a process that sends pays for it.
    from services.providers.twilio import Twilio  # noqa: PLC0415

    return Twilio(
        account_sid=settings.account_sid,
        auth_token=settings.auth_token,
        public_url=settings.public_url,
        base_url=settings.provider_url,
        timeout=settings.provider_timeout,
        connections=settings.provider_concurrency,
    )


PROVIDERS: Final[Mapping[str, Callable[[ServiceSettings], Provider]]] = {"twilio": _twilio}
"""By name. A second provider is a line here."""
