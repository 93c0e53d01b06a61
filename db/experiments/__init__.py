"""Experiments as they are stored, and the statements that share out an audience and release the rest of it."""
