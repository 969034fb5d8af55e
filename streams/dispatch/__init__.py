"""Send once, at the pace allowed."""

from streams.dispatch.processor import dispatch as dispatch
from streams.dispatch.processor import dispatch_on_timer as dispatch_on_timer
