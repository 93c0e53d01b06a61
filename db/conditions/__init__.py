"""Conditions turned into SQL: the only thing that evaluates them.

Used by previews, refreshes, journeys and audiences alike; what a condition means is written at domain/conditions.
"""

from db.conditions.compiler import matching, verdicts
from db.conditions.scope import Scope

__all__ = ["Scope", "matching", "verdicts"]
