"""What staff and programs can do with Sayso, without a terminal: the CLI calls it, and so may an API or a console."""
