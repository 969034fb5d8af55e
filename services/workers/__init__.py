"""One processor in one process."""
