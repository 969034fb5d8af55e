"""What Sayso says by itself in answer to STOP, START and HELP (CTIA Messaging Principles 5.1; Twilio's own answers say
the same)."""

from __future__ import annotations

from schemas.tenant_settings import TenantSettings


def stopped(tenant: TenantSettings) -> str:
    return f"{_who(tenant)}: you are unsubscribed and will get no more texts. Reply START to get them again."


def stopped_here(tenant: TenantSettings) -> str:
    return f"{_who(tenant)}: you will get no more texts from this number. Reply START to get them again."


def started(tenant: TenantSettings) -> str:
    about = tenant.consent_request
    return (
        f"{_who(tenant)}: you will get texts about {about.purpose}. {about.frequency} {about.rates} "
        "Reply HELP for help, STOP to opt out."
    )


def helped(tenant: TenantSettings) -> str:
    contact = f" Contact: {tenant.contact}." if tenant.contact else ""
    about = tenant.consent_request
    return f"{_who(tenant)}: texts about {about.purpose}.{contact} {about.rates} Reply STOP to opt out."


def _who(tenant: TenantSettings) -> str:
    return tenant.consent_request.company or tenant.name
