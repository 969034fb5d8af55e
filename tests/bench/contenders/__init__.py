"""The plain job, written as each framework's own users would write it; one process each.

All take the same options (`tests.bench.contenders.options`) and run until they are told to stop.
"""
