"""Who a person is, and which of their numbers a text goes to."""

from streams.people.processor import people as people
from streams.people.processor import people_on_timer as people_on_timer
