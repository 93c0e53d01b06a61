"""Campaigns sent over real SMTP: each member once, with their own words, whatever happens meanwhile."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest

from db import campaigns
from db.consents import Wish, set_consents
from db.database import Database
from db.points import watched
from db.profiles import delete_customer
from db.suppressions import suppress
from db.templates import create_template
from domain.campaigns import CANCEL, PAUSE, RESUME, Move
from domain.consents import Channel, ConsentState
from domain.ids import new_id
from domain.messages import MAX_ATTEMPTS
from domain.suppressions import SuppressionReason
from domain.templates import Content
from tests.campaigns import SECRET, Shop, open_shop
from tests.jobs import drain, wait
from tests.mail import MailServer, mail_server
from tests.runs import slice_of
from tests.waiting import until
from workers import delivery, smtp
from workers.campaigns import send
from workers.delivery import Delivery, deliver_by_smtp

NAMES = [f"c{i:02}" for i in range(30)]


@pytest.fixture
async def shop(database: Database, organization: UUID) -> Shop:
    return await open_shop(database, organization)


@pytest.fixture
async def server(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[MailServer]:
    monkeypatch.setattr(delivery, "_delivery", None)
    async with mail_server() as running:
        deliver_by_smtp(running.url, SECRET)
        yield running


async def sent(shop: Shop, names: list[str] = NAMES, **said: Any) -> UUID:
    """A campaign that a person has just sent; no worker has seen it yet."""
    campaign = await shop.campaign([await shop.segment(await shop.customers(names))], **said)
    await begin(shop, campaign)
    return campaign


async def begin(shop: Shop, campaign: UUID) -> None:
    async with shop.database.tenant(shop.organization) as tx:
        assert await campaigns.start(tx, campaign)


async def do(shop: Shop, campaign: UUID, move: Move) -> None:
    async with shop.database.tenant(shop.organization) as tx:
        assert await campaigns.move(tx, campaign, move)
        await campaigns.request_sending(tx, campaign)


async def work(shop: Shop) -> None:
    await drain(shop.database, shop.organization)


async def status(shop: Shop, campaign: UUID) -> str:
    return (await shop.find(campaign)).status


def addresses(names: list[str]) -> dict[str, int]:
    return {f"{name}@x.example": 1 for name in names}


async def test_each_member_gets_one_mail_with_their_own_words(shop: Shop, server: MailServer) -> None:
    names = ["Ann Lee", "<b>Bob</b>", "{{ brand.name }}", "Zoë\r\nBcc: eve@x.example"]
    ids = await shop.customers(names, emails=[f"{i}@x.example" for i in range(4)])
    await shop.rows(
        "insert into customer_metrics (organization_id, customer_id, lifetime_value) values (:organization, :id, 12.5)",
        id=ids[0],
    )
    campaign = await shop.campaign([await shop.segment(ids)])
    await begin(shop, campaign)
    await work(shop)
    mails = {mail.recipient: mail.parsed() for mail in server.mails}
    assert len(server.mails) == len(mails) == 4
    rows = await shop.rows("select * from message where organization_id = :organization")
    assert {f"<{row['id']}@tea.example>" for row in rows} == {mail["Message-ID"] for mail in mails.values()}
    assert {(row["status"], row["attempts"], row["provider"]) for row in rows} == {("SENT", 1, "smtp")}

    def parts(number: int) -> list[str]:
        mail = mails[f"{number}@x.example"]
        assert mail["From"] == "Tea <hello@tea.example>"
        assert "Bcc" not in mail
        return [mail["Subject"], *(part.get_content().strip() for part in mail.iter_parts())]

    assert parts(0) == ["Hello Ann", "Ann Lee: 12.50", "<p>Ann Lee of Tea &amp; Co</p>"]
    assert parts(1)[2] == "<p>&lt;b&gt;Bob&lt;/b&gt; of Tea &amp; Co</p>"
    assert parts(2)[1:] == ["{{ brand.name }}: 0.00", "<p>{{ brand.name }} of Tea &amp; Co</p>"]
    assert parts(3)[0] == "Hello Zoë"
    found = await shop.find(campaign)
    assert (found.status, found.audience_size, found.error) == ("COMPLETED", 4, None)
    await work(shop)
    assert len(server.mails) == 4


async def test_automatic_segments_are_brought_up_to_date_first(shop: Shop, server: MailServer) -> None:
    """Also the one that the audience's own segment asks about; nobody refreshed either of them."""
    _, bob = await shop.customers(["ann", "bob"])
    async with shop.database.tenant(shop.organization) as tx:
        inner, outer = new_id(), new_id()
        city = {"text": {"field": "city", "is": {"eq": "Bonn"}}}
        conditions = [(inner, city, []), (outer, {"inSegment": str(inner)}, [inner])]
        for segment, condition, depends_on in conditions:
            await tx.run(
                "insert into segment (organization_id, id, key, name, type, condition, depends_on) "
                "values (:organization, :id, :key, 'Some', 'AUTOMATIC', :condition, :depends_on)",
                id=segment,
                key=f"k{segment}",
                condition=condition,
                depends_on=depends_on,
            )
        await tx.run("update customer set city = 'Bonn' where organization_id = :organization and id = :id", id=bob)
    campaign = await shop.campaign([outer])
    await begin(shop, campaign)
    await work(shop)
    assert server.count == addresses(["bob"])


