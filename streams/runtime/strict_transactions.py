"""aiokafka's transactional requests, made strict: who does not know what became of one stops.

Theory of operation

Stock aiokafka answers a lost connection and an answer that does not come by sending the request
again, in the same epoch, over a new connection.  The first copy may still be under way.  If it
arrives late, in the middle of the *next* transaction, the broker takes it for that one's: a late
EndTxn commits a half-written transaction, a late AddPartitionsToTxn opens one that nobody ends
(KAFKA-17754).  So here a request is sent again only if nothing of it was written (no connection
could be made), or if the broker's answer says that it was not done.  Anything else is a
`LostAnswer`, and this producer is at its end: what comes next needs a new one, and with it an epoch
in which the broker refuses late copies.

InitProducerId may be sent again: each copy begins an epoch of its own, and no transaction is open
before one was answered.  A late copy fences us, which ends the process and harms nothing.  Produce
requests may be sent again: the broker knows a copy by its sequence number.  Asking for the
coordinator changes nothing, so that goes on until there is one; `TransactionalWriter` limits it.

Brokers answer with error codes that aiokafka does not know, or not everywhere (`MAPPED`).  It would
take each for an unknown error, and in a fetch go on asking the wrong broker for minutes.
"""

from __future__ import annotations

import asyncio
import time
from typing import Any, Final

from aiokafka import errors
from aiokafka.client import ConnectionGroup, CoordinationType
from aiokafka.errors import (
    AuthenticationFailedError,
    AuthenticationMethodNotSupported,
    BrokerResponseError,
    GroupAuthorizationFailedError,
    IncompatibleBrokerVersion,
    KafkaError,
    NodeNotReadyError,
    NotLeaderForPartitionError,
    ProducerFenced,
    TransactionalIdAuthorizationFailed,
)
from aiokafka.producer import sender


class NoAnswer(KafkaError):  # type: ignore[misc]  # aiokafka has no types
    """Which broker did not answer what: nobody knows whether it was done."""

    def __str__(self) -> str:
        return str(self.args[0])


class LostAnswer(NoAnswer):
    """The connection ended while the answer was awaited."""


class UnsupportedCompressionType(BrokerResponseError):  # type: ignore[misc]
    errno = 76
    message = "UNSUPPORTED_COMPRESSION_TYPE"
    description = "The broker does not support the compression"


class FencedProducer(ProducerFenced, BrokerResponseError):  # type: ignore[misc]
    """As INVALID_PRODUCER_EPOCH, by its newer name."""

    errno = 90
    message = "PRODUCER_FENCED"
    description = "Another producer has taken over the transactional id"


class TransactionAbortable(BrokerResponseError):  # type: ignore[misc]
    errno = 120
    message = "TRANSACTION_ABORTABLE"
    description = "The transaction can only be aborted"


MAPPED: Final[dict[int, type[KafkaError]]] = {
    56: NotLeaderForPartitionError,  # KAFKA_STORAGE_ERROR: its disk failed, and another will lead
    74: NotLeaderForPartitionError,  # FENCED_LEADER_EPOCH: our metadata is old
    75: NotLeaderForPartitionError,  # UNKNOWN_LEADER_EPOCH: the broker's is
    76: UnsupportedCompressionType,
    78: NotLeaderForPartitionError,  # OFFSET_NOT_AVAILABLE: a new leader, not ready yet
    90: FencedProducer,
    120: TransactionAbortable,
}
"""By code.  What another broker or a later moment would answer is what aiokafka refreshes its
metadata and tries again for, in fetches and produce requests; transactional requests have no
leader, and end the epoch."""

LOOK_AGAIN: Final = 0.05
"""Seconds between two questions for the coordinator."""

_REFUSED: Final = (
    IncompatibleBrokerVersion,
    AuthenticationFailedError,
    AuthenticationMethodNotSupported,
)


class _Strict:
    """`do` sends once.  True: done; False: not done, and it may be tried again."""

    _sender: Any
    group: ConnectionGroup

    async def do(self, node_id: int) -> bool:
        request: Any = self.create_request()  # type: ignore[attr-defined]
        began = time.monotonic()
        try:
            response = await self._sender.client.send(node_id, request, group=self.group)
        except NodeNotReadyError:  # there was no connection, so nothing was written
            await asyncio.sleep(self.handle_error())  # type: ignore[attr-defined]
            return False
        except _REFUSED:
            raise
        except KafkaError as error:
            seconds = time.monotonic() - began
            raise LostAnswer(
                f"{describe_broker(self._sender.client, node_id)} did not answer "
                f"{name_of(request)} of {self._sender._txn_manager.transactional_id}, and after "
                f"{seconds:.1f} s the connection was lost ({error})"
            ) from error
        wait = self.handle_response(response)  # type: ignore[attr-defined]
        if wait is not None:
            await asyncio.sleep(wait)
        return wait is None


class StrictInitProducerId(_Strict, sender.InitPIDHandler):  # type: ignore[misc]
    async def do(self, node_id: int) -> bool:
        try:
            return await super().do(node_id)
        except LostAnswer:
            await asyncio.sleep(self.handle_error())
            return False


class StrictAddPartitions(_Strict, sender.AddPartitionsToTxnHandler): ...  # type: ignore[misc]


class StrictEndTxn(_Strict, sender.EndTxnHandler): ...  # type: ignore[misc]


HANDLERS: Final = {
    "InitPIDHandler": StrictInitProducerId,
    "AddPartitionsToTxnHandler": StrictAddPartitions,
    "EndTxnHandler": StrictEndTxn,
}


async def find_coordinator(self: Any, kind: CoordinationType, key: str) -> int:
    """In place of `Sender._find_coordinator`, which gives the producer up when the broker that it
    happens to ask is just ending."""
    if kind in self._coordinators:
        return int(self._coordinators[kind])
    while True:
        try:
            found = int(await self.client.coordinator_lookup(kind, key))
        except (TransactionalIdAuthorizationFailed, GroupAuthorizationFailedError) as error:
            raise type(error)(key) from error
        except _REFUSED:
            raise
        except KafkaError as error:
            if isinstance(error, BrokerResponseError) and not error.retriable:
                raise
            await self.client.force_metadata_update()
        else:
            self.asked_coordinator = found
            if await self.client.ready(found, group=ConnectionGroup.COORDINATION):
                self._coordinators[kind] = found
                return found
        await asyncio.sleep(LOOK_AGAIN)


def install() -> None:
    """Put all of it in place, for every producer of this process."""
    for name, handler in HANDLERS.items():
        setattr(sender, name, handler)
    sender.Sender._find_coordinator = find_coordinator
    errors.kafka_errors.update(MAPPED)


def is_installed() -> bool:
    return (
        all(getattr(sender, name) is handler for name, handler in HANDLERS.items())
        and sender.Sender._find_coordinator is find_coordinator
        and all(errors.for_code(code) is error for code, error in MAPPED.items())
    )


def describe_broker(client: Any, node_id: int) -> str:
    """`broker 2 (127.0.0.1:9092)`."""
    known = client.cluster.broker_metadata(node_id)
    return f"broker {node_id}" + (f" ({known.host}:{known.port})" if known else "")


def name_of(request: Any) -> str:
    return type(request).__name__.removesuffix("Request")
