"""What the operators mean for a value that may be unknown (None)."""

from fractions import Fraction
from typing import Any

Json = dict[str, Any]


def number_holds(value: Fraction | None, test: Json) -> bool:
    ((operator, operand),) = test.items()
    if operator == "isNull":
        return (value is None) is operand
    if operator == "ne":
        return value != Fraction(operand)
    if operator in ("in", "notIn"):
        return (value in {Fraction(number) for number in operand}) is (operator == "in")
    if value is None:
        return False
    if operator == "between":
        return Fraction(operand["min"]) <= value <= Fraction(operand["max"])
    limit = Fraction(operand)
    return {
        "eq": value == limit,
        "gt": value > limit,
        "gte": value >= limit,
        "lt": value < limit,
        "lte": value <= limit,
    }[operator]


def text_holds(value: str | None, test: Json) -> bool:
    ((operator, operand),) = test.items()
    negations = {"ne": "eq", "notIn": "in", "notContains": "contains"}
    if operator in negations:
        return not text_holds(value, {negations[operator]: operand})
    if operator == "isNull":
        return (value is None) is operand
    if value is None:
        return False
    match operator:
        case "eq":
            return bool(value == operand)
        case "in":
            return value in operand
        case "contains":
            return _lower(operand) in _lower(value)
        case "startsWith":
            return _lower(value).startswith(_lower(operand))
        case "endsWith":
            return _lower(value).endswith(_lower(operand))
    raise AssertionError(operator)


def set_holds(values: set[str] | None, test: Json) -> bool:
    ((operator, operand),) = test.items()
    if operator == "noneOf":
        return values is None or not values & set(operand)
    if values is None:
        return False
    return bool(values & set(operand)) if operator == "anyOf" else set(operand) <= values


def _lower(text: str) -> str:
    """Letter by letter: the only letter whose lower case would be two characters stays one."""
    return "".join("i" if letter == "İ" else letter.lower() for letter in text)
