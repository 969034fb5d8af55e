"""Where the provider calls us: signed callbacks in, facts on Kafka out, nothing judged."""
