"""Clicks of people and answers are activity of their customers: once each, in whatever order they come."""

import asyncio
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from db.clock import database_time
from db.database import Database, Transaction
from db.metrics import COMPUTED, computed_metrics
from db.organizations import current_organization
from db.results.events import take_back
from db.results.inbound import take_answers
from domain.consents import Channel
from domain.events import EVENTS, EventType
from domain.ids import new_id
from domain.results.activity import fact_key
from domain.results.callbacks import Inbound
from domain.results.returns import Returned, ReturnType
from tests.campaigns import Shop, open_shop
from tests.db.merging.merges import merge
from tests.receiver import listen
from tests.results import SENT, sent_messages, take, told

T = ReturnType
_OF_FACTS = (EventType.FACT_RECORDED, EventType.FACT_WITHDRAWN)


@pytest.fixture
async def shop(database: Database, organization: UUID) -> Shop:
    return await open_shop(database, organization)


def at(seconds: float) -> datetime:
    return SENT + timedelta(seconds=seconds)


async def activity(shop: Shop, customer: UUID) -> dict[UUID | None, datetime | None]:
    """The last activity by brand, None for all of them."""
    rows = await shop.rows(
        "select brand_id, last_activity_at from customer_metrics "
        "where organization_id = :organization and customer_id = :id",
        id=customer,
    )
    return {row["brand_id"]: row["last_activity_at"] for row in rows}


async def facts(shop: Shop) -> list[tuple[Any, ...]]:
    rows = await shop.rows(
        "select customer_id, kind, occurred_at from fact where organization_id = :organization "
        "order by occurred_at, key"
    )
    return [tuple(row) for row in rows]


async def as_computed(shop: Shop) -> None:
    """The maintained rows are those that a full computation gives."""
    names = ", ".join(("customer_id", "brand_id", *COMPUTED))
    async with shop.database.tenant(shop.organization) as tx:
        found = await current_organization(tx)
        full = computed_metrics(found, await database_time(tx), each_brand=True)
        kept = f"select {names} from customer_metrics where organization_id = :organization"
        assert {*await tx.rows(kept)} == {*await tx.rows(f"select {names} from (:full) f", full=full)}


async def one(shop: Shop, **said: Any) -> tuple[UUID, UUID]:
    """A customer and a message to them."""
    (customer,) = await shop.customers([f"c{new_id()}"])
    _, (message,) = await sent_messages(shop, [customer], **said)
    return customer, message


async def test_clicks_and_answers_are_activity_of_the_brand_and_of_all(shop: Shop) -> None:
    customer, message = await one(shop)
    for type_, seconds in ((T.CLICKED, 90), (T.REPLIED, 200)):
        await shop.rows("delete from dirty_customer where organization_id = :organization")
        await take(shop, told(message, type_, seconds))
        assert await activity(shop, customer) == {None: at(seconds), shop.brand: at(seconds)}
        marks = await shop.rows("select customer_id, changed from dirty_customer")
        kind = {T.CLICKED: "CLICK", T.REPLIED: "INBOUND_MESSAGE"}[type_]
        assert {row["customer_id"] for row in marks} == {customer}
        assert f"fact:{kind}" in {name for row in marks for name in row["changed"]}
    await as_computed(shop)


async def test_opens_deliveries_and_unsubscribing_are_none(shop: Shop) -> None:
    _, message = await one(shop)
    await take(shop, *[told(message, type_, 90) for type_ in T if type_ not in (T.CLICKED, T.REPLIED)])
    assert await facts(shop) == []


async def test_what_machines_tests_and_messages_that_were_never_sent_bring_back_is_none(shop: Shop) -> None:
    _, ours = await one(shop)
    _, trial = await one(shop, is_test=True)
    _, queued = await one(shop, status="QUEUED", sending_at=None, sent_at=None)
    _, scanned = await one(shop)
    await take(shop, told(ours, T.CLICKED, 90, is_machine=True), told(trial, T.CLICKED), told(trial, T.REPLIED))
    await take(shop, told(queued, T.CLICKED), told(scanned, T.DELIVERED, 5), told(scanned, T.CLICKED, 6))
    assert await facts(shop) == []


