"""The links in a text."""
