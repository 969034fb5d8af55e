"""People of every language write what may be a STOP while texts stream to them, and batches crash:
no automatic text goes before somebody has read it, none is lost, and "go on" releases them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from schemas import topics as t
from schemas.base import Evidence
from schemas.consent import ConsentEvent
from schemas.decision import Verdict
from schemas.inbound import InboundMessage
from schemas.keywords import LOCALES, Meaning, words_in
from schemas.send_request import SendRequest
from streams.inbound_keywords import classify_reply
from streams.processing import build_settings
from tests.simulation.scenario import OWN, SENDERS, SHARED, TENANTS, Scenario
from tests.simulation.test_flow import last_outcomes

LABELLED = Path(__file__).parents[1] / "core" / "inbound_keywords" / "labelled"
SECOND, MINUTE = timedelta(seconds=1), timedelta(minutes=1)


def texts_of(language: str) -> Iterator[str]:
    yield from (word.word for word in words_in((language,)) if word.locale == language)
    file = LABELLED / f"{language}.tsv"
    if file.exists():
        yield from (line.split("\t")[0] for line in file.read_text("utf-8").splitlines()[1:])


def maybe_in(language: str) -> str | None:
    """A text of the language that only may be a STOP."""
    found = (text for text in texts_of(language) if _is_possible(text))
    return next(found, None)


def _is_possible(text: str) -> bool:
    return classify_reply(text).meaning is Meaning.POSSIBLE


MAYBE = {language: text for language in LOCALES if (text := maybe_in(language))}
PEOPLE = {language: f"+1415555{200 + n:04d}" for n, language in enumerate(MAYBE)}


class Storm(Scenario):
    """Everybody has opted in at both tenants, and writes to the sender that they share.  Where
    batches crash it is a slow one, with a queue."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.crash:
            slow = SENDERS[SHARED].model_copy(update={"pace": 3.0})
            self.world.settings = build_settings(TENANTS, SENDERS | {SHARED: slow})

    def play(self, texts: int = 4) -> None:
        self.everybody_opts_in()
        self.world.settle(until=SECOND)
        self.began = self.world.now
        for n, number in enumerate(PEOPLE.values()):
            for tenant in TENANTS:
                for m in range(texts):
                    first = m == 0
                    at = self.began + timedelta(seconds=self.rng.uniform(0, 3 if first else 20))
                    self.asks(f"{tenant}-{n}-{m}", tenant, number, at, only_shared=first)
        for language, number in PEOPLE.items():
            at = self.began + timedelta(seconds=self.rng.uniform(8, 12))
            self.writes(number, MAYBE[language], at)
        self.world.settle(until=30 * MINUTE)
        self.read_at = self.world.now
        self.before = dict(self.taken)
        self.staff_answer()
        self.world.settle(until=timedelta(days=1))

    def everybody_opts_in(self) -> None:
        for n, number in enumerate(PEOPLE.values()):
            for tenant in TENANTS:
                event = ConsentEvent(
                    event_id=f"form-{tenant}-{n}",
                    tenant=tenant,
                    number=number,
                    action="opt_in",
                    source="form",
                    at=self.world.now,
                )
                self.world.publish(t.CONSENT_EVENTS, event)

    def asks(
        self,
        message_id: str,
        tenant: str,
        number: str,
        at: datetime,
        *,
        by: str | None = None,
        only_shared: bool = False,
    ) -> None:
        request = SendRequest(
            message_id=message_id,
            tenant=tenant,
            to=number,
            body=f"text {message_id}",
            sender=SHARED if tenant == "bolt" or only_shared else self.rng.choice([OWN, SHARED]),
            kind="reminder",
            requested_at=at,
            written_by=by,
        )
        self.asked[tenant, message_id] = request
        self.world.publish_at(at, t.SEND_REQUESTS, request)

    def writes(self, number: str, body: str, at: datetime) -> None:
        inbound = InboundMessage(
            provider_id=f"SM-{number[1:]}",
            sender=SHARED,
            to_address=SHARED,
            number=number,
            body=body,
            received_at=at,
        )
        for _ in range(self.rng.choice([1, 2])):
            self.world.publish_at(at, t.INBOUND, inbound)

    def staff_answer(self) -> None:
        """Dana writes to each of them by hand, and then says "go on"."""
        for n, number in enumerate(PEOPLE.values()):
            self.asks(f"by-hand-{n}", "acme", number, self.read_at, by="dana")
        self.world.settle(until=MINUTE)
        self.went_by_hand = {key for key in self.taken if key[1].startswith("by-hand")}
        self.answered_at = self.world.now
        for n, number in enumerate(PEOPLE.values()):
            for tenant in TENANTS:
                event = ConsentEvent(
                    event_id=f"go-on-{tenant}-{n}",
                    tenant=tenant,
                    number=number,
                    action="go_on",
                    source="manual",
                    at=self.answered_at,
                    evidence=Evidence(actor="dana"),
                )
                self.world.publish(t.CONSENT_EVENTS, event)

    def pauses(self) -> dict[tuple[str, str], datetime]:
        """When the gate put each number in question."""
        return {
            (entry.tenant, entry.number): entry.at
            for entry in self.world.log.all(t.CONSENT_LOG)
            if entry.action == "maybe_revoked" and entry.applied
        }


