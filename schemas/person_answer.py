"""What became of a request that people had issued: told to people, so that a text moves with its person, once."""

from __future__ import annotations

from schemas.base import Message, Slug, UtcTime
from schemas.decision import Verdict


class PersonAnswer(Message):
    """Of the gate, for each of its decisions; of outcomes, for what dispatch took back before any call.

    `request_id` is the person-request's id, `message_id` the one it was issued under (they differ for what was
    issued again).  `by`: who took it back, where the verdict is `cancel`."""

    tenant: Slug
    person_id: Slug
    request_id: Slug
    message_id: Slug
    verdict: Verdict
    by: str = ""
    at: UtcTime

    @property
    def person_key(self) -> str:
        return f"{self.tenant}/{self.person_id}"
