"""Deliver events of messages, consent and replies to tenants' own HTTPS endpoints.

An *event webhook* goes out, to an *endpoint* of a tenant.  `services.webhook` is the other
direction: there the provider calls us."""
