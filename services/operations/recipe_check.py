"""Check what a settings file says of reminders and mails, beyond the form of each value.

A recipe whose template is missing would fail when its texts are due, perhaps months later.  So the
file is refused.  Settings that are in force already are not checked again."""

from __future__ import annotations

from collections.abc import Iterator
from difflib import get_close_matches
from functools import cache
from string import Formatter
from typing import Final, NamedTuple

from schemas.keywords import Meaning, normalize, readings_of, strip_marks, words_in
from schemas.recipe import Recipe
from schemas.tenant_settings import TenantSettings
from services.operations.yaml_values import Place
from streams.inbound_keywords import classify_answer, classify_reply

LINK_FIELDS: Final = ("number", "case")
"""What is filled in where a thread can be read."""


class Mistake(NamedTuple):
    place: Place
    """Of the value that is wrong, from the tenant down."""
    words: str


def find_mistakes(tenant: TenantSettings) -> Iterator[Mistake]:
    """The worst of each part first; a file is refused for the first of all."""
    for name, recipe in tenant.recipes.items():
        yield from _of_recipe(tenant, name, recipe)
    if tenant.reminder_template is not None:
        yield from _of_template(tenant, tenant.reminder_template, ("reminder_template",))
    yield from _of_mail(tenant)
    if tenant.unmonitored and not tenant.contact.strip():
        yield Mistake(
            ("unmonitored",), "people are told whom to contact instead: write it under `contact`"
        )


def _of_recipe(tenant: TenantSettings, name: str, recipe: Recipe) -> Iterator[Mistake]:
    yield from _of_template(tenant, recipe.template, ("recipes", name, "template"))
    if recipe.confirm is None:
        return
    place = ("recipes", name, "confirm")
    meaning = _find_meaning(tenant, recipe.confirm)
    if recipe.date_name is not None:
        yield Mistake(place, "only an event can be confirmed, not a named date")
    elif not normalize(recipe.confirm):
        yield Mistake(place, f"{recipe.confirm!r} is no word: write a letter or a word, such as C")
    elif meaning is not Meaning.NONE:
        yield Mistake(
            place,
            f"{recipe.confirm!r} means {meaning.upper()} as a reply, and cannot confirm an event"
            " as well: write another word, such as C",
        )


def _of_template(tenant: TenantSettings, name: str, place: Place) -> Iterator[Mistake]:
    if name in tenant.templates:
        return
    near = get_close_matches(name, tenant.templates, 1, 0.6)
    known = ", ".join(sorted(tenant.templates)[:10])
    if near:
        hint = f"did you mean {near[0]!r}?"
    else:
        hint = f"templates are {known}" if known else "write it under `templates`"
    yield Mistake(place, f"there is no template named {name!r}: {hint}")


def _find_meaning(tenant: TenantSettings, word: str) -> Meaning:
    """As a keyword of any language, as the tenant's own, or as an answer to an opt-in request."""
    for reading in readings_of(word):
        if (meaning := _keywords().get(strip_marks(reading))) is not None:
            return meaning
    return classify_answer(classify_reply(word, tenant), word).meaning


@cache
def _keywords() -> dict[str, Meaning]:
    """Of all languages, by word as we compare it."""
    return {word.plain: word.meaning for word in words_in()}


def _of_mail(tenant: TenantSettings) -> Iterator[Mistake]:
    to, link = tenant.mail.to, tenant.mail.link
    name, _, host = (to or "").rpartition("@")
    if to is not None and (not name or "." not in host or to != "".join(to.split())):
        yield Mistake(("mail", "to"), "this is no e-mail address")
    if link is not None and (wrong := _find_unknown_field(link)) is not None:
        fields = " and ".join(f"{{{field}}}" for field in LINK_FIELDS)
        yield Mistake(("mail", "link"), f"{wrong}: only {fields} are filled in")


def _find_unknown_field(link: str) -> str | None:
    try:
        parts = [part for _, part, _, _ in Formatter().parse(link) if part is not None]
    except ValueError:
        return "a brace has no partner"
    unknown = next((part for part in parts if part not in LINK_FIELDS), None)
    return None if unknown is None else f"there is no {{{unknown}}}"
