"""What a struct offers besides being equal to its contract, and what cannot be made one."""

from __future__ import annotations

import copy
import json
import pickle
from datetime import UTC, datetime, timedelta, timezone
from typing import Annotated, Any

import pytest
from pydantic import AfterValidator, Field, ValidationError, field_validator

from schemas.attempt import DeliveryReceipt
from schemas.base import Evidence, Message, Slug, UtcTime, Whole
from schemas.inbound import Reply
from schemas.outcome import Outcome, Was
from schemas.structs import MessageStruct, contract_of, encode, struct
from schemas.topics import OUTCOMES, REPLIES

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
WEST = timezone(timedelta(hours=-8))
OUTCOME = Outcome(
    message_id="m1",
    tenant="acme",
    kind="direct",
    requested_at=NOON,
    state="sent",
    final=False,
    version=2,
    was=Was(state="queued"),
    at=NOON,
)


def test_it_is_copied_and_pickled_like_any_value() -> None:
    assert (
        copy.copy(OUTCOME)
        == copy.deepcopy(OUTCOME)
        == pickle.loads(pickle.dumps(OUTCOME))
        == OUTCOME
    )
    assert hash(OUTCOME) == hash(copy.copy(OUTCOME))
    assert OUTCOME.model_copy(update={"version": 3}) != OUTCOME.model_copy() == OUTCOME


def test_none_is_left_out_and_no_other_default_is() -> None:
    written = json.loads(encode(OUTCOME))
    assert written["contradictions"] == []
    assert written["segments"] == written["was"]["segments"] == 0
    assert None not in [*written.values(), *written["was"].values()]


def test_every_one_has_a_default_of_its_own() -> None:
    given = {
        "message_id": "m",
        "tenant": "t",
        "attempt": 1,
        "provider_id": "p",
        "status": "s",
        "received_at": NOON,
    }
    one, other = DeliveryReceipt(**given), DeliveryReceipt(**given)
    assert one.raw == other.raw == {}
    assert one.raw is not other.raw


def test_a_time_is_kept_in_utc_however_it_came() -> None:
    built = OUTCOME.model_copy(update={"at": NOON.astimezone(WEST)})
    read = OUTCOMES.decode(
        encode(OUTCOME).replace(b'"at":"2026-03-02T12:00:00Z"', b'"at":"2026-03-02T04:00:00-08:00"')
    )
    assert built.at.tzinfo is read.at.tzinfo is UTC
    assert encode(built) == encode(read) == encode(OUTCOME)


@pytest.mark.parametrize(
    "moment", [datetime(2026, 3, 2, 12), datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=1)))]
)
def test_a_time_that_is_none_is_not_built(moment: datetime) -> None:
    with pytest.raises(ValueError, match="time"):
        OUTCOME.model_copy(update={"at": moment})


def test_times_are_truncated_to_microseconds() -> None:
    value = encode(OUTCOME).replace(
        b'"at":"2026-03-02T12:00:00Z"', b'"at":"2026-03-02T12:00:00.9999999Z"'
    )
    assert OUTCOMES.decode(value).at == NOON + timedelta(microseconds=999_999)


@pytest.mark.parametrize("depth", [100, 500, 20_000])
def test_nothing_is_nested_too_deeply(depth: int) -> None:
    """In a field that nobody knows, and in one that is known."""
    nested = b"[" * depth + b"]" * depth
    value = encode(OUTCOME)
    known = value.replace(b'"contradictions":[]', b'"contradictions":' + nested)
    for data in (nested, known, value.replace(b'"state"', b'"added":' + nested + b',"state"', 1)):
        read = [OUTCOMES.decode, contract_of(Outcome).model_validate_json]
        assert len({_refused(one, data) for one in read}) == 1


def _refused(read: Any, data: bytes) -> str:
    try:
        read(data)
    except ValidationError as error:
        return str(error)
    return ""


def test_a_contract_writes_structs_as_its_own_fields() -> None:
    place = Evidence(topic="sms.inbound", partition=1, offset=2)
    reply = Reply(
        tenant="a",
        number="+14155550142",
        sender="72975",
        provider_id="p",
        body="b",
        received_at=NOON,
        evidence=place,
    )
    assert reply.evidence is place
    assert json.loads(REPLIES.encode(reply))["evidence"] == {
        "topic": "sms.inbound",
        "partition": 1,
        "offset": 2,
    }
    assert isinstance(REPLIES.decode(REPLIES.encode(reply)).evidence, Evidence)
    assert reply.model_dump()["evidence"]["wording"] is None


def test_a_wrong_value_raises_the_contracts_validation_error() -> None:
    with pytest.raises(
        ValidationError, match=r"1 validation error for Outcome\ntenant\n  String should match"
    ):
        Outcome.model_validate(OUTCOME.model_dump() | {"tenant": "a/b"})
    with pytest.raises(ValidationError, match="Extra inputs are not permitted"):
        Outcome.model_validate(OUTCOME.model_dump() | {"added": 1}, extra="forbid")
    assert Outcome.model_validate(OUTCOME) is OUTCOME


def test_text_is_read_as_bytes_are() -> None:
    assert Outcome.model_validate_json(encode(OUTCOME).decode()) == OUTCOME
    with pytest.raises(ValidationError):
        Outcome.model_validate_json(encode(OUTCOME).decode().replace("direct", "\ud800"))


def test_what_is_usual_is_read_without_the_contract(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(MessageStruct, "of", None)
    assert OUTCOMES.decode(encode(OUTCOME)) == OUTCOME


@pytest.mark.parametrize(
    "hint",
    [
        float,
        datetime,
        list[str],
        int | str,
        tuple[str | None, ...],
        tuple[UtcTime, ...],
        dict[int, str],
        Annotated[str, AfterValidator(str.strip)],
        Annotated[Slug, Field(min_length=2)],
        Annotated[Whole, Field(gt=0)],
        Annotated[str, Field(pattern="^a")],
    ],
)
def test_a_check_that_it_could_not_make_is_no_struct(hint: Any) -> None:
    with pytest.raises(TypeError, match="a struct cannot"):
        struct(_declared(hint))


def test_a_class_that_checks_by_itself_is_no_struct() -> None:
    class Checked(Message):
        name: str

        @field_validator("name")
        @classmethod
        def _named(cls, name: str) -> str:
            return name

    with pytest.raises(TypeError, match="validators of its own"):
        struct(Checked)


@pytest.mark.parametrize(
    ("hint", "default"),
    [(str | None, Field()), (str, Field(alias="b")), (dict[str, str], Field(default_factory=dict))],
)
def test_what_would_be_written_otherwise_is_no_struct(hint: Any, default: Any) -> None:
    with pytest.raises(TypeError, match=r"^a: "):
        struct(_declared(hint, default))


def _declared(hint: Any, default: Any = ...) -> Any:
    return type(
        "Declared",
        (Message,),
        {"__annotations__": {"a": hint}, "__module__": __name__, "a": default},
    )
