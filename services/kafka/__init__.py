"""Everything that talks to Kafka from outside the processors: publishers, topics, access rights."""


class BrokerError(Exception):
    """No broker, or none that does what we need.

    The text is one sentence for the person at the terminal: what is wrong, and the next step.
    """
