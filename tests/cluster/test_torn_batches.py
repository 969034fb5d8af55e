"""A request that got no answer is never sent again in its epoch, and what happens if it is."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from aiokafka.errors import IllegalOperation, KafkaError, ProducerFenced

from streams.runtime import vendor_internals
from streams.runtime.last_words import explain
from streams.runtime.strict_transactions import LostAnswer, NoAnswer
from streams.runtime.transactional_writer import TransactionalWriter
from tests.cluster import torn_batches
from tests.cluster.proxy import ADD_PARTITIONS, END_TXN, INIT_PRODUCER_ID, BrokerProxy

pytestmark = [pytest.mark.broker, pytest.mark.asyncio(loop_scope="module")]

TRIES = 3
"""Of a thousand that `python -m tests.cluster.torn_batches` makes."""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def broker(
    tmp_path_factory: pytest.TempPathFactory,
) -> AsyncIterator[tuple[str, BrokerProxy]]:
    vendor_internals.check()
    async with torn_batches.proxied_broker(tmp_path_factory.mktemp("torn")) as made:
        await torn_batches.make_topic(made[0])
        yield made


async def test_a_late_end_txn_commits_nothing(broker: tuple[str, BrokerProxy]) -> None:
    played = await torn_batches.play(*broker, "strict", TRIES)
    assert played.owners == 1 + 2 * TRIES, "each lost answer and each death ends an owner"
    assert await torn_batches.torn_batches(broker[0], "strict") == []


async def test_a_second_try_in_the_same_epoch_is_found(broker: tuple[str, BrokerProxy]) -> None:
    """The mutation: aiokafka as it is.  Each late EndTxn commits half of the next batch."""
    with torn_batches.stock_handlers():
        await torn_batches.play(*broker, "stock", TRIES)
    torn = await torn_batches.torn_batches(broker[0], "stock")
    assert torn == [f"stock-{number}-b" for number in range(TRIES)]


@pytest.mark.parametrize(
    ("api_key", "words"),
    [
        (ADD_PARTITIONS, "did not answer AddPartitionsToTxn of lost-24"),
        (END_TXN, "did not answer EndTxn of lost-26"),
    ],
)
async def test_no_answer_ends_the_owner(
    broker: tuple[str, BrokerProxy], api_key: int, words: str
) -> None:
    bootstrap, proxy = broker
    partition = torn_batches.Partition(bootstrap, f"lost-{api_key}")
    await partition.take_over()
    torn_batches.hold_next(proxy, api_key)
    with pytest.raises((KafkaError, IllegalOperation)) as raised:
        await partition.write_and_commit("a")
    lost = partition.find_cause(raised.value)
    assert isinstance(lost, LostAnswer)
    assert words in explain(lost)
    proxy.held.clear()
    await partition.close()


async def test_a_take_over_is_asked_for_again_and_a_late_copy_fences(
    broker: tuple[str, BrokerProxy],
) -> None:
    """Nothing of a transaction can be lost with InitProducerId.  A late copy aborts what is under
    way, and who did that is told so."""
    bootstrap, proxy = broker
    partition = torn_batches.Partition(bootstrap, "again")
    torn_batches.hold_next(proxy, INIT_PRODUCER_ID)
    await partition.take_over()
    await partition.write_and_commit("again-a")
    await partition.write("again-b", (0,))
    await proxy.release()
    with pytest.raises((KafkaError, IllegalOperation)) as raised:
        await partition.commit()
    assert isinstance(partition.find_cause(raised.value), ProducerFenced)
    await partition.take_over()
    await partition.write_and_commit("again-b")
    await partition.close()
    assert await torn_batches.torn_batches(bootstrap, "again") == []


async def test_a_take_over_names_whom_it_waits_for(broker: tuple[str, BrokerProxy]) -> None:
    """The coordinator hangs: the fence has a time-out of its own."""
    bootstrap, proxy = broker
    writer = TransactionalWriter(bootstrap, "hung", fence_timeout=2)
    proxy.hang = frozenset({INIT_PRODUCER_ID})
    with pytest.raises(NoAnswer) as raised:
        await writer.fence()
    proxy.hang = frozenset()
    said = explain(raised.value)
    assert "hung could not be taken over: the coordinator does not answer (broker 1 (" in said
    assert " since " in said
    await writer.stop()
