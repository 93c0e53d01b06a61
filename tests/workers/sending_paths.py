"""Every way on which a message comes to be sent, each taken to where a worker would send it next."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

from db import campaigns, confirmations, journeys, messages, stages
from db.campaigns import copies
from db.journeys.moves import Move
from db.journeys.tasks import act
from db.statement import sql
from db.topics import create_topic, find_topic
from domain.campaigns import CampaignClass
from domain.consents import Channel
from domain.copies import Unreached
from domain.experiments.design import Fallback
from domain.ids import new_id
from domain.journeys import Lock
from domain.journeys.actions import Repeat
from domain.messages import MessageStatus
from domain.starts import Start
from domain.topics import Topic
from resolvers.stage_messages import declare
from tests.api import Api
from tests.campaigns import Shop
from tests.experiments import TEST, experiment, pretend_sent
from tests.jobs import wait
from tests.mail import MailServer
from tests.schema.campaigns import answer, gid
from tests.workers.refusals import Person
from tests.workers.sending import begin, work

ANN, BOB = "ann", "bob"


@dataclass(frozen=True)
class Here:
    """What a path is made with."""

    shop: Shop
    server: MailServer
    api: Api


@dataclass(frozen=True)
class Sent:
    """A campaign one of whose messages goes to `person` next; nobody but them has anything against it."""

    campaign: UUID
    person: Person


Path = Callable[[Here], Awaitable[Sent]]


async def broadcast(here: Here) -> Sent:
    people = await here.shop.customers([ANN, BOB])
    return await _begun(here, await here.shop.campaign([await here.shop.segment(people)]))


async def at_a_local_time(here: Here) -> Sent:
    """Everybody's nine o'clock of tomorrow; the audience is taken already."""
    shop = here.shop
    people = await shop.customers([ANN, BOB])
    campaign = await shop.campaign([await shop.segment(people)])
    start = Start(local=datetime.now(UTC).replace(tzinfo=None, second=0, microsecond=0) + timedelta(hours=12))
    async with shop.database.tenant(shop.organization) as tx:
        assert await campaigns.schedule(tx, campaign, start)
    await work(shop)
    rows = await shop.rows(
        "select next_attempt_at > clock_timestamp() from message where campaign_id = :id", id=campaign
    )
    assert [row[0] for row in rows] == [True, True]
    return await _next(here, campaign)


async def to_named_customers(here: Here) -> Sent:
    people = await here.shop.customers([ANN, BOB])
    document = "mutation ($input: MessageSendInput!) { messageSend(input: $input) { userErrors { code } } }"
    made = await answer(
        here.api,
        document,
        brandId=gid("Brand", here.shop.brand),
        customerIds=[gid("Customer", one) for one in people],
        templateId=gid("Template", here.shop.template),
        **{"class": "MARKETING"},
    )
    assert made["userErrors"] == []
    return await _next(here, await _only(here.shop))


async def by_a_stage(here: Here) -> Sent:
    shop = here.shop
    people = await shop.customers([ANN, BOB])
    now = datetime.now(UTC)
    said = {"key": "hello", "brand_id": shop.brand, "contents": [(Channel.EMAIL, shop.template)], "delay_days": 0}
    said |= {"class_": CampaignClass.MARKETING, "topic": "marketing", "repeat": Repeat.ONCE, "cancel_on_leave": True}
    async with shop.database.tenant(shop.organization) as tx:
        await stages.ensure_default_stages(tx)
        everybody = sql("select id as customer_id from customer where organization_id = :o", o=shop.organization)
        await journeys.start(tx, everybody, at=now, actor="test")
        actions = await declare(tx, "warm", [said], (), now)
        values = {"key": "warm", "name": "warm", "kind": "PROGRESSION", "position": 90, "actions": actions}
        await stages.create_stage(tx, new_id(), values, actor="test")
        stage = await stages.find_stage(tx, "key", "warm")
        assert stage is not None
        moves = [Move(one, None) for one in people]
        later = datetime.now(UTC)
        await journeys.transition(tx, moves, stage.id, lock=Lock.FOREVER, at=later, actor="test", notes=None)
        await act(tx, None, at=later)
    return await _next(here, await _only(shop))


async def second_wave(here: Here) -> Sent:
    """The rest of an experiment, whose winner is decided when its time comes."""
    shop, names = here.shop, [f"c{n:02}" for n in range(24)]
    design = replace(TEST, fallback=Fallback.KEEP_CONTROL)
    campaign = await experiment(shop, [await shop.segment(await shop.customers(names))], design)
    await begin(shop, campaign)
    await shop.snapshot(campaign)
    await pretend_sent(shop, campaign)
    await work(shop)
    return await _next(here, campaign)


async def once_more(here: Here) -> Sent:
    """campaignResend to those whom the provider refused."""
    shop, server = here.shop, here.server
    first = (await broadcast(here)).campaign
    server.refused = {f"{name}@x.example": "550 not today" for name in (ANN, BOB)}
    await work(shop)
    server.refused = {}
    copy = new_id()
    async with shop.database.tenant(shop.organization) as tx:
        assert await copies.resend(tx, first, copy, "Again", [Unreached.FAILED]) == 2
    return await _begun(here, copy)


async def after_a_deferral(here: Here) -> Sent:
    made = await broadcast(here)
    here.server.deferred = {made.person.address: "451 come again"}
    await work(here.shop)
    here.server.deferred = {}
    return made


async def after_silence(here: Here) -> Sent:
    """RETRY: nobody knows whether the provider took it, and it is tried again."""
    shop = here.shop
    campaign = await shop.campaign([await shop.segment(await shop.customers([ANN, BOB]))], policy="RETRY")
    made = await _begun(here, campaign)
    here.server.broken = {made.person.address}
    await work(shop)
    here.server.broken = set()
    return made


async def by_a_persons_word(here: Here) -> Sent:
    """HOLD: nobody knows, and somebody has it sent again."""
    shop, made = here.shop, await broadcast(here)
    here.server.broken = {made.person.address}
    await work(shop)
    here.server.broken = set()
    [row] = await shop.rows("select id from message where campaign_id = :id and status = 'UNCERTAIN'", id=made.campaign)
    async with shop.database.tenant(shop.organization) as tx:
        assert await messages.resolve(tx, row["id"], MessageStatus.QUEUED, "test")
        await campaigns.request_sending(tx, made.campaign)
    return made


async def to_confirm(here: Here) -> Sent:
    """Double opt-in: what is owed to whoever said yes."""
    shop = here.shop
    people = await shop.customers([ANN, BOB])
    async with shop.database.tenant(shop.organization) as tx:
        topic_id = await create_topic(tx, new_id(), shop.brand, Topic("news", "News", double_opt_in=True).check())
        assert topic_id
        topic = await find_topic(tx, topic_id)
        assert topic
        assert await confirmations.ask(tx, topic, Channel.EMAIL, people) == 2
    return await _next(here, await _only(shop))


PATHS: Mapping[str, Path] = {
    path.__name__: path
    for path in (
        broadcast,
        at_a_local_time,
        to_named_customers,
        by_a_stage,
        second_wave,
        once_more,
        after_a_deferral,
        after_silence,
        by_a_persons_word,
        to_confirm,
    )
}
# Owed to whoever asked for it: consent and frequency rules are not about it.
TRANSACTIONAL = {"to_confirm"}


async def _begun(here: Here, campaign: UUID) -> Sent:
    """Begun just now: the audience is not taken yet."""
    await begin(here.shop, campaign)
    [row] = await here.shop.rows("select id from customer where organization_id = :organization and name = :n", n=ANN)
    return Sent(campaign, Person(row["id"], f"{ANN}@x.example"))


async def _next(here: Here, campaign: UUID) -> Sent:
    """Whoever is first in the queue."""
    [row] = await here.shop.rows(
        "select m.customer_id, c.email from message m "
        "join customer c on c.organization_id = :organization and c.id = m.customer_id "
        "where m.organization_id = :organization and m.campaign_id = :id and m.status = 'QUEUED' order by m.id limit 1",
        id=campaign,
    )
    return Sent(campaign, Person(row["customer_id"], row["email"]))


async def _only(shop: Shop) -> UUID:
    [row] = await shop.rows("select id from campaign where organization_id = :organization")
    found: UUID = row["id"]
    return found


async def send_all(here: Here) -> None:
    """Workers until nothing is left to do, hours later too."""
    for _ in range(3):
        await wait(here.shop.database, here.shop.organization)
        await work(here.shop)
