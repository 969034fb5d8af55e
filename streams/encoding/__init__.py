"""What a text is made of on its way out, and what it becomes."""
