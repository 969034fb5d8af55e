"""Messages on the wire, a file for each group of them; `schemas.topics` declares every topic
once."""
