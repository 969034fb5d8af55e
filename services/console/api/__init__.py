"""The HTTP API under `/v1`: what programs call.

Theory of operation
-------------------
A call goes through these steps, in this order (`calls`):

* its key is identified, before anything else of it is read; the key says which tenant it is for,
  what it may do (`keys.Scope`), and how often (`rate_limit`);
* the body is read, up to a limit, and parsed strictly;
* the route does its work. It reads the ledger only, and acts through `services.operations`.

What goes wrong is an answer of `application/problem+json` (`problems`).

A call that changes something has an identity: the message id, or the header `Idempotency-Key`. The
identity is reserved before the record is published (`idempotency`), and names the record itself. So
a crash between publishing and answering leads to the same record twice, which processors recognise.
A 2xx answer means that all in-sync replicas have the record.
"""
