"""The wire, for whoever does not read Python: a JSON Schema per message and one AsyncAPI
document.

Everything beside the code here is generated: `python -m schemas.catalog` writes it anew, and a
test fails while it differs from what the declarations in `schemas` say.
"""
