"""The page about error codes: `python -m streams.error_codes.reference` writes it again."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from streams.error_codes.catalog import OWNERS, Code, Effect, Refusal, Retry, Stage, all_codes

PAGE: Final = Path(__file__).with_name("README.md")
HEADINGS: Final = {
    Stage.DELIVERY: "When it did not arrive",
    Stage.CALL: "When the provider did not take it",
    Stage.DISPATCH: "When Sayso itself did not send it",
    Stage.INBOUND: "With texts that people sent us",
    Stage.NOTICE: "Notices: no text has failed",
    Stage.SETUP: "With registrations, senders and links: never a text's code",
}
RETRY_TEXTS: Final = {
    Retry.YES: "Sayso tries again by itself",
    Retry.LATER: "try again later",
    Retry.AFTER_FIX: "try again once it is put right",
    Retry.AMBIGUOUS: "try again only once it is sure that none went out",
    Retry.NO: "do not try again",
}
EFFECT_TEXTS: Final = {
    Effect.SUPPRESS: "this number is not texted any more",
    Effect.LANDLINE: "this number counts as a landline and is not texted any more",
    Effect.DOUBTFUL: "counted as a day on which the number was not reached; "
    "on three days within 60, it is doubtful",
    Effect.OPTED_OUT: "this sender does not text the number any more until they text START to it",
}
INTRODUCTION: Final = """\
# What error codes mean, and what to do

Generated from the files beside it by `python -m streams.error_codes.reference`; `sayso codes 30005`
shows one code, and `sayso codes --class number` those that somebody must act on. The words are
ours; each code links to the provider's own page. A code that is not here is shown with its link and
stops nothing; `sayso codes --unknown` counts them.

Each has a **class**, which says who must act:
"""


def render_docs() -> str:
    lines = [INTRODUCTION, *(f"- `{owner}`: {words}" for owner, words in OWNERS.items()), ""]
    for stage, heading in HEADINGS.items():
        lines += [
            f"## {heading}",
            "",
            *_render_chapter(code for code in all_codes().values() if code.stage is stage),
        ]
    return "\n".join(lines)


def _render_chapter(codes: Iterable[Code]) -> Iterator[str]:
    for code in codes:
        name = f"[{code.code}]({code.url})" if code.url else f"`{code.code}`"
        yield f"### {name} {code.title}"
        yield ""
        yield f"{code.description} *{'; '.join(summarize(code))}.*"
        yield ""
        yield f"**{code.next_step}**"
        yield ""
        yield f"Causes: {'; '.join(code.causes)}."
        yield ""
        yield from (f"{number}. {step}" for number, step in enumerate(code.steps, 1))
        yield ""


def summarize(code: Code) -> Iterator[str]:
    """Its class, and what follows from it."""
    yield f"class {code.owner}"
    yield str(code.permanence)
    if code.retry in RETRY_TEXTS:
        yield RETRY_TEXTS[code.retry]
    if code.refusal is Refusal.DEFERRABLE:
        yield "a text that is refused so waits"
    if code.effect in EFFECT_TEXTS:
        yield EFFECT_TEXTS[code.effect]


if __name__ == "__main__":
    PAGE.write_text(render_docs(), "utf-8")
