"""How each conversation stands: what waits for an answer, and whose case it is about."""

from streams.threads.processor import threads as threads
from streams.threads.processor import threads_finish as threads_finish
from streams.threads.processor import threads_on_timer as threads_on_timer
