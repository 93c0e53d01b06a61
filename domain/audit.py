"""What the audit log says of a deed: who, what, to what, and the names of what was given; never a value."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from uuid import UUID

# An id with the type of what it names.
Named = tuple[str, UUID]

# Of a list of ids as many are kept; the rest is counted.
MAX_NAMED = 20


@dataclass(frozen=True, slots=True)
class Deed:
    """One act. action: the mutation's name; target: what it was done to, if that is one thing."""

    action: str
    actor: str
    target: Named | None = None
    details: Mapping[str, object] = field(default_factory=dict)
    request_id: str | None = None


def target_of(made: UUID | None, noun: str | None, named: Mapping[str, Sequence[Named]]) -> Named | None:
    """What it was done to: the row the command answered with, else the one the input named.

    noun: the type that the action is about. A row that the input named is of the type it was named as.
    """
    every = [one for ids in named.values() for one in ids]
    if made is not None:
        given = [type_ for type_, identifier in every if identifier == made]
        type_ = given[0] if given else noun
        return (type_, made) if type_ else None
    singles = [ids[0] for ids in named.values() if len(ids) == 1]
    return next((one for one in singles if one[0] == noun), singles[0] if singles else None)


def details_of(given: Mapping[str, object], named: Mapping[str, Sequence[Named]]) -> dict[str, object]:
    """The names of the inputs, how long their lists were, and the ids among them."""
    counts = {name: len(value) for name, value in given.items() if isinstance(value, list)}
    ids = {name: [f"{type_}:{identifier}" for type_, identifier in some[:MAX_NAMED]] for name, some in named.items()}
    told = {"given": sorted(given), "counts": counts, "ids": ids}
    return {name: value for name, value in told.items() if value}
