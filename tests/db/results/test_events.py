"""What comes back of messages: once each, in any order with the same result, many as one set."""

import asyncio
from datetime import timedelta
from itertools import permutations
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from db import deliveries
from db.database import Database, Transaction
from db.deliveries import Settled
from db.results.events import settle_waiting, take_back
from domain.ids import new_id
from domain.messages import MessageStatus, Verdict
from domain.results.returns import BounceKind, Returned, ReturnType
from tests.campaigns import Shop, open_shop
from tests.results import SENT, add_messages, message_row, sent_messages, take, told

T = ReturnType


@pytest.fixture
async def shop(database: Database, organization: UUID) -> Shop:
    return await open_shop(database, organization)


@pytest.fixture
async def message(shop: Shop) -> UUID:
    _, ids = await sent_messages(shop, await shop.customers(["ann"]))
    return ids[0]


async def another(shop: Shop, **said: Any) -> UUID:
    _, ids = await sent_messages(shop, await shop.customers([f"c{new_id()}"]), **said)
    return ids[0]


def at(seconds: float) -> Any:
    return SENT + timedelta(seconds=seconds)


async def test_each_thing_raises_the_message_to_its_rank(shop: Shop, message: UUID) -> None:
    seen = []
    for type_, seconds in [(T.ACCEPTED, 1), (T.DELIVERED, 5), (T.OPENED, 60), (T.CLICKED, 90)]:
        assert await take(shop, told(message, type_, seconds)) == 1
        seen.append((await message_row(shop, message))["status"])
    assert seen == ["SENT", "DELIVERED", "OPENED", "CLICKED"]
    row = await message_row(shop, message)
    assert [row[f"{name}_at"] for name in ("sent", "delivered", "opened", "clicked")] == [SENT, at(5), at(60), at(90)]


async def test_an_open_implies_the_delivery_and_a_click_the_open(shop: Shop, message: UUID) -> None:
    await take(shop, told(message, T.CLICKED, 90))
    row = await message_row(shop, message)
    assert (row["status"], row["delivered_at"], row["opened_at"]) == ("CLICKED", at(90), at(90))
    await take(shop, told(message, T.DELIVERED, 5))
    row = await message_row(shop, message)
    assert (row["status"], row["delivered_at"], row["opened_at"]) == ("CLICKED", at(5), at(90))


async def test_a_bounce_wins_and_the_facts_stay(shop: Shop, message: UUID) -> None:
    await take(shop, told(message, T.BOUNCED, 70), told(message, T.DELIVERED, 5), told(message, T.OPENED, 60))
    row = await message_row(shop, message)
    assert (row["status"], row["bounce_kind"], row["bounced_at"]) == ("BOUNCED", "HARD", at(70))
    assert (row["delivered_at"], row["opened_at"]) == (at(5), at(60))


async def test_machines_are_kept_apart(shop: Shop, message: UUID) -> None:
    await take(shop, told(message, T.DELIVERED, 5), told(message, T.OPENED, 6, is_machine=True))
    row = await message_row(shop, message)
    assert (row["status"], row["opened_at"], row["machine_opened_at"]) == ("DELIVERED", None, at(6))
    # While the mail comes in: nobody has read it by then.
    await take(shop, told(message, T.CLICKED, 6.5))
    row = await message_row(shop, message)
    assert (row["status"], row["clicked_at"], row["machine_clicked_at"]) == ("DELIVERED", None, at(6.5))
    await take(shop, told(message, T.CLICKED, 100))
    row = await message_row(shop, message)
    assert (row["status"], row["clicked_at"], row["opened_at"]) == ("CLICKED", at(100), at(100))


async def test_several_links_at_once_are_a_machine(shop: Shop, message: UUID) -> None:
    links = await links_of(shop, 3)
    await take(shop, *[told(message, T.CLICKED, 300 + n / 4, link_id=link) for n, link in enumerate(links[:2])])
    assert (await message_row(shop, message))["status"] == "CLICKED"
    await take(shop, told(message, T.CLICKED, 300.6, link_id=links[2]))
    row = await message_row(shop, message)
    assert (row["status"], row["clicked_at"], row["machine_clicked_at"]) == ("DELIVERED", None, at(300))


