"""Journeys: where each customer stands, how it came there, and the statements that move them."""

from db.journeys.evaluation import EVALUATE_JOB, Flow, evaluate, request_evaluation, tell_segments
from db.journeys.moves import Move, Outcome, Result, start, transition, unlock
from db.journeys.records import Journey, Transition

__all__ = [
    "EVALUATE_JOB",
    "Flow",
    "Journey",
    "Move",
    "Outcome",
    "Result",
    "Transition",
    "evaluate",
    "request_evaluation",
    "start",
    "tell_segments",
    "transition",
    "unlock",
]
