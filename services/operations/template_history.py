"""What each template of a tenant says and said, and what changed between its versions."""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum
from typing import NamedTuple

from schemas.recipe import TemplateVersion
from services.ledger import Ledger
from services.ledger.cases import find_settings
from services.ledger.templates import list_versions
from services.operations.cases import hint_at
from services.operations.errors import InvalidRequest


class KnownTemplate(NamedTuple):
    name: str
    versions: tuple[TemplateVersion, ...]
    """In the order in which they were applied; never empty."""
    in_force: str | None
    """The version that the settings have now; None: they have no such template any more."""

    @property
    def current(self) -> TemplateVersion:
        """The one in force, else the last one."""
        return next((one for one in self.versions if one.version == self.in_force), self.last)

    @property
    def last(self) -> TemplateVersion:
        return self.versions[-1]


class TextChange(StrEnum):
    ADDED = "added"
    CHANGED = "changed"
    REMOVED = "removed"


class LanguageChange(NamedTuple):
    language: str
    change: TextChange
    before: str | None
    after: str | None


class HistoryStep(NamedTuple):
    version: TemplateVersion
    changes: tuple[LanguageChange, ...]
    """Since the version before.  Empty: only the order of its languages is another one."""


def list_templates(ledger: Ledger, tenant: str) -> list[KnownTemplate]:
    """By name; also those that were removed."""
    settings = find_settings(ledger, tenant)
    in_force = {} if settings is None else settings.templates
    versions: dict[str, list[TemplateVersion]] = {}
    for one in list_versions(ledger, tenant):
        versions.setdefault(one.name, []).append(one)
    return [
        KnownTemplate(
            name, tuple(versions[name]), in_force[name].version if name in in_force else None
        )
        for name in sorted(versions)
    ]


def find_template(ledger: Ledger, tenant: str, name: str) -> KnownTemplate:
    """Raises InvalidRequest."""
    known = list_templates(ledger, tenant)
    found = next((one for one in known if one.name == name), None)
    if found is None:
        names = [one.name for one in known]
        listed = f"it has {', '.join(names)}" if names else "none is on record yet"
        raise InvalidRequest(
            f"{tenant} has no template {name!r} on record", hint_at(name, names, listed)
        )
    return found


def find_template_version(
    ledger: Ledger, tenant: str, name: str, version: str | None
) -> TemplateVersion:
    """The one in force if none is named.  Raises InvalidRequest."""
    template = find_template(ledger, tenant, name)
    if version is None:
        return template.current
    found = next((one for one in template.versions if one.version == version), None)
    if found is None:
        raise InvalidRequest(
            f"{tenant} has no version {version!r} of template {name!r}",
            f"see sayso templates history {tenant} {name}",
        )
    return found


def list_history(template: KnownTemplate) -> Iterator[HistoryStep]:
    before: dict[str, str] = {}
    for version in template.versions:
        yield HistoryStep(version, tuple(_compare(before, version.texts)))
        before = version.texts


def _compare(before: dict[str, str], after: dict[str, str]) -> Iterator[LanguageChange]:
    for language in dict.fromkeys([*after, *before]):
        was, now = before.get(language), after.get(language)
        if was is None:
            yield LanguageChange(language, TextChange.ADDED, was, now)
        elif now is None:
            yield LanguageChange(language, TextChange.REMOVED, was, now)
        elif was != now:
            yield LanguageChange(language, TextChange.CHANGED, was, now)
