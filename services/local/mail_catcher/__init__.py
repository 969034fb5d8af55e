"""A mail server for trials: it takes every mail, keeps it as a file, and passes none on."""
