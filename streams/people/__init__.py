"""Who somebody is, and which of their numbers a text goes to."""

from streams.people.room import people as people
from streams.people.room import people_woke as people_woke
