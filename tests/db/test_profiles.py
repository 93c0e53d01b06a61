"""Profiles are made and changed by sets: only what was given, refused one by one, the same however it is split."""

import asyncio
import random
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from db.database import Database, Transaction
from db.facts import record_facts
from db.organizations import create_organization
from db.profiles import Upserted, delete_customer, update_customer, upsert_customers
from db.tags import add_tags, remove_tags
from domain.customers import CustomerReference, ProfileChange, profile_change
from domain.ids import new_id
from domain.refusals import Refused
from tests.facts import NOON, told


def change(customer: str, **fields: Any) -> ProfileChange:
    return profile_change(CustomerReference(external_id=customer), fields)


def change_of(address: str, **fields: Any) -> ProfileChange:
    return profile_change(CustomerReference(email=address), fields)


async def upsert(
    database: Database, organization: UUID, *changes: ProfileChange, now: datetime = NOON
) -> list[Upserted]:
    async def work(tx: Transaction) -> list[Upserted]:
        return await upsert_customers(tx, changes, now)

    return await database.attempt(organization, work)


def said(upserted: Sequence[Upserted]) -> list[str]:
    return [each.refusal.code if each.refusal else each.outcome.value for each in upserted]


async def profiles(database: Database, organization: UUID, *names: str) -> list[tuple[Any, ...]]:
    listed = ", ".join(names) or "*"
    async with database.tenant(organization) as tx:
        query = f"select {listed} from customer where organization_id = :organization order by external_id, email"
        return [tuple(row) for row in await tx.rows(query)]


async def test_a_new_customer_has_what_was_given(database: Database, organization: UUID) -> None:
    given: Mapping[str, Any] = {
        "kind": "BUSINESS",
        "name": "Ada",
        "email": "Ada@Example.com",
        "phone": "+49 170 1234567",
        "date_of_birth": date(1915, 12, 10),
        "timezone": "Europe/London",
        "locale": "en-GB",
        "loyalty_level": "gold",
        "city": "London",
        "state": "Greater London",
        "country": "GB",
        "attributes": {"shoes": 38.5, "likes": ["maths"]},
        "acquired_at": datetime(2020, 1, 1, tzinfo=UTC),
    }
    assert said(await upsert(database, organization, change("ada", **given))) == ["NEW"]
    expected = {**given, "email": "ada@example.com", "phone": "+491701234567"}
    assert await profiles(database, organization, *expected) == [tuple(expected.values())]


async def test_only_what_is_given_changes_and_the_version_only_with_it(database: Database, organization: UUID) -> None:
    await upsert(database, organization, change("ada", name="Ada", city="London", attributes={"a": 1, "b": 2}))
    later = NOON + timedelta(days=1)
    before = await profiles(database, organization)
    assert said(await upsert(database, organization, change("ada", name="Ada"), now=later)) == ["UNCHANGED"]
    assert await profiles(database, organization) == before
    renamed = change("ada", name="Countess", city=None, attributes={"b": None, "c": 3})
    assert said(await upsert(database, organization, renamed, now=later)) == ["CHANGED"]
    stored = await profiles(
        database, organization, "name", "city", "attributes", "version", "acquired_at", "updated_at"
    )
    assert stored == [("Countess", None, {"a": 1, "c": 3}, 2, NOON, later)]


async def test_a_batch_answers_as_one_after_another_would(database: Database, organization: UUID) -> None:
    await upsert(database, organization, change("ada", email="a@x.com"), change("bob"))
    batch = [
        change("ada", name="Ada"),
        change("ada", name="Ada"),
        change("cid", email="c@x.com"),
        change_of("c@x.com", name="Cid"),
        change_of("d@x.com"),
        change("eve", name="Eve", email="d@x.com"),
        change("bob", external_id="ada"),
        change("bob", email="a@x.com", name="Bob"),
        profile_change(CustomerReference(id=new_id()), {"name": "Nobody"}),
        change("bob", name="Bob"),
    ]
    expected = ["CHANGED", "UNCHANGED", "NEW", "CHANGED", "NEW", "EMAIL_TAKEN", "EXTERNAL_ID_TAKEN", "EMAIL_TAKEN"]
    assert said(await upsert(database, organization, *batch)) == [*expected, "NOT_FOUND", "CHANGED"]
    assert await profiles(database, organization, "external_id", "email", "name", "version") == [
        ("ada", "a@x.com", "Ada", 2),
        ("bob", None, "Bob", 2),
        ("cid", "c@x.com", "Cid", 1),
        (None, "d@x.com", None, 1),
    ]


async def test_an_address_given_up_in_a_batch_is_free_after_it(database: Database, organization: UUID) -> None:
    await upsert(database, organization, change("ada", email="a@x.com"), change("bob"))
    swap = [change("ada", email="new@x.com"), change("bob", email="a@x.com")]
    assert said(await upsert(database, organization, *swap)) == ["CHANGED", "EMAIL_TAKEN"]
    assert said(await upsert(database, organization, *swap)) == ["UNCHANGED", "CHANGED"]


async def test_an_address_of_another_organization_is_free(database: Database, organization: UUID) -> None:
    other = new_id()
    async with database.tenant(other) as tx:
        await create_organization(tx, name="Other", slug=f"other-{other}")
    for each in (organization, other):
        assert said(await upsert(database, each, change("ada", email="a@x.com"))) == ["NEW"]


