"""What only a laptop needs: an embedded Kafka, the supervisor, the demo, the provider simulator."""
