"""Rows on their way in, as a statement that other statements join: parameters for a few, COPY for many."""

from collections.abc import Mapping, Sequence
from typing import Any

from db.database import Transaction
from db.statement import Statement, sql

# Below this a temporary table costs more than it saves, and single events would churn the catalogue.
FEW = 250


async def staged(tx: Transaction, name: str, columns: Mapping[str, str], rows: Sequence[Sequence[Any]]) -> Statement:
    """A statement that yields `rows`; `columns` gives name and type (JSON is staged as text, cast it where used).

    name: of the temporary table, which ends with the transaction; stage each name once in a transaction at a time.
    """
    if len(rows) <= FEW:
        return _parameters(columns, rows)
    declared = ", ".join(f"{column} {kind}" for column, kind in columns.items())
    await tx.run(f"create temporary table if not exists {name} ({declared}) on commit drop")
    await tx.run(f"delete from {name}")
    await tx.copy(name, list(columns), rows)
    return Statement(f"select * from {name}")


def _parameters(columns: Mapping[str, str], rows: Sequence[Sequence[Any]]) -> Statement:
    arrays = zip(*rows, strict=True) if rows else ((),) * len(columns)
    bound = {f"v{i}": list(array) for i, array in enumerate(arrays)}
    lists = ", ".join(f":v{i}::{kind}[]" for i, kind in enumerate(columns.values()))
    return sql(f"select * from unnest({lists}) as given({', '.join(columns)})", **bound)
