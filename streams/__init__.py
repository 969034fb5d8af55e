"""The judgement: rooms as pure folds, and the kit that runs them on Kafka."""
