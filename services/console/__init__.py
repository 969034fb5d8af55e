"""The console: pages for staff under `/`, and the HTTP API under `/v1`.

Theory of operation
-------------------
One process, FastAPI on Starlette with uvicorn. It reads only the ledger and acts only through
`services.operations`, so that it can do what the command line can do, and no more.

A page is drawn by the server. Its live parts are elements with `data-live`, which name what they
show (`message`, `case:17`). A stream of server-sent events says which of these have changed, and up
to which position of the ledger; the browser then fetches those parts again and morphs them into the
page. What somebody types, focuses or scrolls stays as it is.

Every route declares what it takes to use it (`access.Allow`). A route without one is refused when
the application is built.
"""
