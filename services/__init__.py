"""Everything that touches the world: brokers, providers, HTTP, files, screens."""
