"""Journeys: where each customer stands, how it came there, and the statements that move them."""
