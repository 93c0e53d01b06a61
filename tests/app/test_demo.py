"""The demo: the same everywhere, alive in every part, and never half there."""

from collections import Counter
from collections.abc import AsyncIterator
from datetime import timedelta
from uuid import UUID

import phonenumbers
import pytest

from app.demo.campaigns import TEMPLATES
from app.demo.catalogue import SHOPS
from app.demo.loading import find_loading
from app.demo.people import DOMAINS
from app.demo.population import batches, population
from app.demo.segments import FRIENDS
from app.demo.sizes import Demo
from db.database import Database, Transaction
from db.metrics import COMPUTED, computed_metrics
from db.organizations import current_organization
from domain.facts import RULES, FactKind
from domain.ids import new_id
from domain.results.activity import ACTIVITIES
from tests.demo import NOW, content, everything, new_organization, seeded
from workers.templates import check

BRANDS = {shop.slug: new_id() for shop in SHOPS}
PEOPLE, JOURNEYS, LAST = "Customers and their lives", "Two years of journeys", "Scores, segments and campaigns"


@pytest.fixture(scope="module")
async def demo(database: Database) -> UUID:
    """The organization of a small demo; read it, do not write to it."""
    organization_id = await new_organization(database)
    await seeded(database, organization_id)
    return organization_id


@pytest.fixture
async def tx(database: Database, demo: UUID) -> AsyncIterator[Transaction]:
    async with database.tenant(demo) as tx:
        yield tx


async def test_the_same_seed_and_time_make_the_same_demo(database: Database, demo: UUID) -> None:
    again = await new_organization(database)
    await seeded(database, again)
    assert await content(database, again) == await content(database, demo)


async def test_a_second_call_changes_nothing(database: Database, demo: UUID) -> None:
    before = await everything(database, demo)
    assert len(before["customer"]) == 300
    await seeded(database, demo, now=NOW + timedelta(days=9))
    assert await everything(database, demo) == before


class Stopped(Exception):  # noqa: N818  # as Ctrl-C would do
    pass


@pytest.mark.parametrize(("at", "step"), [(PEOPLE, 300), (JOURNEYS, 11), (LAST, 0)])
async def test_an_interrupted_demo_is_finished_as_if_nothing_had_happened(
    database: Database, demo: UUID, at: str, step: int
) -> None:
    def interrupt(done: int, _total: int, what: str) -> None:
        if (what, done) == (at, step):
            raise Stopped

    organization_id = await new_organization(database)
    with pytest.raises((Stopped, ExceptionGroup)):
        await seeded(database, organization_id, interrupt)
    async with database.tenant(organization_id) as tx:
        loading = await find_loading(tx)
    assert loading
    assert (loading.size, loading.now, loading.done) == (Demo.SMALL, NOW, False)
    await seeded(database, organization_id, now=NOW + timedelta(days=9))
    assert await content(database, organization_id) == await content(database, demo)


async def test_progress_goes_from_nothing_to_all(database: Database) -> None:
    told: list[tuple[int, int, str]] = []
    await seeded(database, await new_organization(database), lambda *step: told.append(step))
    assert list(dict.fromkeys(what for _, _, what in told)) == [PEOPLE, JOURNEYS, LAST]
    for what, total in ((PEOPLE, 300), (JOURNEYS, 25), (LAST, 1)):
        steps = [done for done, _, said in told if said == what]
        assert {said for _, said, about in told if about == what} == {total}
        assert (steps[0], steps[-1]) == (0, total)
        assert steps == sorted(steps)


async def test_every_stage_has_customers_and_a_past(tx: Transaction) -> None:
    now = dict(
        await tx.rows(
            "select s.key, count(j.id) from journey_stage s left join journey j on j.stage_id = s.id "
            "and j.organization_id = s.organization_id group by 1"
        )
    )
    assert len(now) == 7
    assert all(now.values())
    assert sum(now.values()) == 300
    events = dict(await tx.rows("select trigger_event, count(*) from stage_transition where seq > 1 group by 1"))
    assert set(events) == {"PROGRESSION", "RETENTION", "WIN_BACK"}
    months = await tx.value("select count(distinct entered_at) from stage_transition")
    assert months > 20


async def test_spells_are_contiguous_and_end_in_the_present_stage(tx: Transaction) -> None:
    broken = await tx.rows(
        """
        select * from (
            select t.*, lead(t.entered_at) over w as next_entered, lead(t.from_stage_id) over w as next_from,
                   row_number() over w as number, lead(t.seq) over w is null as is_last,
                   j.stage_id, j.version, j.stage_entered_at
            from stage_transition t
            join journey j on j.organization_id = t.organization_id and j.id = t.journey_id
            window w as (partition by t.journey_id order by t.seq)) t
        where seq <> number or exited_at is distinct from next_entered
           or not is_last and next_from <> to_stage_id
           or is_last and (to_stage_id, entered_at, seq) is distinct from (stage_id, stage_entered_at, version)
        """
    )
    assert broken == []


