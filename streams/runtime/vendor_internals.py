"""Every private name of Faust and aiokafka that the runtime uses, checked before a worker starts.

Both packages are pinned.  A check that fails means that a pin was moved without reading this list.
"""

from __future__ import annotations

import asyncio
import inspect
from typing import Any, Final

import aiokafka
import faust
import faust.tables
from aiokafka import errors
from aiokafka.client import AIOKafkaClient, ConnectionGroup
from aiokafka.conn import AIOKafkaConnection
from aiokafka.consumer import fetcher
from aiokafka.consumer.group_coordinator import GroupCoordinator
from aiokafka.producer import sender
from aiokafka.producer.message_accumulator import BatchBuilder
from aiokafka.producer.transaction_manager import TransactionManager
from faust.transport import drivers
from faust.transport.drivers import aiokafka as driver
from mode.threads import ServiceThread

from streams.runtime import records, strict_transactions

VERSIONS: Final = {
    "faust": (faust.__version__, "0.15.3"),
    "aiokafka": (aiokafka.__version__, "0.14.0"),
}

PRIVATE_NAMES: Final[tuple[tuple[Any, str], ...]] = (
    (driver.AIOKafkaConsumerThread, "_create_worker_consumer"),  # to read committed records only
    (driver.AIOKafkaConsumerThread, "_fetch_records"),
    (driver.AIOKafkaConsumerThread, "call_thread"),
    (driver.Consumer, "_new_consumer_thread"),
    # Faust's Fetcher calls it: we hand over whole fetches instead of Events.
    (driver.Consumer, "_drain_messages"),
    (driver.Consumer, "_get_active_partitions"),
    (driver.Consumer, "seek_to_committed"),
    (driver.Consumer, "perform_seek"),
    (driver.Consumer, "wait_empty"),  # awaited on revocation and at shutdown
    (driver.Consumer, "_filter_tps_with_pending_acks"),
    (driver.Consumer, "_new_offset"),
    (driver.Consumer, "verify_event_path"),
    (faust.App, "_create_directories"),
    (faust.tables.TableManager, "sleep"),  # its start sleeps a second
    (drivers.TRANSPORTS, "aliases"),
    (AIOKafkaClient, "send"),  # to ask for topic ids
    (AIOKafkaClient, "get_random_node"),
    (fetcher, "READ_UNCOMMITTED"),
    (ConnectionGroup, "COORDINATION"),
    (GroupCoordinator, "_do_heartbeat"),  # to ask whether we are a member still
    *(  # sent once only
        (getattr(sender, handler), name)
        for handler in strict_transactions.HANDLERS
        for name in ("handle_response", "handle_error", "create_request")
    ),
    (sender.Sender, "_find_coordinator"),
    (sender, "CoordinationType"),
    (errors, "kafka_errors"),  # codes that aiokafka does not know
    (AIOKafkaClient, "coordinator_lookup"),
    (AIOKafkaConnection, "connect"),
    (sender, "BACKOFF_OVERRIDE"),
    (records.STOCK_PARTITION_RECORDS, "_consumer_record"),  # a light one
    (BatchBuilder(1024, 0), "_builder"),  # to fill a batch without a Python call a record
    (BatchBuilder(1024, 0), "_relative_offset"),
    # To add all partitions of a transaction in one request.
    (TransactionManager, "maybe_add_partition_to_txn"),
)


CONNECT_TIMEOUT: Final = 8.0
"""Seconds for a connection and its handshake."""

_stock_connect: Final = AIOKafkaConnection.connect


async def connect_soon(self: Any) -> Any:
    """A broker that hangs takes connections and never answers.  Stock aiokafka waits as long as for
    a request, and asks the other brokers only then."""
    async with asyncio.timeout(CONNECT_TIMEOUT):
        return await _stock_connect(self)


class VendorInternalsChanged(Exception):
    """The installed Faust or aiokafka is not the one that the runtime was written against."""


def check() -> None:
    """Check versions and private names, and put our replacements in place.  Raises
    VendorInternalsChanged.

    It also shortens aiokafka's wait for a transaction's markers: a broker writes them in 1 to 3 ms,
    and aiokafka asks again only after 20."""
    for name, (installed, wanted) in VERSIONS.items():
        if installed != wanted:
            raise VendorInternalsChanged(
                f"{name} {installed} is installed, but the runtime is written against {wanted}"
            )
    gone = [f"{owner!r}.{name}" for owner, name in PRIVATE_NAMES if not hasattr(owner, name)]
    if gone:
        raise VendorInternalsChanged(f"gone: {', '.join(gone)}")
    for name in ("fetch_min_bytes", "fetch_max_wait_ms"):  # changed while it runs
        if f"self._{name} = {name}" not in inspect.getsource(fetcher.Fetcher.__init__):
            raise VendorInternalsChanged(f"aiokafka's Fetcher keeps no {name} any more")
    if "self._rejoin_needed_fut = " not in inspect.getsource(GroupCoordinator.__init__):
        raise VendorInternalsChanged("aiokafka's GroupCoordinator keeps no _rejoin_needed_fut more")
    if "isolation_level" not in inspect.signature(fetcher.Fetcher.__init__).parameters:
        raise VendorInternalsChanged("aiokafka's Fetcher takes no isolation_level any more")
    if "thread_loop" not in inspect.signature(ServiceThread.__init__).parameters:
        raise VendorInternalsChanged("mode's ServiceThread takes no thread_loop any more")
    records.install()
    strict_transactions.install()
    AIOKafkaConnection.connect = connect_soon
    sender.BACKOFF_OVERRIDE = 0.004