async def test_more_than_a_batch_goes_over_few_connections(shop: Shop, server: MailServer) -> None:
    names = [f"c{i:03}" for i in range(120)]
    await sent(shop, names)
    await work(shop)
    assert server.count == addresses(names)
    assert server.connections <= smtp.LANES


async def test_an_empty_audience_completes(shop: Shop, server: MailServer) -> None:
    campaign = await sent(shop, [])
    await work(shop)
    found = await shop.find(campaign)
    assert (found.status, found.audience_size) == ("COMPLETED", 0)


async def test_unsubscribing_and_suppressing_after_the_snapshot_win(shop: Shop, server: MailServer) -> None:
    campaign = await shop.started([await shop.segment(ids := await shop.customers(NAMES))])
    async with shop.database.tenant(shop.organization) as tx:
        wish = Wish(ids[3], shop.brand, Channel.EMAIL, "marketing", ConsentState.UNSUBSCRIBED)
        await set_consents(tx, [wish], "test")
        await suppress(tx, shop.key, Channel.EMAIL, "c07@x.example", SuppressionReason.MANUAL)
    await work(shop)
    assert server.count == addresses([name for name in NAMES if name not in ("c03", "c07")])
    ledger = await shop.ledger(campaign)
    assert (ledger["c03"], ledger["c07"], ledger["c08"]) == ("UNSUBSCRIBED", "SUPPRESSED", "SENT")


@pytest.mark.parametrize("place", ["campaign.recovered", "message.claimed", "message.answered", "message.settled"])
async def test_unsubscribing_at_any_moment_of_a_running_campaign_wins(
    shop: Shop, server: MailServer, place: str
) -> None:
    """Everybody withdraws there: nobody whose message is not being sent already gets one any more."""
    await shop.started([await shop.segment(ids := await shop.customers(NAMES))])
    withdrawn: list[int] = []

    async def withdraw() -> None:
        wishes = [Wish(i, shop.brand, Channel.EMAIL, "marketing", ConsentState.UNSUBSCRIBED) for i in ids]
        async with shop.database.tenant(shop.organization) as tx:
            await set_consents(tx, wishes, "test")
        withdrawn.append(
            len(
                await shop.rows(
                    "select from message where organization_id = :organization and attempts > 0 and status <> 'SKIPPED'"
                )
            )
        )

    tasks: list[asyncio.Task[None]] = []

    def watch(name: str) -> None:
        if name == place and not tasks:
            tasks.append(asyncio.ensure_future(withdraw()))

    server.pause = 0.05
    with watched(watch):
        await work(shop)
    await tasks[0]
    assert len(server.mails) == withdrawn[0] <= smtp.LANES * 2
    rows = await shop.rows("select status, count(*) from message where organization_id = :organization group by 1")
    told = {row[0]: row[1] for row in rows}
    assert told == {"SKIPPED": len(NAMES) - len(server.mails)} | ({"SENT": len(server.mails)} if server.mails else {})


