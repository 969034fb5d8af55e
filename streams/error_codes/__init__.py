"""What error codes mean: a catalog of data, and the page made from it."""

from streams.error_codes.catalog import OWNERS as OWNERS
from streams.error_codes.catalog import Code as Code
from streams.error_codes.catalog import Effect as Effect
from streams.error_codes.catalog import Owner as Owner
from streams.error_codes.catalog import all_codes as all_codes
from streams.error_codes.catalog import is_deferrable as is_deferrable
from streams.error_codes.catalog import lookup as lookup
