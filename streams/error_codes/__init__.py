"""The dictionary of error codes: data, words our own."""

from streams.error_codes.code import WHO as WHO
from streams.error_codes.code import Code as Code
from streams.error_codes.code import Effect as Effect
from streams.error_codes.code import Who as Who
from streams.error_codes.dictionary import all_codes as all_codes
from streams.error_codes.dictionary import meaning as meaning
from streams.error_codes.dictionary import waits as waits
