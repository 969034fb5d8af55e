"""One partition of a room, without Kafka: what is taken first, what is put right, what one transaction holds."""
