"""What was used, counted to the message."""

from streams.usage.fold import usage as usage
from streams.usage.fold import usage_finish as usage_finish
from streams.usage.fold import usage_woke as usage_woke
