"""The people of the law-office story: who they are, and how each of them answers texts.

All numbers are fictional, in an area code that the other people of the demo do not have.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

from schemas.person import NumberType

CLIENT: Final = "client"
PARTY: Final = "party"
QUESTION: Final = "Can my brother come with me?"
"""It wants a person's answer."""


class Answer(NamedTuple):
    """What somebody texts back, once so many texts have reached their phone."""

    after_texts: int
    body: str
    delay: float = 0.2
    """Seconds."""


class Member(NamedTuple):
    """Somebody in one of the story's cases."""

    key: str
    name: str
    first: str
    number: str
    role: str
    """In the case."""
    fate: str
    """The role in the demo (`fixtures.ROLES`): what they say to texts."""
    language: str = "en"
    number_type: NumberType = NumberType.MOBILE
    answers: tuple[Answer, ...] = ()
    own_case: bool = False
    """Not in the joint case, but in the one whose branch approves its texts."""

    @property
    def mobile(self) -> str | None:
        return self.number if self.number_type is NumberType.MOBILE else None


ANA: Final = Member(
    "ana",
    "Ana Rivera",
    "Ana",
    "+19195550111",
    CLIENT,
    "agreed",
    language="es",
    answers=(Answer(2, "C", delay=1.5),),
)
"""A joint debtor, who agreed on a form.  The reminder is her second text, and she confirms: no
faster than a person types."""
LUIS: Final = Member(
    "luis",
    "Luis Rivera",
    "Luis",
    "+19195550112",
    CLIENT,
    "says START",
    answers=(Answer(1, "START"), Answer(3, QUESTION)),
)
"""The other one: he gets the opt-in request, the answer to his START, and then what was held."""
MARTA: Final = Member(
    "marta",
    "Marta Cole",
    "Marta",
    "+19195550113",
    PARTY,
    "says STOP",
    answers=(Answer(1, "STOP"),),
)
BEN: Final = Member("ben", "Ben Soto", "Ben", "+19195550114", PARTY, "never answers")
WALT: Final = Member(
    "walt",
    "Walt Kerr",
    "Walt",
    "+19195550115",
    PARTY,
    "has no mobile",
    number_type=NumberType.HOME,
)
GRACE: Final = Member(
    "grace", "Grace Okafor", "Grace", "+19195550116", CLIENT, "agreed", own_case=True
)
CAST: Final = (ANA, LUIS, MARTA, BEN, WALT, GRACE)


def script_cast() -> dict[str, Any]:
    """What the simulator has to do with them."""
    return {
        member.number: {
            "fate": "delivered",
            "replies": [answer._asdict() for answer in member.answers],
        }
        for member in CAST
        if member.answers
    }
