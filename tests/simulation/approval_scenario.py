"""Branches that want to see their texts first, staff who approve, reject, repeat and mistake,
recipients who stop, all by one seed.

Staff see what waits as anybody does: from the decisions.  What they approve, they approve by the
text they were shown; now and then by another one."""

from __future__ import annotations

import hashlib
import random
from collections import Counter
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import count

from schemas import topics as t
from schemas.approval import Approval, ApprovalAction
from schemas.decision import Decision, Verdict
from schemas.send_request import CancelRequest, SendRequest
from schemas.tenant_settings import Branch, TenantSettings
from streams.dispatch.provider_calls import SendCall, SendResult
from streams.processing import build_settings
from streams.topology import PROCESSORS
from tests.simulation.scenario import ANY_TIME, PEOPLE, SENDERS, SHARED, Scenario
from tests.simulation.world import World

TENANTS = {
    "acme": TenantSettings(
        tenant="acme",
        name="Acme Law",
        sender="55501",
        when=ANY_TIME,
        branches={"court": Branch(send_immediately=False), "intake": Branch()},
    ),
    "bolt": TenantSettings(
        tenant="bolt", name="Bolt Homes", sender=SHARED, when=ANY_TIME, send_immediately=False
    ),
}


@dataclass
class ApprovalScenario(Scenario):
    """`unseen`: calls for texts of an approving branch for which no approval of that very text
    was out when the call began."""

    said: list[Approval] = field(default_factory=list)
    unseen: list[SendCall] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.rng = random.Random(f"approving {self.seed}")
        self.world = World(
            self.seed,
            list(PROCESSORS.values()),
            build_settings(TENANTS, SENDERS),
            self.call,
            crash=self.crash,
        )
        self.ids = count()

    def producers_ask(self, texts: int) -> None:
        for n in range(texts):
            tenant, number = self.rng.choice(list(TENANTS)), self.rng.choice(PEOPLE)
            request = SendRequest(
                message_id=f"m{n}",
                tenant=tenant,
                to=number,
                body=f"text {n}",
                kind="reminder",
                branch=self.rng.choice(["court", "court", "intake", None]),
                requested_at=self.world.now,
                valid_until=self.rng.choice([None, None, self.world.now + timedelta(seconds=60)]),
            )
            self.asked[tenant, request.message_id] = request
            for _ in range(self.rng.choice([1, 1, 1, 2])):
                at = self.world.now + timedelta(seconds=self.rng.uniform(0, 60))
                self.world.publish_at(at, t.SEND_REQUESTS, request)

    def staff_look(self) -> None:
        """At what waits now; most of it gets a word, at any time in the next two minutes, some
        of it several."""
        last: dict[str, Decision] = {}
        for one in self.world.log.all(t.DECISIONS):
            if one.message_id not in last or one.seq > last[one.message_id].seq:
                last[one.message_id] = one
        for one in last.values():
            waits = one.verdict is Verdict.HOLD and any(
                f.rule == "awaiting_approval" for f in one.findings
            )
            if waits:
                for _ in range(self.rng.choice([0, 1, 1, 1, 2, 3])):
                    self.say(self.asked[one.tenant, one.message_id])

    def say(self, request: SendRequest) -> None:
        action = self.rng.choices([*ApprovalAction], [70, 10, 20])[0]
        text = request.body if self.rng.random() < 0.85 else request.body + "!"
        at = self.world.now + timedelta(seconds=self.rng.uniform(0, 120))
        word = Approval(
            approval_id=f"a{next(self.ids)}",
            tenant=request.tenant,
            number=request.to,
            message_id=request.message_id,
            action=action,
            by="dana",
            at=at,
            body_sha256=hashlib.sha256(text.encode()).hexdigest(),
        )
        self.said.append(word)
        for _ in range(self.rng.choice([1, 1, 2])):
            self.world.publish_at(at, t.APPROVALS, word)

    def some_are_taken_back(self) -> None:
        for request in self.rng.sample(list(self.asked.values()), 5):
            back = CancelRequest(
                tenant=request.tenant,
                number=request.to,
                message_id=request.message_id,
                by="lee",
                at=self.world.now,
            )
            self.world.publish_at(
                self.world.now + timedelta(seconds=self.rng.uniform(0, 150)),
                t.REQUEST_CANCELS,
                back,
            )

    def call(self, post: SendCall, now: object) -> SendResult:  # type: ignore[override]
        request = self.asked.get((post.tenant, post.message_id))
        if request is not None and wants_to_see(request) and not self.approved_by_then(request):
            self.unseen.append(post)
        return super().call(post, self.world.now)

    def approved_by_then(self, request: SendRequest) -> bool:
        """Whether an approval of this text was on its topic when the call began."""
        seen = hashlib.sha256(request.body.encode()).hexdigest()
        return any(
            (one.tenant, one.message_id, one.body_sha256)
            == (request.tenant, request.message_id, seen)
            for one in self.world.log.all(t.APPROVALS)
            if one.action is ApprovalAction.APPROVE
        )

    def play(self, texts: int = 60) -> None:
        self.people_opt_in()
        self.world.settle(until=timedelta(seconds=1))
        self.producers_ask(texts)
        self.people_say_stop()
        self.some_are_taken_back()
        for _ in range(3):
            self.world.settle(until=timedelta(seconds=40))
            self.staff_look()
        self.world.settle(until=timedelta(days=40), turns=60_000)

    # --- what an onlooker sees

    @property
    def states(self) -> dict[tuple[str, str], str]:
        last: dict[tuple[str, str], tuple[int, str]] = {}
        for one in self.world.log.all(t.OUTCOMES):
            key = one.tenant, one.message_id
            last[key] = max(last.get(key, (0, "")), (one.version, one.state))
        return {key: state for key, (_, state) in last.items()}

    def orders(self) -> Counter[tuple[str, str]]:
        return Counter(
            (one.tenant, one.message_id) for one in self.world.log.all(t.DISPATCH_ORDERS)
        )


def wants_to_see(request: SendRequest) -> bool:
    return request.tenant == "bolt" or request.branch == "court"
