"""How segments overlap, from how many customers are in exactly which of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from uuid import UUID

from domain.refusals import Refused

MAX_SEGMENTS = 10


@dataclass(frozen=True, slots=True)
class Region:
    """customers: how many are in each of these segments and, of those compared, in no other."""

    segment_ids: tuple[UUID, ...]
    customers: int


@dataclass(frozen=True, slots=True)
class Pair:
    """both: in the one and the other; either: in at least one of the two."""

    first: UUID
    second: UUID
    both: int
    either: int

    @property
    def share(self) -> float:
        """How alike they are, 0 to 1: both divided by either (Jaccard); 0 when nobody is in either."""
        return self.both / self.either if self.either else 0.0


@dataclass(frozen=True, slots=True)
class Overlap:
    sizes: Mapping[UUID, int]
    regions: Sequence[Region]
    pairs: Sequence[Pair]
    in_any: int
    in_all: int


def require_comparable(segment_ids: Sequence[UUID]) -> None:
    """Refuses TOO_MANY, and INVALID for none or one that is named twice."""
    if len(segment_ids) > MAX_SEGMENTS:
        raise Refused("TOO_MANY", f"At most {MAX_SEGMENTS} segments can be compared, not {len(segment_ids)}.")
    if not segment_ids or len(set(segment_ids)) != len(segment_ids):
        raise Refused("INVALID", "Name at least one segment, and each once.")


def overlap(segment_ids: Sequence[UUID], by_mask: Mapping[int, int]) -> Overlap:
    """by_mask: customers by the bits of the segments they are in; bit n is segment_ids[n]."""
    every = (1 << len(segment_ids)) - 1

    def having(bits: int, *, all_of: bool) -> int:
        return sum(n for mask, n in by_mask.items() if (mask & bits == bits if all_of else mask & bits))

    bits = {segment_id: 1 << number for number, segment_id in enumerate(segment_ids)}
    regions = [
        Region(tuple(id_ for id_ in segment_ids if bits[id_] & mask), customers)
        for mask, customers in sorted(by_mask.items(), key=lambda found: (-found[1], found[0]))
    ]
    pairs = [
        Pair(a, b, having(bits[a] | bits[b], all_of=True), having(bits[a] | bits[b], all_of=False))
        for a, b in combinations(segment_ids, 2)
    ]
    sizes = {segment_id: having(bits[segment_id], all_of=True) for segment_id in segment_ids}
    return Overlap(sizes, regions, pairs, having(every, all_of=False), having(every, all_of=True))
