"""Who gets which variant: a share of the customers by a hash, the same at each try and wherever it is computed."""

from bisect import bisect_right
from dataclasses import dataclass
from hashlib import sha256
from itertools import accumulate
from uuid import UUID

BUCKETS = 10_000


@dataclass(frozen=True, slots=True)
class Assignment:
    """How an audience is shared out; shares are buckets of 10,000.

    variants: numbers and weights. A customer is held out, waits for the winner or gets a variant by three independent
    hashes, so that another test share or hold-out moves nobody from one variant to another. db/experiments/
    assignment.py has the twin in SQL.
    """

    salt: str
    variants: tuple[tuple[int, int], ...]
    holdout_share: int = 0
    test_share: int = BUCKETS

    @property
    def starts(self) -> list[int]:
        """The first bucket of each variant; a variant without weight has none."""
        weights = [weight for _, weight in self.variants]
        total = sum(weights)
        return [0, *(BUCKETS * until // total for until in accumulate(weights[:-1]))]

    @property
    def shares(self) -> dict[int, int]:
        """Buckets by variant: what a sample is compared with."""
        starts = self.starts
        ends = [*starts[1:], BUCKETS]
        return {number: end - start for (number, _), start, end in zip(self.variants, starts, ends, strict=True)}

    def holds_out(self, customer_id: UUID) -> bool:
        return bucket_of(self.holdout_salt, customer_id) < self.holdout_share

    def variant_of(self, customer_id: UUID) -> int | None:
        """The variant; None for those who wait for the winner."""
        if bucket_of(self.test_salt, customer_id) >= self.test_share:
            return None
        return self.variants[bisect_right(self.starts, bucket_of(self.split_salt, customer_id)) - 1][0]

    @property
    def holdout_salt(self) -> str:
        return f"{self.salt}:holdout"

    @property
    def test_salt(self) -> str:
        return f"{self.salt}:test"

    @property
    def split_salt(self) -> str:
        return f"{self.salt}:split"


def bucket_of(salt: str, customer_id: UUID) -> int:
    """sha256("salt:customer id") modulo 10,000, as the function of this name in Postgres."""
    return int.from_bytes(sha256(f"{salt}:{customer_id}".encode()).digest()) % BUCKETS
