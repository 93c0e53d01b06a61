"""Whether everything that a condition names exists; a misspelt name would quietly match nobody, or everybody."""

from collections.abc import Callable, Iterable
from uuid import UUID

from db.database import Transaction
from db.statement import join, sql
from domain.conditions import Condition, brands_in, campaigns_in, segments_in, stages_in
from domain.refusals import Refused

# What is named, the table and column where it must be, and that column's type.
_NAMED: tuple[tuple[str, Callable[[Condition], Iterable[object]], str, str, str], ...] = (
    ("SEGMENT", segments_in, "segment", "id", "uuid"),
    ("STAGE", stages_in, "(select * from journey_stage where deleted_at is null)", "key", "text"),
    ("BRAND", brands_in, "brand", "id", "uuid"),
    ("CAMPAIGN", campaigns_in, "campaign", "id", "uuid"),
)


async def require_references(tx: Transaction, condition: Condition) -> None:
    """Refuses UNKNOWN_SEGMENT, UNKNOWN_STAGE, UNKNOWN_BRAND and UNKNOWN_CAMPAIGN."""
    missing = [
        sql(
            f"""
            select '{what}', named.name::text from unnest(:names::{type_}[]) named (name)
            where not exists (select from {table} t where t.organization_id = :organization and t.{column} = named.name)
            """,
            names=list(find(condition)),
            organization=tx.organization_id,
        )
        for what, find, table, column, type_ in _NAMED
    ]
    row = await tx.row(join(" union all ", missing))
    if row is not None:
        message = f"The condition names a {row[0].lower()} that does not exist: {row[1]}"
        raise Refused(f"UNKNOWN_{row[0]}", message, ("condition",))


async def names_of(tx: Transaction, condition: Condition) -> dict[UUID, str]:
    """What the segments, brands and campaigns that the condition refers to are called."""
    ids = [*segments_in(condition), *brands_in(condition), *campaigns_in(condition)]
    if not ids:
        return {}
    rows = await tx.rows(_NAMES, ids=ids)
    return {row["id"]: row["name"] for row in rows}


_NAMES = " union all ".join(
    f"select id, name from {table} where organization_id = :organization and id = any(:ids::uuid[])"
    for table in ("segment", "brand", "campaign")
)
