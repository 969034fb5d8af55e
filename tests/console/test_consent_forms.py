"""Public pages: people ask for texts, and opt out of them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError
from starlette.requests import Request

from schemas.consent_form import ConsentForm
from schemas.tenant_settings import TenantSettings
from schemas.text_hash import sha256_hex
from schemas.topics import CONSENT_EVENTS, Topic
from services.console.console import Console
from services.console.viewer import Role
from services.console.visitors import AddressLimit, visitor_address
from services.ledger.ledger import FILE
from services.operations.errors import OperationFailed
from services.settings import ServiceSettings, SettingsError, from_environment
from tests.adapters.case_ledger import Office
from tests.adapters.ledger_filler import NOON
from tests.console.harness import Harness, console_on

FORM = "/forms/harbor/intake"
OPT_OUT = "/opt-out/harbor"
SITE = "https://www.example.com"
YES = {"number": "(212) 555-0123", "agree": "yes", "form_key": "k1"}


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Harness]:
    filled = Office(tmp_path / FILE)
    words = "Quiero mensajes de {company}. Responda STOP para salir."
    filled.settle(
        forms={
            "intake": {"title": "Texts about your case", "frame_origins": [SITE]},
            "es": {"language": "es", "wording": words, "sender": "72975"},
        }
    )
    filled.ledger.close()
    with console_on(tmp_path) as found:
        yield found


def published(office: Harness) -> list[Any]:
    assert all(topic == CONSENT_EVENTS.name for topic, _ in office.kafka.published)
    return [event for _, event in office.kafka.published]


def test_a_yes_is_a_claim_with_the_words_that_were_shown(office: Harness) -> None:
    visitor = office.anonymous()
    page = visitor.get(FORM)
    answer = visitor.post(FORM, data=YES)
    assert answer.status_code == 200
    [event] = published(office)
    assert (event.number, event.action, event.source) == ("+12125550123", "opt_in", "web_form")
    evidence = event.evidence
    assert evidence.wording in page.text.replace("&amp;", "&")
    assert evidence.wording_sha256 == sha256_hex(evidence.wording)
    assert (
        evidence.wording_version
        == ConsentForm(title="Texts about your case", frame_origins=(SITE,)).version
    )
    assert evidence.url == office.console.url + FORM
    assert "set-cookie" not in page.headers
    assert "set-cookie" not in answer.headers


def test_the_page_that_shows_the_form_is_evidence(office: Harness) -> None:
    visitor = office.anonymous()
    shown = visitor.get(FORM, headers={"referer": f"{SITE}/contact"})
    assert f'value="{SITE}/contact"' in shown.text
    visitor.post(FORM, data=YES | {"page": f"{SITE}/contact"})
    visitor.post(FORM, data=YES | {"page": "https://evil.example/", "form_key": "k2"})
    pages = [event.evidence.url for event in published(office)]
    assert pages == [f"{SITE}/contact", office.console.url + FORM]


def test_only_named_sites_may_show_a_form(office: Harness) -> None:
    visitor = office.anonymous()
    assert f"frame-ancestors 'self' {SITE}" in visitor.get(FORM).headers["content-security-policy"]
    for path in ("/forms/harbor/es", OPT_OUT, "/sign-in"):
        policy = visitor.get(path).headers["content-security-policy"]
        assert "frame-ancestors 'none'" in policy, path


def test_a_form_works_without_a_script_and_keeps_what_was_typed(office: Harness) -> None:
    visitor = office.anonymous()
    assert "<script" not in visitor.get(FORM).text
    for form in ({"number": "12"}, {"number": "+12125550123"}, {"number": "12", "agree": "yes"}):
        answer = visitor.post(FORM, data=form)
        assert answer.status_code == 422
        assert f'value="{form["number"]}"' in answer.text
        assert 'role="alert"' in answer.text
    assert published(office) == []


def test_a_program_that_fills_in_the_hidden_field_is_answered_as_everybody(office: Harness) -> None:
    visitor = office.anonymous()
    answer = visitor.post(FORM, data=YES | {"website": "https://spam.example"})
    assert answer.text == visitor.post(FORM, data=YES).text
    assert len(published(office)) == 1


def test_the_same_form_sent_twice_is_one_claim(office: Harness) -> None:
    visitor = office.anonymous()
    for _ in range(2):
        visitor.post(FORM, data=YES)
    first, second = published(office)
    assert first.event_id == second.event_id


def test_a_form_speaks_its_language(office: Harness) -> None:
    page = office.anonymous().get("/forms/harbor/es").text
    assert '<html lang="es">' in page
    assert "Su número de celular" in page
    office.anonymous().post("/forms/harbor/es", data=YES)
    assert published(office)[0].sender == "72975"


def test_too_many_from_one_address_wait_and_a_no_is_told_what_works(office: Harness) -> None:
    visitor = office.anonymous()
    statuses = [visitor.post(FORM, data=YES | {"form_key": str(n)}).status_code for n in range(12)]
    assert statuses == [200] * 10 + [429] * 2
    answers = [visitor.post(OPT_OUT, data={"number": "+12125550123"}) for _ in range(31)]
    assert [one.status_code for one in answers] == [200] * 30 + [429]
    assert "text STOP to 72975" in answers[-1].text


@pytest.mark.parametrize(
    ("written", "number"),
    [
        ("+12125550123", "+12125550123"),
        ("212.555.0123", "+12125550123"),
        ("tel:+1-212-555-0123", "+12125550123"),
        ("+44 (0)20 7946 0000", "+442079460000"),
        ("555-0123", "5550123"),
    ],
)
def test_a_no_counts_in_any_writing(office: Harness, written: str, number: str) -> None:
    answer = office.anonymous().post(OPT_OUT, data={"number": written})
    assert answer.status_code == 200
    [event] = published(office)
    assert (event.number, event.action) == (number, "opt_out")


def test_a_no_without_a_number_is_asked_for_one(office: Harness) -> None:
    answer = office.anonymous().post(OPT_OUT, data={"number": "stop it", "lang": "en"})
    assert answer.status_code == 422
    assert 'value="stop it"' in answer.text


def test_a_no_that_kafka_does_not_take_is_told_what_works(
    office: Harness, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(_topic: Topic[Any], _messages: Any) -> None:
        raise OperationFailed("Kafka cannot be reached")

    monkeypatch.setattr(office.kafka, "publish", away)
    answer = office.anonymous().post(OPT_OUT, data={"number": "+12125550123"})
    assert answer.status_code == 503
    assert "text STOP to 72975" in answer.text
    assert 'value="+12125550123"' in answer.text


def test_unknown_forms_and_tenants_are_no_pages(office: Harness) -> None:
    for path in ("/forms/harbor/none", "/forms/none/intake", "/opt-out/none"):
        assert office.anonymous().get(path).status_code == 404, path


def test_staff_copy_the_snippet(office: Harness) -> None:
    page = office.signed_in(Role.STAFF).get("/t/harbor/people/-/forms").text
    assert f"&lt;iframe src=&#34;{office.console.url}{FORM}&#34;" in page


@pytest.mark.parametrize(
    "wrong",
    [
        {"frame_origins": ["https://www.example.com/page"]},
        {"frame_origins": ["http://www.example.com"]},
        {"frame_origins": ["https://*.example.com"]},
        {"frame_origins": ["https://a.example; script-src *"]},
        {"wording": "Text me. STOP"},
        {"wording": "Texts from {company}"},
        {"wording": "Texts from {company} {them}. STOP"},
        {"language": "xx"},
        {"language": "es"},
    ],
)
def test_a_form_that_would_prove_nothing_is_refused(wrong: dict[str, Any]) -> None:
    known = {"tenant": "harbor", "name": "Harbor", "sender": "72975"}
    with pytest.raises(ValidationError):
        TenantSettings.model_validate(known | {"forms": {"intake": wrong}})


def test_the_version_of_a_form_changes_with_its_words() -> None:
    assert ConsentForm().version != ConsentForm(wording="{company}: STOP").version


# Whose address it is.


def find_address(peer: str, forwarded: list[str], proxies: str) -> str | None:
    settings = ServiceSettings(console_proxies=tuple(map(ip_network, proxies.split())))
    console: Any = type("Known", (), {"settings": settings})
    headers = [(b"x-forwarded-for", line.encode()) for line in forwarded]
    scope = {"type": "http", "client": (peer, 1234), "headers": headers}
    known: Console = console
    return visitor_address(Request(scope), known)


@pytest.mark.parametrize(
    ("peer", "forwarded", "proxies", "found"),
    [
        ("192.0.2.1", [], "", "192.0.2.1"),
        ("192.0.2.1", ["198.51.100.7"], "", "192.0.2.1"),
        ("10.0.0.1", ["198.51.100.7"], "10.0.0.0/8", "198.51.100.7"),
        ("10.0.0.1", ["203.0.113.9, 198.51.100.7", "10.0.0.2"], "10.0.0.0/8", "198.51.100.7"),
        ("10.0.0.1", ["nonsense"], "10.0.0.0/8", None),
        ("10.0.0.1", [], "10.0.0.0/8", None),
        ("testclient", [], "", None),
    ],
)
def test_an_address_is_believed_of_our_proxies_alone(
    peer: str, forwarded: list[str], proxies: str, found: str | None
) -> None:
    assert find_address(peer, forwarded, proxies) == found


def test_proxies_are_named_by_address_or_network() -> None:
    settings = from_environment({"SAYSO_CONSOLE_PROXIES": "10.0.0.1, fd00::/8"})
    assert [str(one) for one in settings.console_proxies] == ["10.0.0.1/32", "fd00::/8"]
    with pytest.raises(SettingsError):
        from_environment({"SAYSO_CONSOLE_PROXIES": "proxy.example"})


def test_a_limit_counts_the_networks_of_ipv6_and_lets_time_heal() -> None:
    now = [NOON]
    limit = AddressLimit(2, 60, lambda: now[0])
    assert [limit.take(f"2001:db8::{n}") for n in range(3)] == [True, True, False]
    assert limit.take("2001:db8:1::1")
    now[0] = NOON + timedelta(seconds=30)
    assert [limit.take("2001:db8::1") for _ in range(2)] == [True, False]
