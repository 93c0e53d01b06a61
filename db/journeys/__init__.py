"""Journeys: where each customer stands, how it came there, and the statements that move them."""

from db.journeys.evaluation import Flow, evaluate
from db.journeys.moves import Move, Outcome, Result, start, transition, unlock
from db.journeys.records import Journey, Transition

__all__ = ["Flow", "Journey", "Move", "Outcome", "Result", "Transition", "evaluate", "start", "transition", "unlock"]
