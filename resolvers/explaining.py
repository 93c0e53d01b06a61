"""Why a customer is or is not in a segment."""

from dataclasses import dataclass
from uuid import UUID

from db import segments
from db.conditions.explaining import explain as explain_condition
from db.conditions.explaining import only
from db.conditions.references import names_of
from db.customers import find_customer
from db.database import Transaction
from domain.conditions import parse
from domain.conditions.explanation import Explained
from resolvers.context import Context
from resolvers.preview import current_scope


@dataclass(frozen=True, slots=True)
class Explanation:
    """membership, override: None without one. tree: None for a manual segment, and for somebody out of scope, who is
    no customer of the segment's brand. names: of the segments, brands and campaigns that the condition refers to.
    """

    segment: segments.Segment
    customer_id: UUID
    membership: segments.Membership | None
    override: segments.Override | None
    tree: Explained | None
    names: dict[UUID, str]

    @property
    def matches(self) -> bool | None:
        """Whether the condition holds; None for a manual segment."""
        if self.segment.condition is None:
            return None
        return self.tree is not None and self.tree.holds


async def explain(context: Context, segment_id: UUID, predicate: str, value: object) -> Explanation | None:
    """None when there is no such segment or customer; predicate: a constant of db/customers.py."""

    async def work(tx: Transaction) -> Explanation | None:
        segment = await segments.find_segment(tx, segment_id)
        customer_id = await find_customer(tx, predicate, value)
        if segment is None or customer_id is None:
            return None
        tree, names = await _tree(context, tx, segment, customer_id)
        return Explanation(
            segment,
            customer_id,
            await segments.find_membership(tx, segment_id, customer_id),
            await segments.find_override(tx, segment_id, customer_id),
            tree,
            names,
        )

    return await context.read(work)


async def _tree(
    context: Context, tx: Transaction, segment: segments.Segment, customer_id: UUID
) -> tuple[Explained | None, dict[UUID, str]]:
    if segment.condition is None:
        return None, {}
    condition = parse(segment.condition)
    scope = await current_scope(tx, context.now, brand_id=segment.brand_id, candidates=only(customer_id))
    return await explain_condition(tx, condition, scope), await names_of(tx, condition)
