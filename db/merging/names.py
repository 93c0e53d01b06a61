"""Names after a merge: the kept one's profile, and what the merged one was called, which means the kept one now."""

from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from db.database import Transaction
from db.merging.sides import Sides
from domain.customers import PROFILE_FIELDS


async def keep_names(tx: Transaction, sides: Sides, lost: Sequence[tuple[str, str]]) -> None:
    """The names (kind, value) that are lost, and what had meant the merged one, mean the kept one; before they go."""
    for table in ("customer_alias", "customer_merge"):
        await tx.run(
            f"update {table} set customer_id = :kept where organization_id = :organization and customer_id = :merged",
            **sides.ids,
        )
    await tx.run(
        """
        insert into customer_alias (organization_id, kind, value, customer_id, created_at)
        select :organization, n.kind, n.value, :kept, :now from unnest(:kinds::text[], :values::text[]) n (kind, value)
        order by n.kind, n.value
        on conflict (organization_id, kind, value) do update set customer_id = excluded.customer_id
        """,
        kinds=[kind for kind, _ in lost],
        values=[value for _, value in lost],
        now=sides.now,
        kept=sides.kept,
    )


async def write_profile(tx: Transaction, sides: Sides, profile: Mapping[str, Any]) -> None:
    """After the merged one is gone: no two customers have one name."""
    values = {name: orjson.dumps(value).decode() if name == "attributes" else value for name, value in profile.items()}
    assignments = ", ".join(f"{name} = :{name}{_CASTS.get(name, '::text')}" for name in PROFILE_FIELDS)
    await tx.run(
        f"""
        update customer set {assignments}, version = version + 1, updated_at = :now
        where organization_id = :organization and id = :kept
        """,
        kept=sides.kept,
        now=sides.now,
        **values,
    )


_CASTS = {"date_of_birth": "::date", "acquired_at": "::timestamptz", "attributes": "::text::jsonb"}
