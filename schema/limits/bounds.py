"""The bounds of a request, set once when the process starts."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Bounds:
    """The most of each that one document may have; fragments count each time they are spread.

    depth, fields, aliases, directives and root_fields are those of one operation, tokens those of the text, operations
    how many of them it defines; cost is in objects of the answer (schema/limits/cost.py); introspection has a depth and
    a number of fields of its own, so that tools may ask for the whole schema.
    """

    tokens: int = 2_000
    depth: int = 12
    aliases: int = 30
    root_fields: int = 20
    fields: int = 1_000
    directives: int = 50
    operations: int = 50
    cost: int = 5_000
    list_items: int = 1_000
    value_depth: int = 32
    introspection_depth: int = 20
    introspection_fields: int = 1_000

    @property
    def characters(self) -> int:
        """Of the text: what its tokens take when people write them, and then twice that."""
        return 32 * self.tokens


_bounds = Bounds()


def bounds() -> Bounds:
    return _bounds


def use(chosen: Bounds) -> None:
    """From now on; documents remembered under other bounds are forgotten."""
    from schema.documents import read_document

    global _bounds
    if chosen != _bounds:
        _bounds = chosen
        read_document.cache_clear()


@contextmanager
def lift(chosen: Bounds) -> Iterator[None]:
    """Other bounds for a while, e.g. for generated documents in tests."""
    before = _bounds
    use(chosen)
    try:
        yield
    finally:
        use(before)
