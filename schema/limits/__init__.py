"""What one request may ask for: sizes that follow from the document alone, and a cost that follows from its pages."""

from schema.limits.bounds import Bounds, bounds, lift, use
from schema.limits.cost import Cost, cost_of
from schema.limits.measure import measure
from schema.limits.text import check_text, price_of_refusal
from schema.limits.variables import check_variables

__all__ = [
    "Bounds",
    "Cost",
    "bounds",
    "check_text",
    "check_variables",
    "cost_of",
    "lift",
    "measure",
    "price_of_refusal",
    "use",
]
