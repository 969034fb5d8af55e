"""Which provider the environment asks for."""

from __future__ import annotations

import pytest

from services.local.simulator import Simulator
from services.providers import provider_from
from services.settings import SettingsError, from_environment
from streams.dispatch.provider_calls import Result
from tests.adapters.calls import post


async def test_provider_from_the_environment() -> None:
    async with Simulator() as sim:
        provider = provider_from(
            from_environment(
                {
                    "TWILIO_ACCOUNT_SID": sim.account_sid,
                    "TWILIO_AUTH_TOKEN": sim.auth_token,
                    "SAYSO_PROVIDER_URL": sim.url,
                }
            )
        )
        assert (await provider.send(post())).result is Result.ACCEPTED
        await provider.close()


@pytest.mark.parametrize("missing", ["TWILIO_ACCOUNT_SID", "TWILIO_AUTH_TOKEN"])
def test_without_credentials(missing: str) -> None:
    given = {"TWILIO_ACCOUNT_SID": "AC1", "TWILIO_AUTH_TOKEN": "secret"}
    with pytest.raises(SettingsError, match=missing):
        provider_from(
            from_environment({name: value for name, value in given.items() if name != missing})
        )


def test_an_unknown_provider_is_named() -> None:
    with pytest.raises(SettingsError, match="SAYSO_PROVIDER 'pigeon' is not known: use twilio"):
        provider_from(from_environment({"SAYSO_PROVIDER": "pigeon"}))


def test_the_token_shows_in_no_repr() -> None:
    provider = provider_from(
        from_environment({"TWILIO_ACCOUNT_SID": "AC1", "TWILIO_AUTH_TOKEN": "hush"})
    )
    assert "hush" not in repr(provider) + repr(provider.__dict__)
