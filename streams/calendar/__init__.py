"""When something is on, as an instant, and when a text about it is due.

Times are kept as people write them.  A rule of a zone that changes therefore moves an event with
its clock."""
