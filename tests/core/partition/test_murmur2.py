"""Keys land where every Kafka producer's default partitioner puts them."""

from __future__ import annotations

import aiokafka.partitioner
from hypothesis import given
from hypothesis import strategies as st

from streams.partition.decoding import murmur2


@given(st.binary(max_size=80))
def test_the_hash_is_aiokafkas(key: bytes) -> None:
    assert murmur2(key) & 0x7FFFFFFF == aiokafka.partitioner.murmur2(key) & 0x7FFFFFFF
