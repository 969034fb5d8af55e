"""A text's characters: what it is billed as, and what we send."""
