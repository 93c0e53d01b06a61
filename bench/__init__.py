"""Benchmarks: Wayfare, its peers and the limit on the same database in one run; `make bench`, docs/benchmarks.md."""
