"""Many results: the design of a trial, its statistics, and published trials beside it."""
