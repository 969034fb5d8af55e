"""All that knows Faust and Kafka.  Rooms are plain folds; this package makes what they answer durable, once."""
