"""Whatever else is found of a text: one that can be withdrawn is the same text, a little later."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from schemas.consent import ConsentState
from schemas.decision import Verdict
from schemas.send_request import Kind
from streams.gate.rules import evaluate
from tests.core.gate.cases import PHONE, context

moments = st.datetimes(datetime(2026, 11, 1), datetime(2026, 12, 31), timezones=st.just(UTC))
asked = st.fixed_dictionaries(
    {
        "consent": st.sampled_from(ConsentState),
        "kind": st.sampled_from(Kind),
        "body": st.text(max_size=20),
        "to": st.sampled_from([PHONE, "+1212555", "+442079460000"]),
        "not_before": st.none() | moments,
        "valid_until": st.none() | moments,
    }
)
spans = st.timedeltas(timedelta(0), timedelta(minutes=10))


@given(asked, moments, spans, spans)
def test_it_holds_only_and_only_until_its_time(
    said: dict[str, Any], received: datetime, since: timedelta, undo: timedelta
) -> None:
    now = received + since
    free = context(received=received, now=now, requested_at=received, **said)
    held = free._replace(undo_until=received + undo)
    without, found = evaluate(free), evaluate(held)
    others = [one for one in found.findings if one.rule != "undo"]
    assert others == list(without.findings)
    if now >= received + undo:
        assert found == without
    elif without.verdict in (Verdict.SEND, Verdict.HOLD):
        assert found.verdict is Verdict.HOLD
        alone = without.verdict is Verdict.SEND
        assert not alone or found.until == received + undo
        assert found.until is None or found.until >= received + undo
    else:
        assert found.verdict is without.verdict
