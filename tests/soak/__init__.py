"""An even load for a long time: what grows, and what does not."""
