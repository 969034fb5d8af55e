"""What became of each message."""

from streams.outcomes.process import outcomes as outcomes
from streams.outcomes.process import outcomes_finish as outcomes_finish
from streams.outcomes.process import outcomes_woke as outcomes_woke
