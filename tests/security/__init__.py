"""What protects us from others, and from ourselves: docs/operations/security.md."""
