"""Publish tenants' settings, and keep each version of their templates.

Settings are compacted, so they have the last words of a template alone.  What a template said when
a text was made is on `sms.templates`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Final, NamedTuple

from pydantic import ValidationError

from schemas.recipe import TemplateVersion
from schemas.tenant_settings import TenantSettings
from schemas.topics import SETTINGS, TEMPLATES
from services.ledger.projection import Record
from services.ledger.topic_reader import open_reader
from services.operations.session import Session
from services.operations.topics import read_between
from streams.encoding.body import encode_body
from streams.encoding.segments import count_segments

BY_START: Final = "sayso up"
BY_DEMO: Final = "sayso demo"
"""Who applies their own tenants."""


class Published(NamedTuple):
    """What Kafka has."""

    settings: Mapping[str, tuple[TenantSettings, datetime]] = {}
    """Of each tenant, and since when."""
    versions: Mapping[tuple[str, str], str] = {}
    """Which version of each template (tenant, name) was applied last."""


async def publish_tenants(
    kafka: Session, tenants: list[TenantSettings], by: str | None, now: datetime
) -> list[TemplateVersion]:
    """The versions come first: whoever reads the settings finds them.  Returns those that are new.

    Raises OperationFailed."""
    await kafka.require_topic(SETTINGS)
    await kafka.require_topic(TEMPLATES)
    versions = build_versions(tenants, await read_published(kafka.bootstrap), by, now)
    await kafka.publish(TEMPLATES, versions)
    await kafka.publish(SETTINGS, tenants)
    return [one for one in versions if one.at == now]


async def read_published(bootstrap: str) -> Published:
    """Raises TopicReaderError and KafkaError."""
    settings: dict[str, tuple[TenantSettings, datetime]] = {}
    versions: dict[tuple[str, str], TemplateVersion] = {}
    async with open_reader(bootstrap, {SETTINGS.name, TEMPLATES.name}) as source:
        records = await read_between(source, await source.starts(), await source.ends())
    for record in sorted(records, key=lambda one: one.offset):
        found = _read(record)
        if isinstance(found, TenantSettings):
            settings[found.tenant] = (found, datetime.fromtimestamp(record.at_ms / 1000, UTC))
        elif found is not None:
            before = versions.get((found.tenant, found.name), found)
            versions[found.tenant, found.name] = max(before, found, key=lambda one: one.at)
    return Published(settings, {name: one.version for name, one in versions.items()})


def _read(record: Record) -> TenantSettings | TemplateVersion | None:
    """None: it was deleted, or cannot be read, and then it is published anew."""
    topic = SETTINGS if record.partition.topic == SETTINGS.name else TEMPLATES
    try:
        return None if record.value is None else topic.decode(record.value)
    except ValidationError:
        return None


def build_versions(
    tenants: Iterable[TenantSettings], published: Published, by: str | None, now: datetime
) -> list[TemplateVersion]:
    """Of each template that is new or says something else than before.

    Where nothing was kept before, what the settings in force say is kept as well: texts may have
    been made by it."""
    found: list[TemplateVersion] = []
    for tenant in tenants:
        last = {
            name: one for (owner, name), one in published.versions.items() if owner == tenant.tenant
        }
        before = published.settings.get(tenant.tenant)
        if before is not None:
            settings, since = before
            for version in _of_settings(settings, None, since):
                if version.name not in last:
                    last[version.name] = version.version
                    found.append(version)
        found += [
            version
            for version in _of_settings(tenant, by, now)
            if last.get(version.name) != version.version
        ]
    return found


def _of_settings(tenant: TenantSettings, by: str | None, at: datetime) -> Iterator[TemplateVersion]:
    for name, template in tenant.templates.items():
        yield TemplateVersion(
            tenant=tenant.tenant,
            name=name,
            version=template.version,
            texts=dict(template.texts),
            by=by,
            at=at,
        )


def describe_settings(tenant: TenantSettings) -> dict[str, object]:
    """What follows from the settings."""
    text = read_opt_in_request(tenant)
    return {
        "version": tenant.version,
        "opt_in_request": text,
        "opt_in_request_segments": count_segments(text),
    }


def read_opt_in_request(tenant: TenantSettings) -> str:
    """As it goes out."""
    return encode_body(tenant.opt_in_request, tenant)
