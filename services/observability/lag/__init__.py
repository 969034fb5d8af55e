"""How far each room is behind, as the broker knows it, and why."""

from services.observability.lag.report import Line as Line
from services.observability.lag.report import Report as Report
from services.observability.lag.verdict import Verdict as Verdict
from services.observability.lag.watch import Watch as Watch
