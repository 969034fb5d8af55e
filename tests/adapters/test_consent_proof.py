"""History, proof and its verification: a bundle from a real log, checked offline; each way to
tamper with it named."""

from __future__ import annotations

import asyncio
import json
import stat
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from aiokafka import AIOKafkaProducer

from schemas.base import Evidence
from schemas.tenant_settings import TenantSettings
from schemas.topics import CONSENT_LOG, CONSENT_STATUS, SETTINGS
from services.cli.app import run
from services.ledger.consent import ConsentLog, LogEntry, build_proof
from services.operations.proof_verification import verify_bundle
from streams.gate.consent_claims import EVIDENCE_AT_MOST
from streams.gate.consent_log import entry_hash
from tests.core.gate.cases import MINUTE, NOON, PHONE, gate_processor, opt_in, opt_out, reply
from tests.core.harness import ProcessorHarness

NOW = datetime(2026, 11, 22, tzinfo=UTC)
FORM = Evidence(
    wording="Yes, text me", wording_version="2026-11", url="https://acme.example", ip="192.0.2.44"
)
PAPER = Evidence(document="box 7 sheet 12")
Bundle = dict[str, Any]


def told() -> ProcessorHarness:
    """In, out, an opt-in too late to count, and a START; then a repeat of consent that changes
    nothing."""
    processor = gate_processor()
    facts = [
        opt_in(evidence=FORM),
        reply("Stop"),
        opt_in(evidence=FORM),
        reply("START"),
        opt_in(evidence=PAPER),
    ]
    for at, fact in zip((0, 1, -1, 2, 3), facts, strict=True):
        processor.feed(fact, at=NOON + at * MINUTE)
    return processor


def log_of(processor: ProcessorHarness) -> ConsentLog:
    changes = [
        json.loads(CONSENT_LOG.encode(change)) for change in processor.published_on(CONSENT_LOG)
    ]
    entries = tuple(
        LogEntry(CONSENT_LOG.name, 2, 10 + at, 1_700_000_000_000, change)
        for at, change in enumerate(changes)
    )
    status = json.loads(CONSENT_STATUS.encode(processor.published_on(CONSENT_STATUS)[-1]))
    return ConsentLog("acme", PHONE, entries, status, {"tenant": "acme", "name": "Acme"})


def bundle() -> Bundle:
    made: Bundle = json.loads(json.dumps(build_proof([log_of(told())], PHONE, NOW)))
    return made


def chain_of(made: Bundle) -> dict[str, Any]:
    chain: dict[str, Any] = made["chains"][0]
    return chain


def check(tmp_path: Path, made: Any, *options: str) -> int:
    file = tmp_path / "proof.json"
    file.write_text(made if isinstance(made, str) else json.dumps(made))
    return run(["consent", "verify", str(file), *options])


