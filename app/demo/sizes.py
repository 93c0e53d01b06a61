"""How much demo data a new organization gets."""

from enum import StrEnum


class Demo(StrEnum):
    """Each size has the customers of the smaller ones, and more."""

    NONE = "none"
    SMALL = "small"
    DEFAULT = "default"
    LARGE = "large"

    @property
    def customers(self) -> int:
        return {Demo.NONE: 0, Demo.SMALL: 300, Demo.DEFAULT: 3_000, Demo.LARGE: 100_000}[self]

    @property
    def pace(self) -> int:
        """Months between two evaluations of the past journeys."""
        return 2 if self is Demo.LARGE else 1