async def test_a_click_that_turns_out_to_be_a_machines_is_taken_back(shop: Shop) -> None:
    customer, message = await one(shop)
    await take(shop, told(message, T.CLICKED, 6))
    await take(shop, told(message, T.CLICKED, 6.5))
    assert [fact[2] for fact in await facts(shop)] == [at(6), at(6.5)]
    await take(shop, told(message, T.CLICKED, 90))
    await shop.rows("delete from dirty_customer where organization_id = :organization")
    await take(shop, told(message, T.DELIVERED, 5))
    assert await facts(shop) == [(customer, "CLICK", at(90))]
    assert (await shop.rows("select distinct customer_id from dirty_customer"))[0][0] == customer
    await as_computed(shop)


async def test_who_was_told_of_such_a_click_is_told_that_it_is_taken_back(shop: Shop) -> None:
    await listen(shop.database, shop.organization, "https://example.com/hook", *_OF_FACTS)
    customer, message = await one(shop)
    await take(shop, told(message, T.CLICKED, 6), told(message, T.CLICKED, 90))
    ids = {row["occurred_at"]: str(row["id"]) for row in await shop.rows("select id, occurred_at from fact")}
    for _ in range(2):
        await take(shop, told(message, T.DELIVERED, 5))
    rows = await shop.rows("select type, data from outbox_event where organization_id = :organization")
    heard = sorted((row["type"], row["data"]["eventId"]) for row in rows)
    assert heard == sorted([("FACT_RECORDED", id_) for id_ in ids.values()] + [("FACT_WITHDRAWN", ids[at(6)])])
    (withdrawn,) = [row["data"] for row in rows if row["type"] == "FACT_WITHDRAWN"]
    assert withdrawn == {"eventId": ids[at(6)], "customerId": str(customer), "kind": "CLICK"}
    assert set(withdrawn) == set(EVENTS[EventType.FACT_WITHDRAWN].keys)


CALLBACKS: list[tuple[ReturnType, float, dict[str, Any]]] = [
    (T.DELIVERED, 5, {}),
    (T.DELIVERED, 300, {}),
    (T.OPENED, 60, {}),
    (T.CLICKED, 6, {}),
    (T.CLICKED, 90, {}),
    (T.CLICKED, 301, {}),
    (T.CLICKED, 400, {"is_machine": True}),
    (T.REPLIED, 140, {}),
    # Its name has blanks in it.
    (T.REPLIED, 500, {"is_machine": False}),
    (T.BOUNCED, 100, {}),
    (T.UNSUBSCRIBED, 130, {}),
]


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
async def test_every_order_and_repetition_gives_the_same_facts(shop: Shop, data: st.DataObject) -> None:
    chosen = data.draw(st.lists(st.sampled_from(CALLBACKS), min_size=1, max_size=7, unique_by=lambda c: c[:2]))
    ways = data.draw(st.lists(st.permutations(chosen), min_size=2, max_size=2))
    repeated = data.draw(st.lists(st.sampled_from(chosen), max_size=4))
    results = []
    for way in [ways[0], [*ways[1], *repeated]]:
        customer, message = await one(shop)
        rest = [told(message, type_, seconds, **said) for type_, seconds, said in way]
        while rest:
            size = data.draw(st.integers(1, 3))
            await take(shop, *rest[:size])
            rest = rest[size:]
        (row,) = await shop.rows("select clicked_at, replied_at from message where id = :id", id=message)
        told_of = [(kind, when) for who, kind, when in await facts(shop) if who == customer]
        # The first ones are what the message itself says of it.
        assert min((when for kind, when in told_of if kind == "CLICK"), default=None) == row["clicked_at"]
        assert min((when for kind, when in told_of if kind != "CLICK"), default=None) == row["replied_at"]
        found = await activity(shop, customer)
        assert found.get(None) == found.get(shop.brand) == max((when for _, when in told_of), default=None)
        results.append(told_of)
    assert results[0] == results[1]


async def test_who_is_merged_takes_their_activity_along(shop: Shop) -> None:
    merged, message = await one(shop)
    kept, _ = await one(shop)
    await take(shop, told(message, T.CLICKED, 90))
    assert await merge(shop.database, shop.organization, merged, kept) == "DONE"
    again = await take(shop, told(message, T.CLICKED, 90))
    assert again == 0
    await take(shop, told(message, T.REPLIED, 120))
    assert [(fact[0], fact[1]) for fact in await facts(shop)] == [(kept, "CLICK"), (kept, "INBOUND_MESSAGE")]
    assert await activity(shop, kept) == {None: at(120), shop.brand: at(120)}
    await as_computed(shop)


