"""What is wrong with the templates of one tenant's settings."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from schemas.recipe import Recipe
from schemas.tenant_settings import TenantSettings
from streams.templates.checks import CastText, Setting, TemplateProblem, check_template, render_cast
from streams.templates.fields import ContextKind


class SettingsProblem(NamedTuple):
    """`place`: the steps from the tenant to what is wrong, as in its settings file."""

    place: tuple[str, ...]
    message: str
    line: int | None = None
    """Of the template, from 1."""
    refuses: bool = True


class TemplateTexts(NamedTuple):
    """A template as the cast would get it."""

    template: str
    language: str
    texts: tuple[CastText, ...]


def check_settings(tenant: TenantSettings) -> Iterator[SettingsProblem]:
    """Those that refuse the settings, and warnings."""
    for name, template in tenant.templates.items():
        for language, text in template.texts.items():
            seen = set()
            for setting in settings_of(tenant, name):
                for found in check_template(text, language, setting):
                    if found not in seen:
                        seen.add(found)
                        yield _place(("templates", name, "texts", language), found)


def render_templates(tenant: TenantSettings) -> Iterator[TemplateTexts]:
    """Of settings in which nothing is refused."""
    for name, template in tenant.templates.items():
        setting = settings_of(tenant, name)[0]
        for language, text in template.texts.items():
            yield TemplateTexts(name, language, render_cast(text, language, setting))


def settings_of(tenant: TenantSettings, template: str) -> tuple[Setting, ...]:
    """Every way in which recipes use the template.  Without any, tasks may use it for anything."""
    found = {
        Setting(_kind_of(recipe), recipe.confirm is not None)
        for recipe in tenant.recipes.values()
        if recipe.template == template
    }
    if template == tenant.reminder_template:
        found.add(Setting(ContextKind.EVENT, confirms=False))
    return tuple(each._replace(tenant=tenant) for each in sorted(found)) or (
        Setting(tenant=tenant),
    )


def _kind_of(recipe: Recipe) -> ContextKind:
    return ContextKind.DATE if recipe.date_name is not None else ContextKind.EVENT


def _place(place: tuple[str, ...], found: TemplateProblem) -> SettingsProblem:
    return SettingsProblem(place, found.message, found.line, found.refuses)
