"""What staff and programs can do with Sayso.

The command line and the demo call these functions.  They know nothing of a terminal, so an API
or a web console can call them too."""
