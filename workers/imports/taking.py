"""A batch of rows taken in within one transaction: counted, and refused row by row."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from db.database import Transaction
from db.facts import record_facts
from db.profiles import upsert_customers
from db.tags import add_tags
from domain.bulk import RowError
from domain.facts import Fact, Outcome
from domain.imports import CustomerRow
from domain.refusals import Refused
from workers.imports.batches import Batch, Reader


@dataclass(slots=True)
class Taken:
    """counts by outcome (new, unchanged, changed, refused), and why rows were refused."""

    counts: Counter[str] = field(default_factory=lambda: Counter(dict.fromkeys(map(str.lower, Outcome), 0)))
    errors: list[RowError] = field(default_factory=list)

    def add(self, more: "Taken") -> None:
        self.counts.update(more.counts)
        self.errors += more.errors


Answer = tuple[Outcome, Refused | None]


async def take_in(tx: Transaction, reader: Reader, batch: Batch, now: datetime) -> Taken:
    """Writes what the batch says; repeating it writes nothing."""
    facts = [row for _, row in batch.rows if isinstance(row, Fact)]
    customers = [row for _, row in batch.rows if isinstance(row, CustomerRow)]
    answers = await _take_facts(tx, facts, now) if facts else await _take_customers(tx, customers, now)
    taken = Taken(errors=list(batch.errors))
    for (number, _), (outcome, refusal) in zip(batch.rows, answers, strict=True):
        taken.counts[outcome.lower()] += 1
        if refusal:
            taken.errors.append(reader.error(number, refusal))
    taken.counts["refused"] += len(batch.errors)
    taken.errors.sort(key=lambda error: error.row_number)
    return taken


async def _take_facts(tx: Transaction, facts: Sequence[Fact], now: datetime) -> list[Answer]:
    recorded = await record_facts(tx, facts, now, create_missing=True)
    return [(each.outcome, each.refusal) for each in recorded]


async def _take_customers(tx: Transaction, rows: Sequence[CustomerRow], now: datetime) -> list[Answer]:
    upserted = await upsert_customers(tx, [row.change for row in rows], now)
    given = [(each.customer_id, tag) for row, each in zip(rows, upserted, strict=True) for tag in row.tags]
    tagged = await add_tags(tx, [(customer_id, tag) for customer_id, tag in given if customer_id], now)
    return [
        (
            Outcome.CHANGED if each.outcome is Outcome.UNCHANGED and each.customer_id in tagged else each.outcome,
            each.refusal,
        )
        for each in upserted
    ]
