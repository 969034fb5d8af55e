"""Everything that talks to Kafka from outside the processors: publishers, topics, access."""
