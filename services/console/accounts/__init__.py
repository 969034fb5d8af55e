"""Users, their roles and their sessions: the console's own file, which no topic can rebuild."""
