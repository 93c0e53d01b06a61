"""Whom a change concerns: only those are evaluated of whom something changed that somebody reads."""

from uuid import UUID

from db.database import Database, Transaction
from db.dirty_customers import settled, unsettled
from db.facts import record_facts
from db.segments.concerned import readers
from tests.facts import NOON, told
from tests.segments import add_segment, city

RICH = {"number": {"field": "lifetimeValue", "is": {"gte": "20"}}}
SIGNED_UP = {"fact": {"kind": "CUSTOM", "name": "signed up", "aggregate": "COUNT", "is": {"gte": "1"}}}


async def _owed(tx: Transaction) -> tuple[list[UUID], frozenset[str] | None]:
    owed = await unsettled(tx, 100)
    assert owed
    await settled(tx, owed)
    return (await readers(tx)).choose(owed.changed)


async def _names(tx: Transaction, ids: list[UUID]) -> set[str]:
    return {row[0] for row in await tx.rows("select external_id from customer where id = any(:ids)", ids=ids)}


async def test_customers_told_of_in_one_batch_are_told_apart(database: Database, organization: UUID) -> None:
    viewing = [told("CUSTOM", f"view {name}", name) for name in ("ada", "bob", "cyd")]
    async with database.tenant(organization) as tx:
        await add_segment(tx, "rich", RICH)
        await record_facts(tx, viewing, NOON, create_missing=True)
        # Of new customers anything may be asked.
        everybody, changed = await _owed(tx)
        assert (len(everybody), changed) == (3, None)
        again = [told("CUSTOM", f"again {name}", name) for name in ("ada", "bob", "cyd")]
        await record_facts(tx, [*again, told("ORDER", "1", "ada")], NOON)
        customers, changed = await _owed(tx)
        assert await _names(tx, customers) == {"ada"}
        assert changed is not None
        found = await readers(tx)
        assert len(found.segments_concerned(changed) or []) == 1
        await add_segment(tx, "signed-up", SIGNED_UP)
        await record_facts(tx, [told("CUSTOM", "once more", "bob"), told("ORDER", "2", "ada")], NOON)
        assert await _names(tx, (await _owed(tx))[0]) == {"ada", "bob"}


async def test_what_several_marks_say_of_a_customer_counts_together(database: Database, organization: UUID) -> None:
    async with database.tenant(organization) as tx:
        await add_segment(tx, "rome", city("Rome"))
        await record_facts(tx, [told("CUSTOM", "first", "ada")], NOON, create_missing=True)
        await _owed(tx)
        await record_facts(tx, [told("CUSTOM", "second", "ada")], NOON)
        assert (await _owed(tx))[0] == []
        await record_facts(tx, [told("CUSTOM", "third", "ada")], NOON)
        await record_facts(tx, [told("CUSTOM", "third", "ada", name="corrected")], NOON)
        customers, changed = await _owed(tx)
        assert (len(customers), changed) == (1, None)
