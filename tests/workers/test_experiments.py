"""Experiments decided by the clock: who wins, what the rest gets, what hold-outs show, and that people are told."""

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest

from db.database import Database
from db.experiments.records import figures_of, find_experiment
from domain.experiments.design import Design, Fallback, Mode
from domain.experiments.figures import holdout_of, outcome_of
from domain.experiments.verdict import Metric
from domain.ids import new_id
from tests.campaigns import SECRET, Shop, open_shop
from tests.experiments import TEST, came_back, experiment, pretend_sent
from tests.jobs import drain, wait
from tests.mail import mail_server
from tests.workers.sending import begin, status
from workers.delivery import deliver_by_smtp

NAMES = [f"c{n:04}" for n in range(700)]


@pytest.fixture
async def shop(database: Database, organization: UUID) -> AsyncIterator[Shop]:
    async with mail_server() as server:
        deliver_by_smtp(server.url, SECRET)
        yield await open_shop(database, organization)


async def part_sent(shop: Shop, design: Design = TEST, names: list[str] = NAMES) -> UUID:
    """A campaign whose test part the provider took, as far as the ledger knows."""
    campaign = await experiment(shop, [await shop.segment(await shop.customers(names))], design)
    await begin(shop, campaign)
    await shop.snapshot(campaign)
    await pretend_sent(shop, campaign)
    await drain(shop.database, shop.organization)
    return campaign


async def time_comes(shop: Shop, campaign: UUID) -> None:
    """Only decides: what is released is not sent."""
    await wait(shop.database, shop.organization)
    await shop.rows(
        "update campaign set status = 'PAUSED' where organization_id = :organization and id = :id returning 1",
        id=campaign,
    )
    await drain(shop.database, shop.organization)


async def released(shop: Shop, campaign: UUID) -> dict[int | None, int]:
    rows = await shop.rows(
        "select variant, count(*) from message where organization_id = :organization and campaign_id = :id "
        "and status = 'QUEUED' group by 1",
        id=campaign,
    )
    return {row[0]: row[1] for row in rows}


async def found(shop: Shop, campaign: UUID) -> Any:
    async with shop.database.tenant(shop.organization) as tx:
        experiment = await find_experiment(tx, campaign)
    assert experiment is not None
    return experiment


async def test_the_variant_that_is_better_beyond_chance_wins(shop: Shop) -> None:
    campaign = await part_sent(shop)
    waiting = await released(shop, campaign)
    assert waiting.keys() == {None}
    assert await status(shop, campaign) == "RUNNING"
    await came_back(shop, campaign, 1, "clicked_at", 10)
    await came_back(shop, campaign, 2, "clicked_at", 60)
    await drain(shop.database, shop.organization)
    assert (await found(shop, campaign)).winner is None, "its time has not come"
    await time_comes(shop, campaign)
    decided = await found(shop, campaign)
    assert (decided.winner, decided.concluded_by) == (2, "system")
    assert await released(shop, campaign) == {2: waiting[None]}


@pytest.mark.parametrize(
    ("fallback", "winner"), [(Fallback.BEST_ANYWAY, 2), (Fallback.KEEP_CONTROL, 1), (Fallback.MANUAL, None)]
)
async def test_when_nobody_wins(shop: Shop, fallback: Fallback, winner: int | None) -> None:
    campaign = await part_sent(shop, replace(TEST, fallback=fallback), NAMES[:60])
    await came_back(shop, campaign, 2, "clicked_at", 2)
    await time_comes(shop, campaign)
    decided = await found(shop, campaign)
    assert decided.winner == winner
    assert decided.awaits_decision is (winner is None)
    assert (await released(shop, campaign)).keys() == {winner}


async def test_arms_of_the_wrong_size_prove_nothing(shop: Shop) -> None:
    campaign = await part_sent(shop, TEST, [f"c{n:04}" for n in range(1000)])
    sizes = dict(
        await shop.rows(
            "select variant, count(*) from message where organization_id = :organization and status = 'SENT' group by 1"
        )
    )
    await shop.rows(
        "update message set status = 'BOUNCED' where organization_id = :organization and id in (select id from message "
        "where organization_id = :organization and variant = 1 and status = 'SENT' order by id limit :lost) "
        "returning 1",
        lost=sizes[1] - sizes[2] * 6 // 10,
    )
    await came_back(shop, campaign, 2, "clicked_at", 90)
    await time_comes(shop, campaign)
    assert (await found(shop, campaign)).winner is None
    async with shop.database.tenant(shop.organization) as tx:
        outcome = outcome_of(await figures_of(tx, campaign))
    assert outcome.sample_ratio_warning
    assert outcome.winner == 2, "though it looks like one"