async def test_pause_resume_and_cancel(shop: Shop, server: MailServer) -> None:
    campaign = await sent(shop)
    server.pause = 0.05
    working = asyncio.ensure_future(work(shop))
    await until(5, lambda: len(server.mails) >= 3)
    await do(shop, campaign, PAUSE)
    await working
    await work(shop)
    paused = len(server.mails)
    assert 3 <= paused < len(NAMES)
    assert set((await shop.ledger(campaign)).values()) == {"SENT", "QUEUED"}
    server.pause = 0
    await do(shop, campaign, RESUME)
    await do(shop, campaign, PAUSE)
    await work(shop)
    assert len(server.mails) == paused
    await do(shop, campaign, RESUME)
    working = asyncio.ensure_future(work(shop))
    await until(5, lambda: len(server.mails) > paused)
    await do(shop, campaign, CANCEL)
    await working
    await work(shop)
    ledger = list((await shop.ledger(campaign)).values())
    assert ledger.count("SENT") == len(server.mails) == len(server.count)
    assert ledger.count("SENT") + ledger.count("CAMPAIGN_CANCELLED") == len(NAMES)
    assert await status(shop, campaign) == "CANCELLED"


async def test_a_paused_campaign_that_is_resumed_completes(shop: Shop, server: MailServer) -> None:
    campaign = await sent(shop)
    await do(shop, campaign, PAUSE)
    await work(shop)
    assert ((await shop.find(campaign)).audience_size, server.mails) == (30, [])
    await do(shop, campaign, RESUME)
    await work(shop)
    assert server.count == addresses(NAMES)
    assert await status(shop, campaign) == "COMPLETED"


async def test_a_campaign_cancelled_before_its_snapshot_has_no_audience(shop: Shop, server: MailServer) -> None:
    campaign = await sent(shop)
    await do(shop, campaign, CANCEL)
    await work(shop)
    found = await shop.find(campaign)
    assert (found.status, found.audience_size) == ("CANCELLED", None)
    assert (await shop.ledger(campaign), server.mails) == ({}, [])


async def test_an_audience_that_cannot_be_computed_fails_the_campaign(
    shop: Shop, server: MailServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    campaign = await sent(shop)
    await shop.rows("update segment set type = 'AUTOMATIC', condition = '{}' where organization_id = :organization")
    for _ in range(5):
        assert await status(shop, campaign) == "RUNNING"
        await work(shop)
        await wait(shop.database, shop.organization)
    found = await shop.find(campaign)
    assert (found.status, (found.error or "")[:35]) == ("FAILED", "The audience could not be computed;")
    assert server.mails == []


async def test_sending_that_fails_again_and_again_pauses_and_can_be_resumed(
    shop: Shop, server: MailServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    campaign = await sent(shop)
    told = delivery._delivery
    monkeypatch.setattr(delivery, "_delivery", Delivery(None, SECRET))  # type: ignore[arg-type]  # not a way to anywhere
    for _ in range(5):
        assert await status(shop, campaign) == "RUNNING"
        await work(shop)
        await wait(shop.database, shop.organization)
    found = await shop.find(campaign)
    assert (found.status, (found.error or "")[:30]) == ("PAUSED", "Sending failed again and again")
    monkeypatch.setattr(delivery, "_delivery", told)
    await do(shop, campaign, RESUME)
    await work(shop)
    assert server.count == addresses(NAMES)
    assert (await shop.find(campaign)).error is None


async def test_two_workers_at_one_campaign_send_everything_once(shop: Shop, server: MailServer) -> None:
    await sent(shop)
    server.pause = 0.01
    await asyncio.gather(*(work(shop) for _ in range(3)))
    assert server.count == addresses(NAMES)


async def test_two_slices_of_one_campaign_at_once_send_everything_once(
    shop: Shop, server: MailServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As if the job's own lease had failed: the ledger alone keeps them apart."""
    campaign = await shop.started([await shop.segment(await shop.customers(NAMES))])
    server.pause = 0.01
    args = {"campaignId": str(campaign)}
    async with (
        slice_of(shop.database, shop.organization, "campaigns.send", "other", args) as one,
        slice_of(shop.database, shop.organization, "campaigns.send", "another", args) as two,
    ):
        await asyncio.gather(send(one), send(two))
    assert server.count == addresses(NAMES)
    assert await shop.ledger(campaign) == dict.fromkeys(NAMES, "SENT")


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
        "The mail server refuses hello@tea.example: 553 not your domain",
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
    assert (await shop.find(campaign)).error == (
        "The workers have no SMTP_URL or no WAYFARE_SECRET, so nothing can be sent."
    )
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
