"""What was used: the messages of a tenant, counted."""

from streams.usage.processor import usage as usage
from streams.usage.processor import usage_finish as usage_finish
from streams.usage.processor import usage_on_timer as usage_on_timer
