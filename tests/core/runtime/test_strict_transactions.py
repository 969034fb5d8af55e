"""Error codes that aiokafka does not know, each against each request; and the limits that keep one
request from being given up while another is under way."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka import errors
from aiokafka.errors import BrokerResponseError, KafkaError, ProducerFenced
from aiokafka.producer import sender
from aiokafka.structs import TopicPartition

from streams.runtime import strict_transactions, vendor_internals
from streams.runtime.last_words import explain
from streams.runtime.strict_transactions import MAPPED, FencedProducer, NoAnswer
from streams.runtime.timing import RuntimeLimits
from streams.runtime.transactional_writer import TransactionalWriter

CODES = (74, 75, 76, 78, 90, 120)
ELSEWHERE = {74, 75, 78}
"""Another broker, or a later moment, has the answer."""


@pytest.fixture(autouse=True)
def installed() -> None:
    vendor_internals.check()
    assert strict_transactions.is_installed()


def handler(name: str) -> Any:
    """One of aiokafka's, as the sender makes it."""
    dead: list[Any] = []
    made = SimpleNamespace(
        _retry_backoff=0.0,
        _coordinator_dead=dead.append,
        _txn_manager=SimpleNamespace(transactional_id="t", txn_partitions=set()),
    )
    arguments = {"InitPIDHandler": (), "AddPartitionsToTxnHandler": ([],), "EndTxnHandler": (1,)}
    return getattr(sender, name)(made, *arguments[name])


@pytest.mark.parametrize("name", list(strict_transactions.HANDLERS))
@pytest.mark.parametrize("code", CODES)
def test_in_a_transaction_each_ends_the_epoch(name: str, code: int) -> None:
    answer = SimpleNamespace(error_code=code, errors=[("topic", [(0, code)])])
    with pytest.raises(MAPPED[code]):
        handler(name).handle_response(answer)


@pytest.mark.parametrize("code", CODES)
def test_a_produce_request_is_sent_again_where_that_helps(code: int) -> None:
    error = errors.for_code(code)()
    made = SimpleNamespace(_txn_manager=object(), _retry_backoff=0.0, client=None)
    produce = sender.SendProduceReqHandler(made, {})
    assert produce._can_retry(error, None) is (code in ELSEWHERE)
    assert error.invalid_metadata is (code in ELSEWHERE)


@pytest.mark.parametrize("code", CODES)
def test_a_fetch_refreshes_its_metadata_where_that_helps(code: int) -> None:
    """aiokafka compares the very class, in fetches and in questions for offsets."""
    known = errors.for_code(code) is errors.NotLeaderForPartitionError
    assert known is (code in ELSEWHERE)


def test_the_newer_name_of_a_fence_is_a_fence() -> None:
    assert issubclass(FencedProducer, ProducerFenced)
    assert issubclass(FencedProducer, BrokerResponseError)


def test_a_commit_is_shorter_than_a_request() -> None:
    """Else aiokafka would come to give a request up, and to send it again."""
    limits = RuntimeLimits()
    assert limits.commit_timeout < min(limits.request_timeout, limits.transaction_timeout)
    for wrong in ({"request_timeout": 16.0}, {"transaction_timeout": 16.0}):
        with pytest.raises(ValueError, match="a commit may take 16 s"):
            TransactionalWriter("nowhere", "name", **wrong)


def test_the_error_behind_aiokafkas_words_is_named() -> None:
    cause = NoAnswer("broker 2 did not answer EndTxn of sayso.gate-0")
    wrapped = KafkaError("Unexpected error during batch delivery")
    wrapped.__cause__ = cause
    assert explain(wrapped) == "NoAnswer: broker 2 did not answer EndTxn of sayso.gate-0"


def test_an_error_without_words_says_where_it_was_raised() -> None:
    with pytest.raises(TimeoutError) as raised:
        raise TimeoutError
    assert explain(raised.value).startswith("TimeoutError: in test_an_error_without_words")


def test_what_is_added_to_a_transaction_is_what_was_asked() -> None:
    """The handler that is replaced is aiokafka's own but for `do`."""
    partition = TopicPartition("topic", 0)
    added: list[TopicPartition] = []
    made = handler("AddPartitionsToTxnHandler")
    made._sender._txn_manager.partition_added = added.append
    answer = SimpleNamespace(errors=[("topic", [(0, 0)])])
    assert made.handle_response(answer) is None
    assert added == [partition]
