"""Send once, at the pace allowed."""

from streams.dispatch.process import dispatch as dispatch
from streams.dispatch.process import dispatch_woke as dispatch_woke
