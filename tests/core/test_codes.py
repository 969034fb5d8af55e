"""The catalog of error codes."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from schemas.attempt import AttemptCode
from streams.dispatch.provider_calls import Result, SendCall, SendResult
from streams.dispatch.send_loop import error_code
from streams.error_codes import OWNERS, Effect, Owner, all_codes, is_deferrable, lookup
from streams.error_codes.catalog import Refusal, Retry, Stage
from streams.error_codes.reference import PAGE, render_docs

OWN = {code.code for code in all_codes().values() if code.stage is Stage.DISPATCH}


def test_every_code_says_who_must_act_and_what_to_do() -> None:
    codes = all_codes()
    assert len(codes) == 312 + len(OWN)
    for name, code in codes.items():
        assert code.code == name
        assert code.owner in OWNERS
        assert code.title
        assert code.description
        assert all(code.causes)
        assert all(code.steps)
        assert code.next_step.endswith(".")
        assert code.known


def test_no_two_codes_are_described_alike() -> None:
    said = [code.description for code in all_codes().values()]
    assert len(set(said)) == len(said)


def test_every_code_of_our_own_is_explained() -> None:
    assert {code.value for code in AttemptCode} - set(all_codes()) == set()


@pytest.mark.parametrize("result", [one for one in Result if one is not Result.ACCEPTED])
def test_a_result_without_a_code_has_one_of_ours(result: Result) -> None:
    """It is what `sayso senders` shows as the last error."""
    call = SendCall("acme", "m1", 1, "55501", "+14155550100", "hello")
    assert error_code(SendResult.of(call, result)) in set(AttemptCode)
    assert error_code(SendResult.of(call, result, code="20003")) == "20003"


def test_no_code_of_our_own_is_written_outside_its_enum() -> None:
    """A code in quotes would be in no enum, and so perhaps in no catalog."""
    root = Path(__file__).parents[2]
    found = [
        f"{path.name}: {ast.unparse(word)}"
        for part in ("streams", "services")
        for path in (root / part).rglob("*.py")
        if "local" not in path.parts
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Call)
        for word in node.keywords
        if word.arg in ("code", "error_code")
        if any(isinstance(value, ast.Constant) and value.value for value in _operands(word.value))
    ]
    assert found == []


def _operands(node: ast.expr) -> Iterator[ast.expr]:
    match node:
        case ast.BoolOp():
            yield from node.values
        case ast.IfExp():
            yield from (node.body, node.orelse)
        case _:
            yield node


def test_every_class_has_codes() -> None:
    assert {code.owner for code in all_codes().values()} == set(Owner)


def test_only_the_providers_codes_have_a_page() -> None:
    for name, code in all_codes().items():
        assert code.url == ("" if name in OWN else f"https://www.twilio.com/docs/api/errors/{name}")


@pytest.mark.parametrize("code", ["30003", "30005", "30006"])
def test_the_failures_that_staff_meet_most_say_what_to_do_first(code: str) -> None:
    told = lookup(code)
    assert len(told.causes) >= 3
    for said in (told.next_step.lower(), " ".join(told.steps).lower()):
        for word in (
            "confirm",
            "client",
            "new" if code != "30006" else "mobile",
            "save",
            "test sms",
            "escalate",
        ):
            assert word in said


@pytest.mark.parametrize(
    ("effect", "codes"),
    [
        (Effect.DOUBTFUL, {"30003", "30004", "30005"}),
        (Effect.LANDLINE, {"21614", "21635", "30006"}),
        (Effect.SUPPRESS, {"21211", "21265", "21268"}),
        (Effect.OPTED_OUT, {"21610", "30630", "63014"}),
    ],
)
def test_what_a_code_tells_of_the_number(effect: Effect, codes: set[str]) -> None:
    assert {name for name, code in all_codes().items() if code.effect is effect} == codes


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        pytest.param("20429", True, id="too many calls"),
        pytest.param("429", True, id="the same without a code of theirs"),
        pytest.param("21611", True, id="the sender's queue is full"),
        pytest.param("20003", True, id="no text gets through with this password"),
        pytest.param("21211", False, id="not a number"),
        pytest.param("21610", False, id="they said STOP"),
        pytest.param("21606", False, id="another sender would do"),
        pytest.param("99999", False, id="unknown"),
    ],
)
def test_a_refusal_that_says_nothing_of_the_text_waits(code: str, expected: bool) -> None:
    assert is_deferrable(code) is expected


def test_what_may_have_gone_out_never_waits_to_be_sent_again() -> None:
    open_ones = [code for code in all_codes().values() if code.retry is Retry.AMBIGUOUS]
    assert {code.code for code in open_ones} - OWN == {"20500", "20503", "30410"}
    assert {code.refusal for code in open_ones} == {Refusal.FINAL}


@pytest.mark.parametrize("who", [Owner.NUMBER, Owner.CONSENT, Owner.CONTENT, Owner.RECIPIENT])
def test_what_is_about_this_text_or_this_client_is_final(who: Owner) -> None:
    assert {code.refusal for code in all_codes().values() if code.owner is who} == {Refusal.FINAL}


@pytest.mark.parametrize(
    ("code", "url"),
    [
        ("99999", "https://www.twilio.com/docs/api/errors/99999"),
        ("weird", ""),
        ("٣", ""),
        ("9" * 500, None),
    ],
)
def test_a_code_nobody_has_heard_of_is_shown_and_linked(code: str, url: str | None) -> None:
    unknown = lookup(code)
    assert not unknown.known
    assert unknown.next_step
    assert unknown.url in unknown.next_step
    assert len(unknown.title) < 60
    assert url is None or unknown.url == url


def test_the_page_is_the_generated_one() -> None:
    assert PAGE.read_text("utf-8") == render_docs(), "write it anew: python -m streams.error_codes"


def test_the_page_has_every_code() -> None:
    assert set(re.findall(r"^### (?:\[|`)(\w+)(?:\]\(|`)", render_docs(), re.MULTILINE)) == set(
        all_codes()
    )
