"""Rows on their way in, as a statement that other statements join: parameters for a few, COPY for many."""

from collections.abc import Mapping, Sequence
from typing import Any

from db.database import Transaction
from db.statement import Statement, sql

# Below this a temporary table costs more than it saves, and single events would churn the catalogue.
FEW = 250


async def staged(tx: Transaction, name: str, columns: Mapping[str, str], rows: Sequence[Sequence[Any]]) -> Statement:
    """A statement that yields `rows`; `columns` gives name and type (JSON is staged as text, cast it where used).

    name: of the temporary table, which is empty when the transaction ends; stage each name once in a transaction at a
    time, always with the same columns.
    """
    if len(rows) <= FEW:
        return _parameters(columns, rows)
    declared = ", ".join(f"{column} {kind}" for column, kind in columns.items())
    # The table stays with the connection: made anew each time, every plan that reads it would be, too.
    if not await tx.value("select to_regclass(:name) is not null", name=f"pg_temp.{name}"):
        await tx.run(f"create temporary table {name} ({declared}) on commit delete rows")
    await tx.run(f"delete from {name}")
    await tx.copy(name, list(columns), rows)
    return Statement(f"select * from {name}")


def _parameters(columns: Mapping[str, str], rows: Sequence[Sequence[Any]]) -> Statement:
    arrays = zip(*rows, strict=True) if rows else ((),) * len(columns)
    bound = {f"v{i}": list(array) for i, array in enumerate(arrays)}
    lists = ", ".join(f":v{i}::{kind}[]" for i, kind in enumerate(columns.values()))
    return sql(f"select * from unnest({lists}) as given({', '.join(columns)})", **bound)
