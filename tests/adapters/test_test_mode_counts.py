"""Messages in test mode in the ledger: no count has them, and every hour balances."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from schemas.decision import Verdict
from services.ledger import Ledger
from services.ledger.ledger import FILE
from services.ledger.mailbox import MailboxFilter, list_mailbox
from services.ledger.reconciliation import list_hours, reconcile
from services.ledger.usage import count_by_state, count_requested, read_usage
from services.operations import usage_report
from streams.mailboxes import Box
from tests.adapters.ledger_filler import NOON, fill_ledger
from tests.adapters.ledger_messages import make_decision, make_history, make_outcome, make_request

HOUR_AFTER = NOON.replace(hour=NOON.hour + 1)


def test_counts_are_those_of_texts_that_are_to_be_sent(tmp_path: Path) -> None:
    tests: list[Any] = []
    for name in ("t1", "t2"):
        tests += [
            make_request(name, test_mode=True),
            make_decision(name, verdict=Verdict.CANCEL, test_mode=True),
            make_outcome(name, "canceled", test_mode=True),
        ]
    fill_ledger(tmp_path, *make_history("m1"), *make_history("m2", "canceled"), *tests)
    ledger = Ledger.open(tmp_path / FILE)
    assert count_requested(ledger) == 2
    assert count_by_state(ledger) == {"delivered": 1, "canceled": 1}
    assert count_by_state(ledger, "nobody") == {}
    assert usage_report.reconcile(read_usage(ledger)).unaccounted == 0
    (hour,) = list_hours(ledger, NOON, HOUR_AFTER)
    assert reconcile(ledger, hour).unaccounted == 0
    for box in Box:
        found = list_mailbox(ledger, box, MailboxFilter(), NOON)
        assert not {one.message_id for one in found} & {"t1", "t2"}
    ledger.close()
