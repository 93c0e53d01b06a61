"""Whose memberships are not what the conditions say: one pass over the customers for the segments of a word."""

from collections.abc import Sequence

from db.conditions import Scope, verdicts
from db.database import Transaction
from db.segments.records import Segment
from db.slices import among
from db.statement import Statement, sql
from domain.conditions import parse

# Segments whose bits are in one number, and so the most conditions in one scan; the migration's word_of says the same.
WORD = 60
# Customers whose difference is read at a time.
READ = 100_000


def place(segment: Segment) -> tuple[str, int]:
    """Whom a segment looks at, and which word its bit is in."""
    return str(segment.brand_id), _slot(segment) // WORD


def _slot(segment: Segment) -> int:
    assert segment.slot is not None, "every automatic segment has one"
    return segment.slot


def bit(segment: Segment) -> int:
    return 1 << _slot(segment) % WORD


async def differing(tx: Transaction, segments: Sequence[Segment], scope: Scope) -> Statement:
    """customer_id, wanted and members: whose bits are not those of their memberships, at most READ of them."""
    names = {f"s{number}": segment for number, segment in enumerate(segments)}
    return sql(
        _DIFFERING,
        verdicts=verdicts({name: parse(segment.condition) for name, segment in names.items()}, scope),
        mask=Statement(" | ".join(f"case when v.{n} then {bit(s)}::bigint else 0 end" for n, s in names.items())),
        decided=sql(
            _DECIDED if await _has_decisions(tx, segments) else "select customer_id, mask from ruled",
            tenant=scope.tenant,
            ids=[segment.id for segment in segments],
            each_bit=[bit(segment) for segment in segments],
        ),
        # Without a brand nobody is out of scope; who has left a brand's customers is in no verdict.
        side=Statement("left" if scope.brand_id is None else "full"),
        word=Statement(str(_slot(segments[0]) // WORD)),
        bits=Statement(f"{sum(map(bit, segments))}::bigint"),
        tenant=scope.tenant,
        among=among("k.customer_id", scope.candidates) if scope.candidates else Statement("true"),
        most=Statement(str(READ)),
    )


async def _has_decisions(tx: Transaction, segments: Sequence[Segment]) -> bool:
    found: bool = await tx.value(
        "select exists (select from segment_override "
        "where organization_id = :organization and segment_id = any(:ids::uuid[]))",
        ids=[segment.id for segment in segments],
    )
    return found


# What somebody decided wins over the rules; few are decided about.
_DECIDED = """
    select r.customer_id, (r.mask | coalesce(d.included, 0)) & ~coalesce(d.excluded, 0) as mask
    from ruled r left join (
        select o.customer_id, bit_or(case o.mode when 'INCLUDE' then b.bit else 0 end) as included,
               bit_or(case o.mode when 'EXCLUDE' then b.bit else 0 end) as excluded
        from segment_override o
        join unnest(:ids::uuid[], :each_bit::bigint[]) b (segment_id, bit) on b.segment_id = o.segment_id
        where o.organization_id = :tenant
        group by o.customer_id) d on d.customer_id = r.customer_id
"""

# Few differ, which the planner does not expect of `<>`: it would choose what finds the first of them soonest, and reads
# everybody in the order of an index, as if it could stop at the limit.
_DIFFERING = """
with verdict as (:verdicts),
ruled as (
    select v.customer_id, :mask as mask from verdict v
),
wanted as (:decided),
stored as (
    select k.customer_id, k.mask & :bits as mask from segment_mask k
    where k.organization_id = :tenant and k.word = :word and :among
)
select coalesce(w.customer_id, k.customer_id) as customer_id, coalesce(w.mask, 0) as wanted,
       coalesce(k.mask, 0) as members
from wanted w :side join stored k on k.customer_id = w.customer_id
where (coalesce(w.mask, 0) = coalesce(k.mask, 0))::integer = 0
limit :most
"""
