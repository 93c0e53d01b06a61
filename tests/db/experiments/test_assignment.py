"""Postgres assigns exactly as the domain does."""

import random
from uuid import UUID

from db.campaigns import start
from db.database import Database
from db.experiments.assignment import assigned, assignment_of
from db.statement import Statement, sql
from domain.experiments.assignment import BUCKETS, Assignment
from domain.ids import new_id
from tests.campaigns import open_shop


async def test_sql_and_python_agree_about_everybody(database: Database, organization: UUID) -> None:
    chance = random.Random(5)
    ids = [new_id() for _ in range(300)]
    async with database.tenant(organization) as tx:
        for turn in range(60):
            count = chance.randint(1, 8)
            weights = [chance.choice([0, 1, chance.randint(0, 10_000)]) for _ in range(count)]
            weights[chance.randrange(count)] = chance.randint(1, 10_000)
            given = Assignment(
                f"sält {turn}",
                tuple(enumerate(weights, 1)),
                chance.choice([0, 1, chance.randint(0, 5000)]),
                chance.choice([1, BUCKETS, chance.randint(1, BUCKETS)]),
            )
            expressions = assigned(given, "w.id")
            rows = await tx.rows(
                sql(
                    "select w.id, :holdout, :variant from unnest(:ids::uuid[]) w (id)",
                    holdout=expressions.holdout,
                    variant=expressions.variant,
                    ids=ids,
                )
            )
            assert [tuple(row) for row in rows] == [(id_, given.holds_out(id_), given.variant_of(id_)) for id_ in ids]


async def test_without_an_experiment_everybody_gets_the_first(database: Database, organization: UUID) -> None:
    shop = await open_shop(database, organization)
    campaign_id = await shop.campaign([await shop.segment(await shop.customers(["Ada"]))])
    async with database.tenant(organization) as tx:
        assert await start(tx, campaign_id)
        assert await assignment_of(tx, campaign_id) is None
    assert assigned(None, "x").variant == Statement("1::smallint")


async def test_a_split_tests_everybody_whatever_its_test_share(database: Database, organization: UUID) -> None:
    shop = await open_shop(database, organization)
    campaign_id = await shop.campaign([await shop.segment([])])
    async with database.tenant(organization) as tx:
        await tx.run(
            "insert into campaign_variant (organization_id, campaign_id, number, name, weight) "
            "values (:organization, :id, 1, 'A', 3), (:organization, :id, 2, 'B', 5) "
            "on conflict (organization_id, campaign_id, number) do update set weight = excluded.weight",
            id=campaign_id,
        )
        await tx.run(
            "insert into experiment (organization_id, campaign_id, salt, holdout_share, test_share) "
            "values (:organization, :id, 's', 100, 2000)",
            id=campaign_id,
        )
        assert await assignment_of(tx, campaign_id) == Assignment("s", ((1, 3), (2, 5)), 100)
        await tx.run("update experiment set mode = 'TEST_THEN_WINNER' where campaign_id = :id", id=campaign_id)
        assert await assignment_of(tx, campaign_id) == Assignment("s", ((1, 3), (2, 5)), 100, 2000)