async def test_every_segment_has_members_and_counts_them(tx: Transaction) -> None:
    rows = await tx.rows(
        """
        select s.key, s.type, s.member_count, count(m.customer_id)
        from segment s left join segment_membership m on m.organization_id = s.organization_id and m.segment_id = s.id
        group by 1, 2, 3
        """
    )
    assert {row[0] for row in rows if row[1] == "MANUAL"} == {FRIENDS}
    assert len(rows) == 10
    assert [row for row in rows if row[2] != row[3]] == []
    assert min(row[3] for row in rows) > 0
    assert max(row[3] for row in rows) < 300


async def test_metrics_are_those_of_the_facts(tx: Transaction) -> None:
    computed = computed_metrics(await current_organization(tx), NOW, each_brand=True)
    columns = ", ".join(COMPUTED)
    differing = await tx.rows(
        f"""
        select * from (select customer_id, brand_id, {columns} from customer_metrics) m
        full join (:computed) c on c.customer_id = m.customer_id and c.brand_id is not distinct from m.brand_id
        where m is distinct from c
        """,
        computed=computed,
    )
    assert differing == []


async def test_nobody_is_owed_an_evaluation(tx: Transaction) -> None:
    assert await tx.value("select count(*) from dirty_customer") == 0


async def test_nothing_is_sent_and_no_ledger_is_made_up(tx: Transaction) -> None:
    assert [row[0] for row in await tx.rows("select status from campaign order by name")] == ["DRAFT"] * 3
    assert await tx.value("select count(*) from message") == 0
    assert await tx.value("select count(*) from suppression") == 3
    assert {row[0] for row in await tx.rows("select distinct state from consent")} == {
        *("SUBSCRIBED", "UNSUBSCRIBED", "PENDING")
    }


def test_templates_are_sound() -> None:
    for template in TEMPLATES.values():
        check(template)  # raises Refused


def test_lives_are_of_every_kind_and_end_now() -> None:
    facts = [fact for character in population(300, NOW, BRANDS) for fact in character.facts]
    told = Counter((fact.kind, fact.status) for fact in facts)
    # Nothing is made up of messages, and so nothing of what customers do about them.
    rules = {kind: rules for kind, rules in RULES.items() if kind not in ACTIVITIES.values()}
    assert set(told) == {(kind, status) for kind, said in rules.items() for status in said.statuses or [None]}
    moments = [fact.occurred_at for fact in facts]
    assert timedelta(0) < NOW - max(moments) < timedelta(days=2)
    assert timedelta(days=600) < NOW - min(moments) < timedelta(days=730)
    assert {fact.brand_id for fact in facts} == set(BRANDS.values())
    calls = [fact.duration_seconds or 0 for fact in facts if fact.kind is FactKind.CALL]
    assert min(calls) < 60 < max(calls)
    orders = [fact for fact in facts if fact.kind is FactKind.ORDER]
    assert all(order.items and order.amount == sum(item.amount or 0 for item in order.items) for order in orders)


def test_nobody_can_be_reached() -> None:
    profiles = [character.profile.fields for character in population(3_000, NOW, BRANDS)]
    emails = [profile["email"] for profile in profiles if profile["email"]]
    assert {email.rpartition("@")[2] for email in emails} == set(DOMAINS)
    assert len(set(emails)) == len(emails) > 2_800
    for profile in profiles:
        if profile["phone"]:
            number = phonenumbers.parse(profile["phone"])
            assert phonenumbers.is_valid_number(number)
            assert phonenumbers.region_code_for_number(number) == profile["country"]
    assert Counter(profile["kind"] for profile in profiles)["BUSINESS"] > 100


def test_a_larger_demo_has_the_customers_of_a_smaller_one() -> None:
    assert list(population(40, NOW, BRANDS)) == list(population(300, NOW, BRANDS))[:40]


@pytest.mark.parametrize(("customers", "facts"), [(7, 1_000), (1_000, 60)])
def test_batches_hold_everybody_and_no_more_than_they_may(customers: int, facts: int) -> None:
    everybody = list(population(50, NOW, BRANDS))
    some = list(batches(iter(everybody), customers, facts))
    assert [character for batch in some for character in batch] == everybody
    assert max(map(len, some)) <= customers
    assert max(sum(len(character.facts) for character in batch) for batch in some) <= facts
    assert len(some) > 3
