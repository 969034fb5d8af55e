"""One room in one process."""
