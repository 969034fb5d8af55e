"""Whole stories at random, by the hundred thousand: `make simulate`."""
