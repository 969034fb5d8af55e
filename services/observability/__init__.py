"""What an operator sees: lag with its cause, metrics, health, logs."""
