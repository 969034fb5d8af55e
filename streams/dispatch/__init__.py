"""Send once, at the pace allowed."""

from streams.dispatch.fold import dispatch as dispatch
from streams.dispatch.fold import dispatch_woke as dispatch_woke
