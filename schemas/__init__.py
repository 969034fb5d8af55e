"""Facts on the wire: one message a file, every topic declared once in `schemas.topics`."""
