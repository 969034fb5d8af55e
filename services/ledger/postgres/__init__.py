"""The ledger in a PostgreSQL database, for several projectors and several consoles.

Its rows, and the statements that read them, are those of the SQLite file: `sql` writes a statement
for the other database. What differs is how batches are written (`store`), who reads which
partitions (`shares`), and how a rebuild takes the place of what readers see (`rebuilding`)."""