async def test_changes_owe_an_evaluation_and_repetitions_do_not(database: Database, organization: UUID) -> None:
    await upsert(database, organization, change("ada", name="Ada"), change("bob"))
    async with database.tenant(organization) as tx:
        await tx.run("delete from dirty_customer where organization_id = :organization")
    await upsert(database, organization, change("ada", name="Ada"), change("bob", name="Bob"))
    dirty = (
        "select c.external_id from dirty_customer d join customer c on c.id = d.customer_id "
        "where d.organization_id = :organization"
    )
    async with database.tenant(organization) as tx:
        assert [row[0] for row in await tx.rows(dirty)] == ["bob"]


async def test_a_stale_update_changes_nothing(database: Database, organization: UUID) -> None:
    [made] = await upsert(database, organization, change("ada", name="Ada"))
    assert made.customer_id
    async with database.tenant(organization) as tx:
        await update_customer(tx, made.customer_id, {"name": "Countess"}, NOON, expected_version=1)
    before = await profiles(database, organization)
    with pytest.raises(Refused) as refused:
        async with database.tenant(organization) as tx:
            await update_customer(tx, made.customer_id, {"name": "Ada"}, NOON, expected_version=1)
    assert (refused.value.code, refused.value.field) == ("STALE", ("expected_version",))
    with pytest.raises(Refused) as refused:
        async with database.tenant(organization) as tx:
            await update_customer(tx, new_id(), {"name": "Ada"}, NOON, expected_version=1)
    assert refused.value.code == "NOT_FOUND"
    assert await profiles(database, organization) == before


async def test_deleting_takes_everything_along(database: Database, organization: UUID) -> None:
    async with database.tenant(organization) as tx:
        [recorded, _] = await record_facts(tx, [told(), told(key="2", customer="bob")], NOON, create_missing=True)
        assert recorded.customer_id
        await add_tags(tx, [(recorded.customer_id, "vip")], NOON)
    async with database.tenant(organization) as tx:
        assert await delete_customer(tx, recorded.customer_id)
        assert not await delete_customer(tx, recorded.customer_id)
        for table in ("customer", "fact", "customer_metrics", "dirty_customer"):
            left = await tx.value(f"select count(*) from {table} where organization_id = :organization")
            assert (table, left) == (table, 1)


async def test_tags_are_put_on_and_taken_off_once(database: Database, organization: UUID) -> None:
    ada, bob = (each.customer_id for each in await upsert(database, organization, change("ada"), change("bob")))
    assert ada
    assert bob
    async with database.tenant(organization) as tx:
        tags = [(ada, "vip"), (ada, "vip"), (bob, "vip"), (bob, "new"), (new_id(), "vip")]
        assert await add_tags(tx, tags, NOON) == {ada, bob}
        assert await add_tags(tx, [(ada, "vip")], NOON) == set()
        assert await add_tags(tx, [(ada, "vip"), (ada, "gold")], NOON) == {ada}
        await tx.run("delete from dirty_customer where organization_id = :organization")
        assert await remove_tags(tx, [(ada, "vip"), (ada, "unknown")], NOON) == {ada}
        assert await remove_tags(tx, [(ada, "vip")], NOON) == set()
        dirty = await tx.rows("select customer_id from dirty_customer where organization_id = :organization")
        assert [row[0] for row in dirty] == [ada]


NAMES = st.sampled_from(["a", "b", "c"])
ADDRESSES = st.sampled_from(["a@x.com", "b@x.com"])
CHANGES = st.builds(
    lambda customer, fields: change(customer, **fields),
    NAMES,
    st.fixed_dictionaries({}, optional={"name": NAMES, "email": ADDRESSES, "city": st.none() | NAMES}),
)


@settings(max_examples=50, deadline=None)
@given(st.lists(CHANGES, min_size=1, max_size=8))
async def test_a_batch_is_as_good_as_one_by_one_unless_an_address_is_given_up(
    database: Database, changes: list[ProfileChange]
) -> None:
    ends = []
    for batches in ([changes], [[each] for each in changes]):
        organization = new_id()
        async with database.tenant(organization) as tx:
            await create_organization(tx, name="Test", slug=f"test-{organization}")
        answers = [answer for batch in batches for answer in said(await upsert(database, organization, *batch))]
        ends.append((answers, await profiles(database, organization, "external_id", "email", "name", "city")))
    given_up = len({each.fields["email"] for each in changes if "email" in each.fields}) > 1
    assert ends[0] == ends[1] or given_up


async def test_writers_of_the_same_customers_lose_nothing_of_each_other(database: Database, organization: UUID) -> None:
    names = [f"c{number}" for number in range(200)]

    async def write(seed: int) -> None:
        shuffled = random.Random(seed).sample(names, len(names))
        for start in range(0, len(names), 50):
            batch = shuffled[start : start + 50]
            await upsert(database, organization, *(change(name, attributes={f"w{seed}": 1}) for name in batch))

    await asyncio.gather(*(write(seed) for seed in range(6)))
    everybodys = {f"w{seed}": 1 for seed in range(6)}
    stored = await profiles(database, organization, "external_id", "version", "attributes")
    assert stored == [(name, 6, everybodys) for name in sorted(names)]
