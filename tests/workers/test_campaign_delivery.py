"""What becomes of a campaign's mails when servers refuse, go away or are not there, and customers vanish."""

import asyncio
from datetime import UTC, datetime
from uuid import UUID

import pytest

from db.profiles import delete_customer
from db.templates import create_template
from domain.campaigns import RESUME
from domain.consents import Channel
from domain.ids import new_id
from domain.messages import MAX_ATTEMPTS
from domain.templates import Content
from tests.campaigns import SECRET, Shop
from tests.jobs import wait
from tests.mail import MailServer, mail_server
from tests.waiting import until
from tests.workers.sending import NAMES, addresses, begin, do, sent, status, work
from workers import delivery
from workers.delivery import deliver_by_smtp
from workers.providers import smtp


async def test_every_answer_of_the_server_has_its_place_in_the_ledger(
    shop: Shop, server: MailServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(smtp, "CALL_TIMEOUT", 0.3)
    server.refused = {"gone@x.example": "550 no such user"}
    server.deferred = {"grey@x.example": "451 come again"}
    server.silent, server.broken = {"silent@x.example"}, {"broken@x.example"}
    campaign = await sent(shop, ["gone", "grey", "silent", "broken", "fine"])
    await work(shop)
    expected = {"gone": "FAILED", "grey": "QUEUED", "silent": "UNCERTAIN", "broken": "UNCERTAIN", "fine": "SENT"}
    assert await shop.ledger(campaign) == expected
    assert await status(shop, campaign) == "RUNNING"
    [row] = await shop.rows("select error from message where organization_id = :organization and status = 'FAILED'")
    assert row["error"] == "550 no such user"
    server.deferred = {}
    await shop.leases_end()
    await wait(shop.database, shop.organization)
    await work(shop)
    assert await shop.ledger(campaign) == expected | {"grey": "SENT"}
    assert await status(shop, campaign) == "COMPLETED"
    assert set(server.count.values()) == {1}


async def test_retry_means_at_least_once(shop: Shop, server: MailServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(smtp, "CALL_TIMEOUT", 0.3)
    server.silent = {"silent@x.example"}
    campaign = await sent(shop, ["silent", "fine"], policy="RETRY")
    await work(shop)
    assert await shop.ledger(campaign) == {"silent": "QUEUED", "fine": "SENT"}
    server.silent = set()
    await shop.leases_end()
    await wait(shop.database, shop.organization)
    await work(shop)
    assert await shop.ledger(campaign) == {"silent": "SENT", "fine": "SENT"}
    assert server.count == {"silent@x.example": 2, "fine@x.example": 1}


async def test_a_mailbox_that_is_never_ready_is_given_up(shop: Shop, server: MailServer) -> None:
    server.deferred = {"grey@x.example": "451 come again"}
    campaign = await sent(shop, ["grey"])
    for _ in range(MAX_ATTEMPTS):
        assert await shop.ledger(campaign) in ({}, {"grey": "QUEUED"})
        await work(shop)
        await shop.leases_end()
        await wait(shop.database, shop.organization)
    assert await shop.ledger(campaign) == {"grey": "FAILED"}


async def test_an_outage_costs_nobody_an_attempt_and_is_told(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(delivery, "_delivery", None)
    async with mail_server() as gone:
        url, port = gone.url, int(gone.url.rpartition(":")[2])
    deliver_by_smtp(url, SECRET)
    campaign = await sent(shop)
    for _ in range(MAX_ATTEMPTS + 2):
        await work(shop)
        await wait(shop.database, shop.organization)
    found = await shop.find(campaign)
    assert found.status == "RUNNING"
    assert (found.error or "").startswith("The mail server 127.0.0.1")
    rows = await shop.rows("select status, attempts from message where organization_id = :organization")
    assert {tuple(row) for row in rows} == {("QUEUED", 0)}
    async with mail_server(port) as back:
        await work(shop)
        assert back.count == addresses(NAMES)
    found = await shop.find(campaign)
    assert (found.status, found.error) == ("COMPLETED", None)


async def test_a_server_that_goes_away_in_the_middle_costs_no_more_than_what_was_under_way(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delivery, "_delivery", None)
    async with mail_server() as first:
        deliver_by_smtp(first.url, SECRET)
        port = int(first.url.rpartition(":")[2])
        campaign = await sent(shop)
        first.pause = 0.05
        working = asyncio.ensure_future(work(shop))
        await until(5, lambda: len(first.mails) >= 8)
    await working
    before = await shop.ledger(campaign)
    assert list(before.values()).count("UNCERTAIN") <= smtp.LANES
    assert "FAILED" not in before.values()
    async with mail_server(port) as second:
        await shop.leases_end()
        await wait(shop.database, shop.organization)
        await work(shop)
        total = first.count + second.count
    after = await shop.ledger(campaign)
    assert set(total.values()) == {1}
    assert {name for name, one in after.items() if one == "SENT"} <= {address.split("@")[0] for address in total}
    assert set(after.values()) <= {"SENT", "UNCERTAIN"}


async def test_a_sender_that_is_refused_pauses_the_campaign_and_fails_nobody(shop: Shop, server: MailServer) -> None:
    server.sender_refused = "553 not your domain"
    campaign = await sent(shop)
    await work(shop)
    found = await shop.find(campaign)
    assert (found.status, found.error) == (
        "PAUSED",
        "The provider refuses hello@tea.example: 553 not your domain",
    )
    rows = await shop.rows("select status, attempts from message where organization_id = :organization")
    assert {tuple(row) for row in rows} == {("QUEUED", 0)}
    server.sender_refused = None
    await do(shop, campaign, RESUME)
    await work(shop)
    assert server.count == addresses(NAMES)


async def test_a_template_that_fails_for_one_customer_skips_that_one(shop: Shop, server: MailServer) -> None:
    campaign = await _with_subject(shop, "{% if customer.city > 5 %}x{% endif %}", ["a", "b"])
    await shop.rows("update customer set city = 'Bonn' where organization_id = :organization and name = 'a'")
    await begin(shop, campaign)
    await work(shop)
    assert await shop.ledger(campaign) == {"a": "RENDER_ERROR", "b": "SENT"}
    [row] = await shop.rows("select error from message where organization_id = :organization and status = 'SKIPPED'")
    assert row["error"] == "the subject part cannot be rendered for this customer"
    assert await status(shop, campaign) == "COMPLETED"


async def _with_subject(shop: Shop, subject: str, names: list[str]) -> UUID:
    template = new_id()
    async with shop.database.tenant(shop.organization) as tx:
        content = Content(subject, text="x")
        assert await create_template(
            tx, template, brand_id=shop.brand, name="Odd", channel=Channel.EMAIL, content=content, actor="test"
        )
    odd = Shop(shop.database, shop.organization, shop.brand, template)
    return await odd.campaign([await shop.segment(await shop.customers(names))])


async def test_a_brand_without_an_address_sends_from_the_one_of_the_installation(
    shop: Shop, server: MailServer
) -> None:
    deliver_by_smtp(server.url, SECRET, sender="no-reply@wayfare.example")
    await shop.rows("update brand set sender_email = null, sender_name = null where organization_id = :organization")
    await sent(shop, ["a"])
    await work(shop)
    [mail] = server.mails
    assert mail.parsed()["From"].addresses[0].addr_spec == mail.sender == "no-reply@wayfare.example"
    assert mail.parsed()["From"].addresses[0].display_name == "Tea & Co"


async def test_what_is_not_set_up_is_told_and_waited_for(
    shop: Shop, server: MailServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = delivery._delivery
    monkeypatch.setattr(delivery, "_delivery", None)
    await shop.rows("update brand set sender_email = null where organization_id = :organization")
    campaign = await sent(shop, ["a"])
    await work(shop)
    assert (await shop.find(campaign)).error == "The workers have no WAYFARE_SECRET, so nothing can be sent."
    monkeypatch.setattr(delivery, "_delivery", told)
    await wait(shop.database, shop.organization)
    await work(shop)
    assert ((await shop.find(campaign)).error or "").startswith("The brand has no address to send from")
    await shop.rows("update brand set sender_email = 'hello@tea.example' where organization_id = :organization")
    await wait(shop.database, shop.organization)
    await work(shop)
    assert server.count == addresses(["a"])
    assert (await shop.find(campaign)).error is None


async def test_stopping_a_worker_waits_for_the_calls_under_way(shop: Shop, server: MailServer) -> None:
    campaign = await sent(shop)
    server.pause = 0.1
    working = asyncio.ensure_future(work(shop))
    await until(5, lambda: len(server.mails) >= 7)
    working.cancel()
    with pytest.raises(asyncio.CancelledError):
        await working
    ledger = list((await shop.ledger(campaign)).values())
    assert set(ledger) == {"SENT", "QUEUED"}
    assert ledger.count("SENT") == len(server.mails)
    server.pause = 0
    await work(shop)
    assert server.count == addresses(NAMES)


async def test_deleting_a_customer_before_the_call_sends_nothing_to_them(shop: Shop, server: MailServer) -> None:
    [ann, _] = ids = await shop.customers(["a", "b"])
    campaign = await shop.started([await shop.segment(ids)])
    async with shop.database.tenant(shop.organization) as tx:
        assert await delete_customer(tx, ann)
    await work(shop)
    assert server.count == addresses(["b"])
    assert await status(shop, campaign) == "COMPLETED"


async def test_nor_when_they_are_deleted_while_the_snapshot_is_taken(shop: Shop, server: MailServer) -> None:
    """The ledger's rows are not visible to the deletion then; it only takes the customer out of them."""
    campaign = await shop.started([await shop.segment(await shop.customers(["a", "b"]))])
    await shop.rows("delete from customer where organization_id = :organization and name = 'a'")
    await work(shop)
    assert server.count == addresses(["b"])
    assert await status(shop, campaign) == "COMPLETED"
    rows = await shop.rows("select skip_reason, address from message where organization_id = :organization")
    assert {tuple(row) for row in rows} == {("CUSTOMER_DELETED", None), (None, "b@x.example")}


async def test_the_moment_of_the_snapshot_is_kept(shop: Shop, server: MailServer) -> None:
    before = datetime.now(UTC)
    campaign = await sent(shop, ["a"])
    await work(shop)
    at = (await shop.find(campaign)).snapshot_at
    assert at
    assert before < at < datetime.now(UTC)


async def test_a_list_that_is_refused_pauses_the_campaign_before_all_of_it_is(shop: Shop, server: MailServer) -> None:
    names = [f"r{n:03}" for n in range(120)]
    server.refused = {f"{name}@x.example": "550 no such mailbox" for name in names}
    campaign = await sent(shop, names)
    await work(shop)
    found, told = await shop.find(campaign), list((await shop.ledger(campaign)).values())
    assert (found.status, told.count("FAILED"), told.count("QUEUED")) == ("PAUSED", 50, 70)
    assert found.error == "The provider refused 50 of the last 50 messages; resume it if that is right."
    server.refused = {}
    await do(shop, campaign, RESUME)
    await work(shop)
    assert (await shop.find(campaign)).status == "COMPLETED"
    assert len(server.mails) == 70
