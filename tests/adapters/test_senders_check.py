"""Whether a sender hears what people answer, by what went out from it and what came in."""

from __future__ import annotations

from pathlib import Path

import pytest

from schemas.inbound import InboundMessage
from schemas.outcome import Outcome
from schemas.sender import Sender
from schemas.topics import INBOUND, OUTCOMES, SENDERS
from services.cli.app import run
from services.ledger import Ledger
from services.ledger.ledger import FILE
from services.ledger.sender_overview import SILENT_AFTER, check_inbound
from tests.adapters.test_consent_audit import NOON, PHONE, ConsentFiller

CODE = "24365"


@pytest.mark.parametrize(
    ("hears", "texted", "heard", "sound", "says"),
    [
        pytest.param(True, 3, 0, True, "not heard yet", id="young"),
        pytest.param(
            True, SILENT_AFTER, 0, False, "not one answer", id="texted much and heard nothing"
        ),
        pytest.param(True, SILENT_AFTER, 1, True, "answers arrive", id="heard once is hearing"),
        pytest.param(False, 0, 0, False, "set up as deaf", id="deaf by its settings"),
    ],
)
def test_a_sender_is_judged_by_what_it_heard(
    tmp_path: Path, hears: bool, texted: int, heard: int, sound: bool, says: str
) -> None:
    books = ConsentFiller(tmp_path)
    books.add(SENDERS, Sender(sender=CODE, kind="short_code", owner="acme", hears=hears))
    for n in range(texted):
        books.add(
            OUTCOMES,
            Outcome(
                message_id=f"m{n}",
                tenant="acme",
                sender=CODE,
                to=PHONE,
                kind="direct",
                requested_at=NOON,
                state="delivered",
                final=True,
                version=1,
                at=NOON,
            ),
        )
    for n in range(heard):
        books.add(
            INBOUND,
            InboundMessage(
                provider_id=f"SM{n}",
                sender=CODE,
                to_address=CODE,
                number=PHONE,
                body="ok",
                received_at=NOON,
            ),
        )
    books.store.close()
    ledger = Ledger.open(tmp_path / FILE)
    (found,) = check_inbound(ledger)
    ledger.close()
    assert (found.texted, found.heard, found.sound) == (texted, heard, sound)
    assert says in found.says
    assert run(["senders", "check", "--state", str(tmp_path)]) == (0 if sound else 1)
