"""Where forms tell us of consent: one HTTP call, checked, with its evidence, put on Kafka; nothing judged."""
