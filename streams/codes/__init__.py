"""The dictionary of error codes: data in `codes.csv`, words our own."""

from streams.codes.meaning import PAGE as PAGE
from streams.codes.meaning import Code as Code
from streams.codes.meaning import all_codes as all_codes
from streams.codes.meaning import meaning as meaning
from streams.codes.meaning import waits as waits
