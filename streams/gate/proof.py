"""What a yes must bring along, by where it comes from, and who may come back after an opt-out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple

from schemas.base import Evidence
from schemas.consent_source import ConsentSource
from schemas.consent_status import ConsentState
from streams.gate.claims import CLAIMED, Claim
from streams.gate.state import NumberRow

Groups = tuple[tuple[str, ...], ...]
"""Fields of the evidence: of each group one at least."""

SHOWN: Final = ("wording", "document", "url")


class Rule(NamedTuple):
    """`back`: what it needs to lift an opt-out as well; None: it cannot."""

    needs: Groups = ()
    back: Groups | None = None


BY_STAFF: Final = Rule(needs=(("document",), ("actor",)))
SOURCES: Final[Mapping[str, Rule]] = {
    ConsentSource.INBOUND: Rule(back=()),
    ConsentSource.FORM: Rule(back=(SHOWN,)),
    ConsentSource.IMPORT: Rule(needs=((*SHOWN, "origin"),)),
    ConsentSource.MANUAL: BY_STAFF,
}
"""Any other source is taken for staff."""

REFUSED: Final = {
    CLAIMED: "only a text from the number itself can bring an opt-in by text",
    ConsentSource.WEB_FORM: "a web form that nobody has verified opts nobody in",
}
ONLY_THEY: Final = (
    "they opted out: only they can come back, by texting START or by a form with evidence"
)


def lacking(row: NumberRow, claim: Claim) -> str:
    """Why this yes does not count, whatever its time; "" if it does."""
    if claim.source in REFUSED:
        return REFUSED[claim.source]
    rule = SOURCES.get(claim.source, BY_STAFF)
    if row.state is ConsentState.OPTED_OUT and not comes_back(claim):
        if not (row.flagged and claim.source == ConsentSource.MANUAL and claim.evidence.actor):
            return ONLY_THEY
        if row.had_agreed:
            return ""
    missing = _missing(rule.needs, claim.evidence)
    return (
        f"no proof: give {' and '.join(' or '.join(group) for group in missing)}" if missing else ""
    )


def comes_back(claim: Claim) -> bool:
    """Whether this yes is the person's own act, with what that needs."""
    back = SOURCES.get(claim.source, BY_STAFF).back
    return back is not None and not _missing(back, claim.evidence)


def _missing(groups: Groups, evidence: Evidence) -> Groups:
    return tuple(group for group in groups if not any(_given(evidence, field) for field in group))


def _given(evidence: Evidence, field: str) -> str:
    """Blanks prove nothing."""
    return (getattr(evidence, field) or "").strip()