async def links_of(shop: Shop, number: int) -> list[UUID]:
    ids = [new_id() for _ in range(number)]
    await shop.rows(
        "insert into link (organization_id, id, template_id, template_version, url) "
        "select :organization, l, :template, 1, 'https://x.example/' || l from unnest(:ids::uuid[]) l",
        template=shop.template,
        ids=ids,
    )
    return ids


CALLBACKS: list[tuple[ReturnType, float, dict[str, Any]]] = [
    (T.ACCEPTED, 1, {}),
    (T.DELIVERED, 5, {}),
    (T.OPENED, 30, {"is_machine": True}),
    (T.OPENED, 60, {}),
    (T.CLICKED, 5.5, {}),
    (T.CLICKED, 90, {}),
    (T.BOUNCED, 95, {"bounce_kind": BounceKind.SOFT}),
    (T.BOUNCED, 100, {}),
    (T.COMPLAINED, 120, {}),
    (T.UNSUBSCRIBED, 130, {}),
    (T.REPLIED, 140, {}),
]
FIRST: dict[str, dict[str, Any]] = {
    "SENT": {},
    "UNCERTAIN": {"sent_at": None},
    "SENDING": {"sent_at": None},
    "FAILED": {"sent_at": None},
}


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
async def test_every_order_and_repetition_gives_the_same_row(shop: Shop, data: st.DataObject) -> None:
    chosen = data.draw(st.lists(st.sampled_from(CALLBACKS), min_size=1, max_size=6, unique_by=lambda c: c[:2]))
    ways = data.draw(st.lists(st.permutations(chosen), min_size=2, max_size=2))
    repeated = data.draw(st.lists(st.sampled_from(chosen), max_size=4))
    status = data.draw(st.sampled_from(sorted(FIRST)))
    rows = []
    for way in [ways[0], [*ways[1], *repeated]]:
        message = await another(shop, status=status, **FIRST[status])
        sizes = iter(data.draw(st.lists(st.integers(1, 4), min_size=len(way), max_size=len(way))))
        rest = [told(message, type_, seconds, **said) for type_, seconds, said in way]
        while rest:
            size = next(sizes)
            await take(shop, *rest[:size])
            rest = rest[size:]
        rows.append(await message_row(shop, message))
    assert rows[0] == rows[1]


async def test_all_orders_of_the_usual_callbacks(shop: Shop) -> None:
    usual = [(T.DELIVERED, 5), (T.OPENED, 60), (T.CLICKED, 90), (T.BOUNCED, 70)]
    rows = []
    for way in permutations(usual):
        message = await another(shop)
        for type_, seconds in way:
            await take(shop, told(message, type_, seconds))
        rows.append(await message_row(shop, message))
    assert all(row == rows[0] for row in rows)
    assert rows[0]["status"] == "BOUNCED"


async def test_the_same_event_again_has_no_effect(shop: Shop, message: UUID) -> None:
    event = told(message, T.BOUNCED, 5)
    assert await take(shop, event, event) == 1
    before = await shop.rows("select * from message where organization_id = :organization")
    await shop.rows("delete from suppression where organization_id = :organization")
    assert await take(shop, event) == 0
    assert await shop.rows("select * from message where organization_id = :organization") == before
    # Somebody has allowed the address again since: a late repetition does not undo that.
    assert await shop.rows("select 1 from suppression where organization_id = :organization") == []


@pytest.mark.parametrize("status", ["UNCERTAIN", "SENDING", "QUEUED", "FAILED"])
async def test_what_comes_back_proves_that_it_was_taken(shop: Shop, status: str) -> None:
    message = await another(shop, status=status, sent_at=None)
    await take(shop, told(message, T.DELIVERED, 5))
    row = await message_row(shop, message)
    assert (row["status"], row["sent_at"], row["delivered_at"]) == ("DELIVERED", SENT, at(5))


