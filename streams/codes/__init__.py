"""The dictionary of error codes: data, words our own."""

from streams.codes.code import WHO as WHO
from streams.codes.code import Code as Code
from streams.codes.code import Effect as Effect
from streams.codes.code import Who as Who
from streams.codes.dictionary import all_codes as all_codes
from streams.codes.dictionary import meaning as meaning
from streams.codes.dictionary import waits as waits
