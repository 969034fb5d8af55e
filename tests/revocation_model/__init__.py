"""How the model of revocations is trained, and how well it reads what it never saw."""