@pytest.fixture(
    params=[(1, 0.0), (2, 0.0), (3, 0.02), (4, 0.02), (5, 0.03)], scope="module", ids=str
)
def storm(request: pytest.FixtureRequest) -> Storm:
    scenario = Storm(*request.param)
    scenario.play()
    return scenario


def test_it_blows_in_every_language() -> None:
    assert MAYBE.keys() == set(LOCALES)


def test_everybody_is_in_question_at_every_tenant_that_texted(storm: Storm) -> None:
    """They wrote to the sender that both share.  A number that the provider refuses at first is
    not texted by the other tenant."""
    texted = {
        (order.tenant, order.to)
        for order in storm.world.log.all(t.DISPATCH_ORDERS)
        if order.sender == SHARED and order.issued_at < storm.began + 7 * SECOND
    }
    assert len(texted) > len(PEOPLE)
    assert texted <= storm.pauses().keys()


def test_no_automatic_text_goes_until_it_is_read(storm: Storm) -> None:
    """Once dispatch has read the Recall; a call that had begun by then cannot be taken back."""
    assert storm.overtaken == []
    pauses = storm.pauses()
    early = [
        (post, at)
        for post, at in storm.world.posts
        if not post.message_id.startswith("by-hand")
        and (post.tenant, post.to) in pauses
        and pauses[post.tenant, post.to] + 5 * SECOND < at < storm.answered_at
    ]
    assert early == []
    held = storm.asked.keys() - storm.before.keys()
    assert len(held) > len(PEOPLE), "too few texts waited to show anything"


def test_what_was_queued_came_back_and_was_held(storm: Storm) -> None:
    decisions = storm.world.log.all(t.DECISIONS)
    held = [one for one in decisions if "revocation_in_question" in {f.rule for f in one.findings}]
    assert held
    others = {rule.rule for one in held for rule in one.findings if one.verdict is not Verdict.HOLD}
    assert others <= {"revocation_in_question", "not_sms_enabled"}, "but what the provider refused"


def test_what_staff_wrote_by_hand_went_meanwhile(storm: Storm) -> None:
    assert len(storm.went_by_hand) > len(PEOPLE) / 2


def test_nothing_is_lost_and_nothing_goes_twice(storm: Storm) -> None:
    """A few are refused by the provider or in doubt, as ever."""
    last = last_outcomes(storm)
    assert set(last) == storm.asked.keys()
    assert {key: n for key, n in storm.taken.items() if n > 1} == {}
    assert {one.state for one in last.values()} & {"held", "queued", "canceled"} == set()
    rejected = {key for key, one in last.items() if one.state == "rejected"}
    reasons = {
        found.rule
        for decision in storm.world.log.all(t.DECISIONS)
        if (decision.tenant, decision.message_id) in rejected and decision.verdict == "reject"
        for found in decision.findings
    }
    assert reasons <= {"not_sms_enabled", "revocation_in_question"}, "the provider said landline"


def test_go_on_releases_them_within_two_seconds(storm: Storm) -> None:
    """To the order; and without crashes to the provider's call too."""
    held = storm.asked.keys() - storm.before.keys() - storm.went_by_hand
    last_order = {
        (order.tenant, order.message_id): order.issued_at
        for order in storm.world.log.all(t.DISPATCH_ORDERS)
        if order.issued_at >= storm.answered_at
    }
    released = [at - storm.answered_at for key, at in last_order.items() if key in held]
    assert len(released) > len(PEOPLE)
    if not storm.crash:
        assert max(released) <= 2 * SECOND
        first_call: dict[tuple[str, str], datetime] = {}
        for post, at in storm.world.posts:
            if at >= storm.answered_at:
                first_call.setdefault((post.tenant, post.message_id), at)
        late = {
            key
            for key, at in first_call.items()
            if key in held and at > storm.answered_at + 2 * SECOND
        }
        assert len(late) < len(held) / 2, "those behind a 429"
