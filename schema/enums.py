"""Domain vocabularies as GraphQL enums, with a description for each value."""

from enum import StrEnum
from typing import TypeVar

import strawberry

Vocabulary = TypeVar("Vocabulary", bound=type[StrEnum])


def described(
    vocabulary: Vocabulary, description: str, values: dict[str, str], *, name: str | None = None
) -> Vocabulary:
    """Registers a vocabulary (StrEnum, so that a record's text serves as its value).

    `values` must describe each of its names, no more and no fewer.
    """
    if set(values) != set(vocabulary.__members__):
        message = f"{vocabulary.__name__}: describe exactly {sorted(vocabulary.__members__)}"
        raise LookupError(message)
    registered = strawberry.enum(vocabulary, name=name, description=description)
    for value in registered.__strawberry_definition__.values:  # type: ignore[attr-defined]  # set by strawberry.enum
        value.description = values[value.name]
    return registered


class OrderDirection(StrEnum):
    ASC = "ASC"
    DESC = "DESC"


described(
    OrderDirection,
    "Which way an order runs.",
    {
        "ASC": "Smallest, oldest or first in the alphabet first.",
        "DESC": "Largest, newest or last in the alphabet first.",
    },
)
