"""What became of each message."""

from streams.outcomes.processor import outcomes as outcomes
from streams.outcomes.processor import outcomes_finish as outcomes_finish
from streams.outcomes.processor import outcomes_on_timer as outcomes_on_timer
