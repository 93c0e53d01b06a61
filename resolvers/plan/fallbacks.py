"""How often the loaders answered what a plan might have, and why; app/telemetry shows it."""

from collections import Counter
from enum import StrEnum


class Reason(StrEnum):
    """Why a reading was not answered by its plan."""

    LIST = "list"
    """It is within a list, where loaders batch better than one statement for each item."""
    RESOLVER = "resolver"
    """A field beneath it has a resolver of its own."""
    ABSTRACT = "abstract"
    """An interface or a union is selected beneath it."""
    SCALAR = "scalar"
    """A value beneath it is one that SQL does not write."""
    NAME = "name"
    """An alias is longer than a column name may be."""
    SCOPE = "scope"
    """The caller may not see all of it."""
    ARGUMENTS = "arguments"
    """A page argument means nothing."""
    NOTHING = "nothing"
    """There is nothing where there must be something."""


# Of this process since it started.
fallbacks: Counter[Reason] = Counter()