async def test_nothing_is_kept_of_who_was_deleted(shop: Shop) -> None:
    customer, message = await one(shop)
    await take(shop, told(message, T.CLICKED, 90))
    await shop.rows("delete from customer where organization_id = :organization and id = :id", id=customer)
    await take(shop, told(message, T.CLICKED, 500), told(message, T.REPLIED, 600))
    assert await facts(shop) == []


async def test_at_once_with_merges_and_each_other_nothing_is_lost_or_doubled(shop: Shop) -> None:
    pairs = [await one(shop) for _ in range(12)]
    kept = pairs[0][0]

    async def told_of(type_: ReturnType, seconds: float, step: int) -> None:
        events = [told(message, type_, seconds) for _, message in pairs[::step]]

        async def work(tx: Transaction) -> int:
            return await take_back(tx, events, shop.key)

        # As providers do: a callback that was not taken comes again.
        while True:
            with suppress(asyncpg.SerializationError, asyncpg.DeadlockDetectedError):
                await shop.database.attempt(shop.organization, work)
                return

    events = [(T.CLICKED, 6), (T.DELIVERED, 5), (T.CLICKED, 90), (T.REPLIED, 120)]
    calls = [told_of(*event, step) for event in events for step in (1, -1)]
    merges = [merge(shop.database, shop.organization, customer, kept) for customer, _ in pairs[1:5]]
    await asyncio.gather(*calls, *merges)
    expected = {pair[0] if n not in range(1, 5) else kept for n, pair in enumerate(pairs)}
    found = await facts(shop)
    assert {fact[0] for fact in found} == expected
    assert sorted((kind, when) for _, kind, when in found) == sorted(
        [("CLICK", at(90)), ("INBOUND_MESSAGE", at(120))] * len(pairs)
    )
    await as_computed(shop)


def text(number: str, words: str = "hello", name: str = "1") -> Inbound:
    return Inbound("twilio", f"inbound:{name}", Channel.SMS, number, at(50), words)


async def written(shop: Shop, *answers: Inbound, brand: UUID | None = None) -> list[tuple[Any, ...]]:
    async with shop.database.tenant(shop.organization) as tx:
        await take_answers(tx, answers, shop.key, brand)
    return await facts(shop)


async def test_who_writes_by_themselves_is_active_if_it_is_known_who_they_are(shop: Shop) -> None:
    ann, bob, cid = await shop.customers(["ann", "bob", "cid"])
    await shop.rows(
        "update customer c set phone = p.phone, email = p.email from unnest(:ids::uuid[], :phones::text[], "
        ":emails::text[]) p (id, phone, email) where c.organization_id = :organization and c.id = p.id",
        ids=[ann, bob, cid],
        phones=["+491701", "+491702", "+491702"],
        emails=["ann@x.example", "bob@x.example", "cid@x.example"],
    )
    assert await written(shop, text("+491703"), text("+491702", name="2"), text("+491701", "STOP", "3")) == []
    mail = Inbound("mail", "inbound:m", Channel.EMAIL, "bob@x.example", at(60))
    nobody = Inbound("mail", "inbound:n", Channel.EMAIL, "dee@x.example", at(60))
    expected = [(ann, "INBOUND_MESSAGE", at(50)), (bob, "INBOUND_MESSAGE", at(60))]
    for _ in range(2):
        assert await written(shop, text("+491701", name="4"), mail, nobody, brand=shop.brand) == expected
    assert await activity(shop, ann) == {None: at(50), shop.brand: at(50)}


async def test_an_answer_counts_once_however_it_is_told(shop: Shop) -> None:
    customer, message = await one(shop, channel="SMS")
    await shop.rows("update message set address = '+491701' where organization_id = :organization")
    answer = text("+491701")
    for _ in range(2):
        assert await written(shop, answer) == [(customer, "INBOUND_MESSAGE", at(50))]
    reply = Returned(answer.provider, answer.event_id, T.REPLIED, answer.at, message)
    assert await take(shop, reply) == 0
    assert len(await facts(shop)) == 1


@pytest.mark.parametrize("name", ["short", "x" * 400, "with a blank", "ü", "<a@b>\t"])
async def test_whatever_an_event_is_named_its_fact_is_found_again(shop: Shop, name: str) -> None:
    _, message = await one(shop)
    await take(shop, told(message, T.REPLIED, event_id=name))
    await take(shop, told(message, T.REPLIED, 90, event_id="another"))
    await shop.rows("delete from fact where key like '%another' and organization_id = :organization")
    rows = await shop.rows("select key from fact where organization_id = :organization")
    assert [row["key"] for row in rows] == [fact_key("sendgrid", name)]
