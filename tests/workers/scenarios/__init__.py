"""What is killed at every fault point (tests/workers/faults.py), by noun."""
