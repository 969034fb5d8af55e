"""The consents API: opt-ins and opt-outs from forms come in over HTTP and go out to Kafka as
claims."""
