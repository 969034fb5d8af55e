"""What was used, counted to the message."""

from streams.usage.process import usage as usage
from streams.usage.process import usage_finish as usage_finish
from streams.usage.process import usage_woke as usage_woke
