"""What became of each message."""

from streams.outcomes.fold import outcomes as outcomes
from streams.outcomes.fold import outcomes_finish as outcomes_finish
from streams.outcomes.fold import outcomes_woke as outcomes_woke