async def test_figures_are_those_of_an_independent_count(shop: Shop) -> None:
    design = Design(Mode.SPLIT, holdout_share=0.3, metric=Metric.REVENUE)
    campaign = await part_sent(shop, design, NAMES[:120])
    rows = await shop.rows(
        "select id, customer_id, variant, skip_reason from message where organization_id = :organization order by id"
    )
    definition = new_id()
    async with shop.database.tenant(shop.organization) as tx:
        await tx.run(
            "insert into conversion_definition (organization_id, id, campaign_id, name, segment_id) values "
            "(:organization, :id, :campaign, 'Bought', (select id from segment where organization_id = :organization))",
            id=definition,
            campaign=campaign,
        )
        converted = [row for number, row in enumerate(rows) if number % 3 == 0]
        await tx.run(
            "insert into conversion (organization_id, definition_id, message_id, campaign_id, customer_id, at) "
            "select :organization, :definition, m.id, m.campaign_id, m.customer_id, clock_timestamp() from message m "
            "where m.organization_id = :organization and m.id = any(:ids::uuid[])",
            definition=definition,
            ids=[row["id"] for row in converted],
        )
        paid = [row for number, row in enumerate(rows) if number % 4 == 0 and row["skip_reason"] is None]
        await tx.run(
            "insert into attribution (organization_id, fact_id, message_id, campaign_id, customer_id, at, amount) "
            "select :organization, uuid7(), m.id, m.campaign_id, m.customer_id, clock_timestamp(), 12.50 "
            "from message m where m.organization_id = :organization and m.id = any(:ids::uuid[])",
            ids=[row["id"] for row in paid],
        )
        figures = await figures_of(tx, campaign)
    written = [row for row in rows if row["skip_reason"] is None]
    for comparison in outcome_of(figures).comparisons:
        mine = [row for row in written if row["variant"] == comparison.arm.variant]
        sample = comparison.arm.sample
        payers = len([row for row in mine if row in paid])
        assert (sample.n, sample.total, sample.squares) == (len(mine), 12.5 * payers, 156.25 * payers)
    holdout = holdout_of(figures)
    assert holdout is not None
    held = [row for row in rows if row["skip_reason"] == "HOLDOUT"]
    assert (holdout.held.n, holdout.held.total) == (len(held), len([row for row in held if row in converted]))
    assert (holdout.written.n, holdout.written.total) == (
        len(written),
        len([row for row in written if row in converted]),
    )
    assert len(held) > 20


async def test_a_split_with_a_wait_is_decided_after_it_was_sent(shop: Shop) -> None:
    campaign = await part_sent(shop, replace(TEST, mode=Mode.SPLIT, test_share=1.0), NAMES[:40])
    assert await status(shop, campaign) == "COMPLETED"
    assert (await found(shop, campaign)).evaluate_at is not None
    await wait(shop.database, shop.organization)
    await drain(shop.database, shop.organization)
    decided = await found(shop, campaign)
    assert (decided.winner, decided.concluded_by) == (None, "system")


async def test_people_are_told_once_a_day(shop: Shop) -> None:
    async with shop.database.tenant(shop.organization) as tx:
        await tx.run(
            "insert into webhook (organization_id, id, name, url, event_types, scopes, secret, secret_hint) "
            "select :organization, uuid7(), 'w', 'https://x.example', '{EXPERIMENT_UNDECIDED,EXPERIMENT_CONCLUDED}', "
            "'{campaigns:view}', ''::bytea, '' "
        )
    campaign = await part_sent(shop, names=NAMES[:30])
    for days, told in ((0, 1), (0, 1), (1, 2)):
        await shop.rows(
            "update experiment set reminded_at = reminded_at - make_interval(days => :days) "
            "where organization_id = :organization returning 1",
            days=days,
        )
        await time_comes(shop, campaign)
        events = await shop.rows("select type from outbox_event where organization_id = :organization")
        assert [row[0] for row in events] == ["EXPERIMENT_UNDECIDED"] * told
