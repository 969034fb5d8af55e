"""When a clock on the wall lets a text go, and what that is in UTC: pure, and worked out once a day for all who share
their zones and hours."""

from streams.gate.hours.hours import Hours, both, daily
from streams.gate.hours.marketing import StateRules, marketing
from streams.gate.hours.spans import Span, span_at

__all__ = ["Hours", "Span", "StateRules", "both", "daily", "marketing", "span_at"]
