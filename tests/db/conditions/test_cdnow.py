"""Real purchases as of 1998-07-01: compiler and oracle agree, id by id, for every leaf kind the data can show."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from db.conditions import Scope, matching
from db.database import Database
from db.organizations import Organization, current_organization
from db.planning import many_rows
from db.statement import sql
from db.statistics import keep_statistics
from domain.conditions import parse
from domain.ids import new_id
from tests.cdnow import orders
from tests.conditions.storage import BRANDS, SEGMENTS, STAGES, identity, store_lives, store_people
from tests.conditions.strategies import Json
from tests.db.conditions.asking import found
from tests.oracle.conditions import Evaluation
from tests.oracle.world import Consent, Customer, Fact, Spell, World

AS_OF = datetime(1998, 7, 1, tzinfo=UTC)


def number(field: str, **is_: object) -> Json:
    return {"number": {"field": field, "is": is_}}


def date(field: str, **is_: object) -> Json:
    return {"date": {"field": field, "is": is_}}


def ordered(aggregate: str, is_: Json, **more: object) -> Json:
    return {"fact": {"kind": "ORDER", "aggregate": aggregate, "is": is_, **more}}


LARGE = {"number": {"field": "amount", "is": {"gte": "100"}}}
QUESTIONS: list[Json] = [
    {"everyone": True},
    number("lifetimeValue", gte="1000"),
    number("lifetimeValue", eq="0"),
    number("orderCount", between={"min": "2", "max": "5"}),
    number("averageOrderValue", gt="33.33"),
    number("purchaseFrequency", lt="0.1"),
    number("purchaseFrequency", eq="0.5"),
    number("tenureDays", gte="500"),
    number("daysSinceLastOrder", lte="90"),
    number("appointmentCount", ne="0"),
    number("riskScore", isNull=True),
    {"text": {"field": "name", "is": {"contains": "0_1"}}},
    {"text": {"field": "name", "is": {"endsWith": "%"}}},
    date("firstOrderAt", before="1997-02-01"),
    date("lastOrderAt", withinDays=30),
    date("lastOrderAt", olderThanDays=365),
    date("lastActivityAt", between={"min": "1997-12-24", "max": "1997-12-26"}),
    date("acquiredAt", after="1997-03-24"),
    date("firstOrderAt", anniversaryWithinDays=210),
    {"set": {"field": "tags", "is": {"noneOf": ["even"]}}},
    ordered("COUNT", {"gte": "2"}, withinDays=90),
    ordered("SUM", {"gt": "250.50"}, between={"min": "1997-06-01", "max": "1997-06-30"}),
    ordered("AVG", {"lt": "10"}),
    ordered("MAX", {"gte": "200"}, withinDays=180),
    ordered("MIN", {"eq": "0"}),
    ordered("DISTINCT_DAYS", {"lt": "2"}, where=[LARGE]),
    {"inSegment": str(SEGMENTS[0])},
    {"stage": {"in": ["gone"], "enteredWithinDays": 30}},
    {"message": {"was": "SENT"}},
    {"consent": {"channel": "EMAIL", "topic": "news", "state": "NEVER"}},
    {"percentile": {"field": "lifetimeValue", "top": "20"}},
    {"percentile": {"field": "orderCount", "top": "5"}},
    {"bucket": {"salt": "holdout", "from": 0, "to": 1000}},
    {"not": {"any": [number("orderCount", gte="2"), date("lastOrderAt", isNull=True)]}},
    {"all": [{"percentile": {"field": "lifetimeValue", "top": "20"}}, {"not": date("lastOrderAt", withinDays=180)}]},
]


def life(name: str, facts: list[Fact]) -> Customer:
    """A customer of CDNOW with some invented circumstances, which the data has not."""
    odd = int(name) % 2 == 1
    gone = max(fact.occurred_at for fact in facts)
    return Customer(
        id=identity(name),
        name=name,
        acquired_at=min(fact.occurred_at for fact in facts),
        facts=facts,
        tags={"odd" if odd else "even"},
        segments={SEGMENTS[odd]},
        spells=[Spell(STAGES[0], facts[0].occurred_at, gone), Spell(STAGES[2], gone, None)],
        consents=[Consent(BRANDS[0], "EMAIL", "news", "SUBSCRIBED")] if odd else [],
    )


@pytest.fixture(scope="module")
async def cdnow(database: Database) -> tuple[Organization, World]:
    lives = {
        name: [Fact("ORDER", fact.occurred_at, "COMPLETED", Decimal(str(fact.amount))) for fact in facts]
        for name, facts in orders().items()
    }
    world = World("UTC", AS_OF, [life(name, facts) for name, facts in lives.items()])
    id_ = new_id()
    # As bulk loads do: a plan of a table that was empty a moment ago would read all of it for each look-up.
    for step in (store_people, store_lives):
        async with database.tenant(id_) as tx:
            await step(tx, world)
        await keep_statistics(database)
    async with database.tenant(id_) as tx:
        return await current_organization(tx), world


@pytest.mark.timeout(300)
async def test_every_leaf_kind_agrees(database: Database, cdnow: tuple[Organization, World]) -> None:
    """Asked about everybody, and about a few candidates alone."""
    organization, world = cdnow
    assert len(world.customers) == 23_570
    evaluation = Evaluation(world)
    few = [customer.id for customer in world.customers[::4_000]]
    candidates = sql("select unnest(:ids::uuid[]) as customer_id", ids=few)
    sizes: list[int] = []
    async with database.tenant(organization.id) as tx:
        for question in QUESTIONS:
            wanted = evaluation.matches(question)
            condition = parse(question)
            # As everybody is always asked about.
            async with many_rows(tx):
                assert await found(tx, matching(condition, Scope(organization, AS_OF, AS_OF))) == sorted(wanted)
            among = Scope(organization, AS_OF, AS_OF, candidates=candidates)
            assert await found(tx, matching(condition, among)) == sorted(wanted & set(few))
            sizes.append(len(wanted))
    # Most questions divide the customers, or agreeing would mean little.
    assert sum(0 < size < 23_570 for size in sizes) >= 28
