"""Send each order once, at the pace that its sender is allowed. Start reading at `processor`."""

from streams.dispatch.processor import dispatch as dispatch
from streams.dispatch.processor import dispatch_on_timer as dispatch_on_timer
