"""Campaigns sent over real SMTP: each member once, with their own words, whatever happens meanwhile."""

import asyncio

import pytest

from db.consents import Wish, set_consents
from db.points import watched
from db.suppressions import suppress
from domain.campaigns import CANCEL, PAUSE, RESUME
from domain.consents import Channel, ConsentState
from domain.ids import new_id
from domain.suppressions import SuppressionReason
from tests.campaigns import SECRET, Shop
from tests.jobs import wait
from tests.mail import MailServer
from tests.runs import slice_of
from tests.waiting import until
from tests.workers.sending import NAMES, addresses, begin, do, sent, status, work
from workers import delivery
from workers.campaigns import send
from workers.delivery import Delivery
from workers.providers import smtp


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


async def test_more_than_a_batch_goes_over_few_connections(
    shop: Shop, server: MailServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("workers.campaigns.TURN", 20.0)
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


@pytest.mark.parametrize("place", ["campaign.recovered", "message.read", "message.answered", "message.settled"])
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