@pytest.mark.parametrize("status", ["QUEUED", "CLAIMED"])
async def test_nothing_comes_back_of_what_was_never_sent(shop: Shop, status: str) -> None:
    message = await another(shop, status=status, sent_at=None, sending_at=None)
    await take(shop, told(message, T.DELIVERED, 5))
    assert (await message_row(shop, message))["status"] == status


async def test_unknown_messages_and_those_of_others_have_no_effect(shop: Shop, database: Database) -> None:
    foreign = await another(shop)
    async with database.untenanted() as tx:
        assert tx.requested_jobs == []
    other = new_id()
    async with database.tenant(other) as tx:
        from db.organizations import create_organization

        await create_organization(tx, name="Other", slug=str(other))
        assert await take_back(tx, [told(foreign, T.BOUNCED), told(new_id(), T.OPENED)], shop.key) == 0
        assert await tx.value("select count(*) from suppression") == 0
    assert (await message_row(shop, foreign))["status"] == "SENT"


async def test_an_event_by_the_providers_name_waits_until_the_ledger_knows_it(shop: Shop) -> None:
    message = await another(shop, status="SENDING", sent_at=None)
    early = Returned("twilio", "SM1:delivered", T.DELIVERED, at(3), provider_message_id="SM1")
    assert await take(shop, early) == 0
    assert await take(shop, early) == 0
    assert (await message_row(shop, message))["status"] == "SENDING"
    await shop.rows(
        "update message set provider = 'twilio', provider_message_id = 'SM1' where organization_id = :organization"
    )
    async with shop.database.tenant(shop.organization) as tx:
        assert not await settle_waiting(tx, shop.key)
    assert (await message_row(shop, message))["status"] == "DELIVERED"
    # From now on it is found at once, and the early one is known.
    assert await take(shop, early) == 0
    late = Returned("twilio", "SM1:read", T.OPENED, at(9), provider_message_id="SM1")
    assert await take(shop, late) == 1
    assert (await message_row(shop, message))["status"] == "OPENED"


async def test_hard_bounces_and_complaints_suppress_the_address_and_what_is_queued_for_it(shop: Shop) -> None:
    customers = await shop.customers(["hard", "soft", "spam"])
    _, ids = await sent_messages(shop, customers)
    running = await shop.started([await shop.segment(customers)])
    addresses = {row[0]: row[1] for row in await shop.rows("select id, address from message where id = any(:i)", i=ids)}
    await shop.rows(
        "update message m set address = o.address from message o where m.organization_id = :organization "
        "and o.organization_id = :organization and o.customer_id = m.customer_id and o.id = any(:ids::uuid[]) "
        "and m.campaign_id = :running",
        ids=ids,
        running=running,
    )
    await take(
        shop,
        told(ids[0], T.BOUNCED),
        told(ids[1], T.BOUNCED, bounce_kind=BounceKind.SOFT),
        told(ids[2], T.DELIVERED),
        told(ids[2], T.COMPLAINED),
    )
    stored = await shop.rows("select address_hash, reason from suppression where organization_id = :organization")
    assert {tuple(row) for row in stored} == {
        (shop.key.hash(addresses[ids[0]]), "HARD_BOUNCE"),
        (shop.key.hash(addresses[ids[2]]), "COMPLAINT"),
    }
    assert await shop.ledger(running) == {"hard": "SUPPRESSED", "soft": "QUEUED", "spam": "SUPPRESSED"}


async def test_unsubscribing_at_the_provider_takes_the_consent_back(shop: Shop, message: UUID) -> None:
    await take(shop, told(message, T.UNSUBSCRIBED))
    rows = await shop.rows("select channel, topic, state from consent where organization_id = :organization")
    assert [tuple(row) for row in rows] == [("EMAIL", "marketing", "UNSUBSCRIBED")]


