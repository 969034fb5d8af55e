"""What callers send and get, as the OpenAPI document describes it."""
