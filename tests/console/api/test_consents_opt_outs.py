"""An opt-out at the consents API counts as far as it can be read."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from schemas.consent import ConsentEvent
from services.console.api.consent_claims import parse_claim

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
NUMBER = "+12125550123"


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"at": None}, id="no time"),
        pytest.param({"at": "yesterday"}, id="a time that is none"),
        pytest.param({"event_id": None}, id="no id"),
        pytest.param({"event_id": "a b"}, id="an id with a blank"),
        pytest.param({"action": "STOP"}, id="as people text it"),
        pytest.param({"action": "Opt-Out"}, id="as people write it"),
        pytest.param({"wording": "", "url": "acme.example", "ip": "x"}, id="a proof that is none"),
        pytest.param({"wording": "x" * 4001}, id="a long wording"),
        pytest.param({"wording": "\ud800"}, id="half a character"),
        pytest.param({"wording": "no more", "wording_sha256": "0" * 64}, id="another's hash"),
        pytest.param({"verified": "maybe"}, id="verified in words"),
        pytest.param({"sender": "x" * 200}, id="no such sender: it stops all"),
        pytest.param({"wording": {"a": "\ud800"}, "at": 5}, id="values of other types"),
        pytest.param({"nmuber": NUMBER, "reason": {"a": [1]}}, id="fields that are not known"),
    ],
)
def test_a_no_is_never_held_to_the_proof_of_a_yes(changes: dict[str, Any]) -> None:
    told = {"event_id": "f-9", "action": "opt_out", "number": NUMBER, "at": "2026-03-01T09:30:00Z"}
    told |= changes
    told = {name: value for name, value in told.items() if value is not None}
    event = parse_claim("acme", told, "k", NOW)
    assert isinstance(event, ConsentEvent)
    assert (event.action, event.number) == ("opt_out", NUMBER)
    assert event.event_id == "f-9" or event.event_id.startswith("opt-out-")
    assert event == parse_claim("acme", told, "k", NOW)


@pytest.mark.parametrize("action", ["ask", "", None, 5, ["opt_out"], "opt_in"])
def test_what_is_no_opt_out_gets_no_mercy(action: Any) -> None:
    assert isinstance(parse_claim("acme", {"action": action, "number": NUMBER}, "k", NOW), tuple)
