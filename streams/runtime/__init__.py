"""All that knows Faust and Kafka: it makes what processors answer durable, once."""
