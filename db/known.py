"""What a template may say about a customer whom no message is on its way to yet."""

from dataclasses import fields
from typing import Any
from uuid import UUID

from db.database import Transaction
from db.deliveries import Recipient
from db.records import EXPRESSION

# Of a recipient, what is the customer's and not the message's.
_KNOWN = {field.name: field.metadata[EXPRESSION] for field in fields(Recipient) if EXPRESSION in field.metadata}


async def known_customer(tx: Transaction, customer_id: UUID) -> dict[str, Any] | None:
    """By name, as for a recipient; None when there is no such customer."""
    columns = ", ".join(f"{expression} as {name}" for name, expression in _KNOWN.items())
    row = await tx.row(
        f"""
        select {columns}
        from customer c
        left join customer_metrics x on x.organization_id = :organization and x.customer_id = c.id
                                    and x.brand_id is null
        where c.organization_id = :organization and c.id = :id
        """,
        id=customer_id,
    )
    return None if row is None else dict(row)