@pytest.mark.parametrize("first", ["callback", "worker", "both"])
async def test_a_callback_that_overtakes_the_mark_of_the_worker(shop: Shop, first: str) -> None:
    campaign = await shop.started([await shop.segment(await shop.customers(["ann"]))])
    token = new_id()
    async with shop.database.tenant(shop.organization) as tx:
        (due,) = await deliveries.next_due(tx, campaign)
    found = await shop.find(campaign)
    async with shop.database.tenant(shop.organization) as tx:
        marked = await deliveries.mark_sending(tx, found, [due], token, shop.key)
    assert marked
    settled = Settled(due.id, Verdict(MessageStatus.SENT), "250 ok", marked[due.id].place)

    async def settle() -> None:
        async with shop.database.tenant(shop.organization) as tx:
            await deliveries.settle(tx, token, [settled], provider="test")

    event = Returned("test", "1", T.DELIVERED, at(0), due.id)
    if first == "callback":
        assert await take(shop, event) == 1
    if first == "worker":
        await settle()
    await asyncio.gather(settle(), take(shop, event), take(shop, event))
    row = await message_row(shop, due.id)
    assert (row["status"], row["lease_until"]) == ("DELIVERED", None)
    assert row["sent_at"] is not None
    (named,) = await shop.rows("select provider, provider_message_id from message where id = :id", id=due.id)
    assert tuple(named) == ("test", "250 ok")


async def test_many_at_once_are_a_constant_number_of_statements(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    customers = await shop.customers([f"c{n}" for n in range(2_300)])
    _, ids = await sent_messages(shop, customers)
    statements: list[str] = []
    resolve = Transaction._resolve

    def counted(self: Transaction, statement: Any, parts: dict[str, Any]) -> Any:
        built = resolve(self, statement, parts)
        # Once for each connection: where facts wait to be written.
        if not built[0].startswith("create temporary table"):
            statements.append(built[0])
        return built

    monkeypatch.setattr(Transaction, "_resolve", counted)
    kinds = [(T.DELIVERED, 5), (T.OPENED, 60), (T.CLICKED, 90), (T.BOUNCED, 91), (T.UNSUBSCRIBED, 92)]
    # Both more than what fits into parameters.
    few, many = ([told(id_, *kind) for id_ in part for kind in kinds] for part in (ids[:300], ids[300:]))
    assert await take(shop, *few) == 1_500
    some, statements[:] = len(statements), []
    assert await take(shop, *many) == 10_000
    assert len(statements) == some
    rows = await shop.rows("select distinct status from message where organization_id = :organization")
    assert [row[0] for row in rows] == ["BOUNCED"]


async def test_callbacks_of_the_same_messages_at_once_lose_nothing(shop: Shop) -> None:
    customers = await shop.customers([f"c{n}" for n in range(40)])
    _, ids = await sent_messages(shop, customers)
    kinds = [(T.DELIVERED, 5), (T.OPENED, 60), (T.CLICKED, 90)]

    async def one(type_: ReturnType, seconds: float, order: int) -> None:
        events = [told(message, type_, seconds) for message in ids[::order]]

        async def work(tx: Transaction) -> int:
            return await take_back(tx, events, shop.key)

        await shop.database.attempt(shop.organization, work)

    await asyncio.gather(*(one(type_, seconds, order) for type_, seconds in kinds for order in (1, -1)))
    assert {(await message_row(shop, id_))["status"] for id_ in ids} == {"CLICKED"}


async def test_an_erased_customer_leaves_nothing_personal(shop: Shop, message: UUID) -> None:
    await take(shop, told(message, T.BOUNCED, detail="550 5.1.1"))
    (event,) = await shop.rows("select * from message_event where organization_id = :organization")
    assert not {"address", "ip", "user_agent", "customer_id"} & set(dict(event))
    assert await add_messages(
        shop, (await shop.rows("select campaign_id from message where id = :i", i=message))[0][0], [None]
    )
