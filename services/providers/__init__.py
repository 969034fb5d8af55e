"""Who carries our texts: Twilio, or anything that speaks its API (the simulator does)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from services.providers.provider import Provider
from services.settings import ServiceSettings, SettingsError

__all__ = ["PROVIDERS", "Provider", "provider_from"]


def provider_from(settings: ServiceSettings) -> Provider:
    """Raises SettingsError where it is not known, or a credential is missing."""
    opened = PROVIDERS.get(settings.provider)
    if opened is None:
        raise SettingsError(
            f"SAYSO_PROVIDER {settings.provider!r} is not known: use {', '.join(PROVIDERS)}"
        )
    return opened(settings)


def _twilio(settings: ServiceSettings) -> Provider:
    if not settings.account_sid:
        raise SettingsError(
            "TWILIO_ACCOUNT_SID is not set: it is the SID (AC...) of the account that sends"
        )
    if not settings.auth_token.get_secret_value():
        raise SettingsError("TWILIO_AUTH_TOKEN is not set: without it the provider takes no text")
    from services.providers.twilio import (
        Twilio,
    )  # costs 0.5 s to import: only those who send pay for it

    return Twilio(
        account_sid=settings.account_sid,
        auth_token=settings.auth_token,
        public_url=settings.public_url,
        base_url=settings.provider_url,
        timeout=settings.provider_timeout,
        connections=settings.provider_concurrency,
    )


PROVIDERS: Final[Mapping[str, Callable[[ServiceSettings], Provider]]] = {"twilio": _twilio}
"""A second provider is a line here."""
