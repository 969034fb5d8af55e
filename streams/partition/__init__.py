"""One partition of a processor, without Kafka: the order of reading, and what a batch commits."""