def test_a_bundle_says_all_there_is(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    made = bundle()
    chain = chain_of(made)
    assert [one["entry"]["seq"] for one in chain["entries"]] == [1, 2, 3, 4, 5]
    first = chain["entries"][0]
    assert (first["topic"], first["partition"], first["offset"]) == (CONSENT_LOG.name, 2, 10)
    assert first["entry"]["evidence"]["url"] == "https://acme.example"
    assert chain["head"] == {"seq": 5, "hash": chain["entries"][-1]["entry"]["hash"]}
    assert chain["status"]["log_seq"] == 4
    assert chain["settings"]["name"] == "Acme"
    (wording,) = chain["wordings"]
    assert (wording["version"], wording["text"], wording["entries"]) == (
        "2026-11",
        "Yes, text me",
        [1, 3],
    )
    assert check(tmp_path, made) == 0
    said = capsys.readouterr().out
    assert "5 entries" in said
    assert "the status vouches for all up to entry 4" in said
    assert PHONE not in said


def entry(made: Bundle, at: int) -> dict[str, Any]:
    found: dict[str, Any] = chain_of(made)["entries"][at]["entry"]
    return found


def cut(made: Bundle, count: int) -> None:
    """Off the end, with a head to fit, as somebody would who knows how it is made."""
    chain = chain_of(made)
    del chain["entries"][-count:]
    chain["head"] = {"seq": entry(made, -1)["seq"], "hash": entry(made, -1)["hash"]}


def rewritten(made: Bundle) -> None:
    """The first yes made to be from another page, and all that follows chained anew."""
    entry(made, 0)["evidence"]["url"] = "https://elsewhere.example"
    before = ""
    for one in chain_of(made)["entries"]:
        one["entry"]["previous"] = before
        one["entry"]["hash"] = before = entry_hash(one["entry"])
    chain_of(made)["head"]["hash"] = before


def swap(made: Bundle, one: int, other: int) -> None:
    entries = chain_of(made)["entries"]
    entries[one], entries[other] = entries[other], entries[one]


TAMPERED = [
    pytest.param(
        lambda b: entry(b, 1).update(now="opted_in"), "entry 2 was changed", id="one changed"
    ),
    pytest.param(
        lambda b: entry(b, 0)["evidence"].update(ip="192.0.2.45"),
        "entry 1 was changed",
        id="its evidence",
    ),
    pytest.param(lambda b: chain_of(b)["entries"].pop(1), "entry 2 is missing", id="one taken out"),
    pytest.param(lambda b: swap(b, 1, 2), "entry 2 stands after entry 3", id="two re-ordered"),
    pytest.param(
        lambda b: chain_of(b)["entries"].pop(), "its head is not its last entry", id="the last one"
    ),
    pytest.param(
        lambda b: cut(b, 2), "entry 4, which the status names", id="cut off, before the status"
    ),
    pytest.param(rewritten, "entry 4, which the status names", id="all written anew"),
    pytest.param(lambda b: chain_of(b)["head"].update(hash="0"), "its head is not", id="the head"),
    pytest.param(lambda b: chain_of(b).pop("head"), "its head is not", id="no head"),
    pytest.param(
        lambda b: chain_of(b)["wordings"][0].update(text="No"),
        "its list of wordings",
        id="a wording",
    ),
    pytest.param(
        lambda b: chain_of(b).update(number="+14155550101"), "of another number", id="whose it is"
    ),
]


@pytest.mark.parametrize(("tamper", "words"), TAMPERED)
def test_what_was_done_to_it_is_named(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    tamper: Callable[[Bundle], object],
    words: str,
) -> None:
    made = bundle()
    tamper(made)
    assert check(tmp_path, made) == 1
    said = capsys.readouterr().out
    assert words in said
    assert "whole" not in said


def test_identical_repeats_are_tolerated_and_counted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    made = bundle()
    entries = chain_of(made)["entries"]
    entries.insert(3, entries[1])
    entries.append(entries[0])
    assert check(tmp_path, made, "--json") == 0
    (said,) = json.loads(capsys.readouterr().out)
    assert (said["whole"], said["entries"], said["repeats"]) == (True, 5, 2)


def test_what_offline_cannot_show_a_noted_head_does(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Entries after the one that the status names can be cut off unseen; so can everything be
    written anew, if the status is as well.  The head, noted before, gives both away."""
    made, noted = bundle(), chain_of(bundle())["head"]["hash"]
    cut(made, 1)
    assert check(tmp_path, made) == 0
    assert check(tmp_path, made, "--head", noted) == 1
    assert "that you know of" in capsys.readouterr().out
    made = bundle()
    rewritten(made)
    chain_of(made)["status"]["log_hash"] = entry(made, 3)["hash"]
    assert check(tmp_path, made) == 0
    assert check(tmp_path, made, "--head", noted) == 1


def test_a_head_noted_earlier_is_still_in_a_longer_chain() -> None:
    made = bundle()
    assert not verify_bundle(made, entry(made, 1)["hash"])[0].flaws
    assert verify_bundle(made, "0" * 64)[0].flaws


@pytest.mark.parametrize(
    "written",
    [
        "",
        "{",
        "[]",
        "{}",
        "[" * 100_000,
        '{"a": NaN}',
        '{"format": "sayso.consent-proof.v1"}',
        '{"format": "sayso.consent-proof.v1", "chains": []}',
        '{"format": "sayso.consent-proof.v1", "chains": [{"tenant": "a", "number": "+1", "entries": [{"entry": 1}]}]}',
        '{"format": "x", "format": "sayso.consent-proof.v1", "chains": [1]}',
    ],
)
def test_what_is_no_bundle_is_one_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], written: str
) -> None:
    assert check(tmp_path, written) == 1
    said = capsys.readouterr()
    assert "is not a bundle of proof" in said.err
    assert (said.err.count("\n"), said.out) == (1, "")


def test_a_name_that_is_there_twice_is_not_read_either_way(tmp_path: Path) -> None:
    """One reader would take the first and another the last: the hash fits one of them."""
    written = json.dumps(bundle()).replace('"was":', '"now": "opted_in", "was":', 1)
    assert check(tmp_path, written) == 1


def test_no_such_file(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["consent", "verify", "nowhere.json"]) == 2
    assert "cannot be read" in capsys.readouterr().err


@pytest.mark.broker
async def test_from_the_topic_to_the_verdict(
    fresh_cluster: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """What the gate publishes, through Kafka and the ledger, a huge wording among it, to a file
    that holds."""
    processor = told()
    processor.feed(
        opt_in(evidence=dict.fromkeys(("wording", "url", "document"), "é" * EVIDENCE_AT_MOST))
    )
    processor.feed(opt_out())
    producer = AIOKafkaProducer(bootstrap_servers=fresh_cluster)
    await producer.start()
    for topic, value in processor.published:
        if topic in (CONSENT_LOG, CONSENT_STATUS):
            await producer.send_and_wait(topic.name, topic.encode(value), topic.key(value).encode())
    settings = TenantSettings(tenant="acme", name="Acme", sender="24273")
    await producer.send_and_wait(SETTINGS.name, SETTINGS.encode(settings), b"acme")
    await producer.stop()
    there = ["--bootstrap", fresh_cluster, "--state", str(tmp_path)]

    async def sayso(*words: str) -> str:
        assert await asyncio.to_thread(run, ["consent", *words]) == 0
        return capsys.readouterr().out

    shown = await sayso("history", "--number", PHONE, *there)
    assert "The chain of 7 entries is whole." in shown
    assert PHONE not in shown
    assert PHONE in await sayso("history", "--number", PHONE, "-t", "acme", "--unmask", *there)
    (data,) = json.loads(await sayso("history", "--number", PHONE, "--json", *there))
    assert (data["whole"], len(data["entries"])) == (True, 7)

    file = tmp_path / "proof.json"
    said = await sayso("proof", "--number", PHONE, "--out", str(file), *there)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    chain = chain_of(json.loads(file.read_text()))
    assert chain["head"]["hash"] in said
    assert chain["settings"]["name"] == "Acme"
    assert [one["offset"] for one in chain["entries"]] == list(range(7))
    assert "whole" in await sayso("verify", str(file), "--head", chain["head"]["hash"])

    assert (
        await asyncio.to_thread(run, ["consent", "history", "--number", "+14155550101", *there])
        == 2
    )
    assert "Nothing is on record" in capsys.readouterr().err
