"""What is wrong with a template, said before anybody gets a text from it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from difflib import get_close_matches
from enum import StrEnum
from typing import Final, NamedTuple

from schemas.tenant_settings import ShortenerPolicy, TenantSettings
from streams.encoding.body import MAX_BODY, encode_body
from streams.encoding.segments import count_segments
from streams.links.shorteners import find_shortener
from streams.templates.cast import CAST, FIRM, play
from streams.templates.field_values import compute_values
from streams.templates.fields import ContextKind, TenantFields, fields_of
from streams.templates.grammar import (
    FILTERS,
    BrokenTemplate,
    MissingValue,
    Parsed,
    Use,
    parse_template,
)
from streams.templates.languages import is_language
from streams.templates.rendering import fill_in, render


class ProblemCode(StrEnum):
    SYNTAX = "syntax"
    UNKNOWN_FIELD = "unknown_field"
    UNKNOWN_FILTER = "unknown_filter"
    STRAY_BRACE = "stray_brace"
    MISSING_VALUE = "missing_value"
    """A value that texts of this kind never have."""
    SHORTENER = "shortener"
    TOO_LONG = "too_long"
    EMPTY = "empty"
    UNKNOWN_LANGUAGE = "unknown_language"


class TemplateProblem(NamedTuple):
    code: ProblemCode
    message: str
    """In a sentence, with what to do."""
    line: int | None = None
    """Of the template, from 1; None: no line of its own."""
    refuses: bool = True
    """False: a warning."""


class CastText(NamedTuple):
    """A text as a member of the cast would get it."""

    member: str
    body: str
    segments: int


class Setting(NamedTuple):
    """Where a template is used."""

    kind: ContextKind = ContextKind.ANY
    confirms: bool = True
    """Whether its recipe has a word to confirm by."""
    tenant: TenantSettings | None = None

    @property
    def firm(self) -> TenantFields:
        return TenantFields(self.tenant.name, self.tenant.contact) if self.tenant else FIRM


ANYWHERE: Final = Setting()
_CODE: Final = re.compile(r"\{\{.*?\}\}|\{%.*?%\}", re.DOTALL)
_SHOWN: Final = 3


def check_template(
    text: str, language: str, setting: Setting = ANYWHERE
) -> tuple[TemplateProblem, ...]:
    """In the order of their lines.  Nothing: the template can be used."""
    try:
        parsed = parse_template(text)
    except BrokenTemplate as broken:
        return (TemplateProblem(ProblemCode.SYNTAX, _lead(broken.why), broken.line),)
    found = [
        *_check_fields(parsed, setting),
        *_check_filters(parsed),
        *_check_braces(text),
        *_check_links(text, setting),
        *_check_language(parsed, language),
    ]
    if not any(problem.refuses for problem in found):
        found += _check_rendering(text, language, setting)
        found += [] if found else _check_branches(parsed, language, setting)
    return tuple(sorted(found, key=lambda problem: problem.line or 0))


def render_cast(text: str, language: str, setting: Setting = ANYWHERE) -> tuple[CastText, ...]:
    """What each member of the cast would get, as this tenant sends it.

    Raises BrokenTemplate or MissingValue, which `check_template` reports."""
    made = []
    for member, fields in CAST.items():
        told = play(fields, setting.kind, setting.firm, confirms=setting.confirms)
        body = encode_body(render(text, told, language).body, setting.tenant)
        made.append(CastText(member, body, count_segments(body)))
    return tuple(made)


def _lead(why: str) -> str:
    return f"this is no template: {why}"


def _check_fields(parsed: Parsed, setting: Setting) -> Iterator[TemplateProblem]:
    known = fields_of(setting.kind)
    for use in _first_of_each(parsed.fields):
        if use.name not in known:
            yield TemplateProblem(ProblemCode.UNKNOWN_FIELD, _name_known(use.name, known), use.line)


def _name_known(name: str, known: tuple[str, ...]) -> str:
    last = name.rpartition(".")[2]
    near = get_close_matches(name.casefold(), known, _SHOWN, 0.6) or [
        each for each in known if each.rpartition(".")[2] == last.casefold()
    ]
    words = f"there is no field {name[:80]} here"
    if near:
        return f"{words}: did you mean {' or '.join(near[:_SHOWN])}?"
    return f"{words}: fields are {', '.join(known)}"


def _check_filters(parsed: Parsed) -> Iterator[TemplateProblem]:
    for use in _first_of_each(parsed.filters):
        if use.name not in FILTERS:
            near = get_close_matches(use.name, FILTERS, 1, 0.6)
            hint = f"did you mean {near[0]}?" if near else f"filters are {', '.join(FILTERS)}"
            yield TemplateProblem(
                ProblemCode.UNKNOWN_FILTER, f"there is no filter {use.name[:80]}: {hint}", use.line
            )


def _first_of_each(uses: Iterable[Use]) -> Iterator[Use]:
    seen = set()
    for use in uses:
        if use.name not in seen:
            seen.add(use.name)
            yield use


def _check_braces(text: str) -> Iterator[TemplateProblem]:
    """`{ person.first }}` would go out to the letter."""
    rest = _CODE.sub(lambda code: "\n" * code[0].count("\n"), text)
    for line, words in enumerate(rest.split("\n"), 1):
        if "{" in words or "}" in words:
            yield TemplateProblem(
                ProblemCode.STRAY_BRACE,
                "a brace is left over: write fields as {{ person.first }}, two on each side",
                line,
            )
            return


def _check_links(text: str, setting: Setting) -> Iterator[TemplateProblem]:
    policy = setting.tenant.shorteners if setting.tenant else ShortenerPolicy.REFUSE
    if policy is ShortenerPolicy.ALLOW:
        return
    for line, words in enumerate(text.split("\n"), 1):
        if domain := find_shortener(words):
            yield TemplateProblem(
                ProblemCode.SHORTENER,
                f"carriers filter links through the public shortener {domain}: use the full link",
                line,
                policy is ShortenerPolicy.REFUSE,
            )


def _check_language(parsed: Parsed, language: str) -> Iterator[TemplateProblem]:
    if not is_language(language) and any(
        name.startswith(("event.", "date.")) for name in parsed.names
    ):
        yield TemplateProblem(
            ProblemCode.UNKNOWN_LANGUAGE,
            f"nobody knows how to write dates in {language!r}: use a code such as en or es",
        )


def _check_rendering(text: str, language: str, setting: Setting) -> Iterator[TemplateProblem]:
    try:
        texts = render_cast(text, language, setting)
    except BrokenTemplate as broken:
        yield TemplateProblem(ProblemCode.SYNTAX, _lead(broken.why), broken.line)
        return
    except MissingValue as missing:
        yield TemplateProblem(ProblemCode.MISSING_VALUE, _explain_missing(missing.field))
        return
    for member, body, _segments in texts:
        if len(body) > MAX_BODY:
            words = f"the text has {len(body)} characters for the {member} of people"
            yield TemplateProblem(ProblemCode.TOO_LONG, f"{words}; {MAX_BODY} is the most")
            return
        if not body:
            yield TemplateProblem(
                ProblemCode.EMPTY, f"nothing is left of it for the {member} of people"
            )
            return


def _check_branches(parsed: Parsed, language: str, setting: Setting) -> Iterator[TemplateProblem]:
    """The cast has a value for everything.  Each field is missing once, so that what the template
    says then is tried as well."""
    told = play(next(iter(CAST.values())), setting.kind, setting.firm, confirms=setting.confirms)
    values = compute_values(parsed.names, told, language).by_field
    for name in sorted(values):
        try:
            fill_in(parsed, {**values, name: None})
        except MissingValue:
            continue
        except BrokenTemplate as broken:
            yield TemplateProblem(ProblemCode.SYNTAX, _lead(broken.why), broken.line)
            return


def _explain_missing(field: str) -> str:
    if field == "confirm.word":
        return "its recipe has no word to confirm by: set `confirm`, or take confirm.word out"
    if field == "tenant.contact":
        return "tenant.contact has no value: set the tenant's `contact`"
    return f"{field} has no value here: take it out, or write {field} | default: '...'"
