"""The webhook: the provider's signed callbacks come in, records go out to Kafka, and nothing is
decided here."""
