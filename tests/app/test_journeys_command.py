"""`wayfare journeys evaluate`, `scores recalculate` and `predictions fit`: what they do; again changes nothing."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from typer.testing import CliRunner, Result

from app.cli.main import app
from db.database import Database
from db.organizations import create_organization
from domain.ids import new_id
from tests.db.journeys.people import assert_chains, everything, spells
from tests.workers.everybody import prepare, slices_of

Command = Callable[..., Awaitable[Result]]


@pytest.fixture
async def shop(database: Database) -> tuple[UUID, str]:
    """Twenty customers whose last orders are 0, 10 ... 190 days old."""
    organization = new_id()
    slug = f"shop-{organization}"
    async with database.tenant(organization) as tx:
        await create_organization(tx, name="Shop", slug=slug, timezone="America/New_York")
    await prepare(database, organization)
    return organization, slug


@pytest.fixture
def wayfare(addresses: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, shop: tuple[UUID, str]) -> Command:
    """The command in this process, in a thread, because it brings an event loop of its own."""
    monkeypatch.setenv("DATABASE_URL", addresses.database_url)
    monkeypatch.setenv("REDIS_URL", addresses.redis_url)
    monkeypatch.setenv("WAYFARE_STATE", str(tmp_path / "state"))
    monkeypatch.setenv("COLUMNS", "200")

    async def command(*arguments: str) -> Result:
        with slices_of(7):
            return await asyncio.to_thread(CliRunner().invoke, app, [*arguments, "--organization", shop[1]])

    return command


def moves(done: Result) -> dict[str, int]:
    rows = [line.rsplit(maxsplit=1) for line in done.stdout.splitlines()[1:]]
    return {move.strip(): int(number) for move, number in rows}


async def test_everybody_is_evaluated_and_again_nothing_changes(
    database: Database, shop: tuple[UUID, str], wayfare: Command
) -> None:
    done = await wayfare("journeys", "evaluate")
    assert done.exit_code == 0, done.output
    assert moves(done) == {
        "started": 20,
        "prospect to customer": 10,
        "prospect to at_risk": 9,
        "prospect to churned": 1,
    }
    async with database.tenant(shop[0]) as tx:
        before = await everything(tx)
        await assert_chains(tx)
    again = await wayfare("journeys", "evaluate")
    assert (again.exit_code, again.stdout) == (0, "Nothing changed.\n")
    async with database.tenant(shop[0]) as tx:
        assert await everything(tx) == before


async def test_a_day_means_its_beginning_where_the_organization_is(
    database: Database, shop: tuple[UUID, str], wayfare: Command
) -> None:
    day = (datetime.now(UTC) - timedelta(days=100)).date()
    done = await wayfare("journeys", "evaluate", "--as-of", str(day))
    assert done.exit_code == 0, done.output
    assert sum(number for move, number in moves(done).items() if move == "started") in (9, 10)
    async with database.tenant(shop[0]) as tx:
        entered = {spell.entered_at for history in (await spells(tx)).values() for spell in history}
        assert entered == {await tx.value("select start_of_day(:day::date, 'America/New_York')", day=day)}


async def test_scores_are_recalculated_and_again_nothing_changes(wayfare: Command) -> None:
    first, again = await wayfare("scores", "recalculate"), await wayfare("scores", "recalculate")
    assert (first.exit_code, first.stdout) == (0, "20 scores changed.\n")
    assert (again.exit_code, again.stdout) == (0, "Nothing changed.\n")
    past = await wayfare("scores", "recalculate", "--as-of", "2020-01-01T00:00:00Z")
    assert (past.exit_code, past.stdout) == (0, "20 scores changed.\n")


@pytest.mark.parametrize("when", ["2999-01-01", "2026-02-30", "yesterday", "2026-01-01T00:00:00"])
async def test_an_instant_that_is_none_or_lies_ahead_is_refused(
    database: Database, shop: tuple[UUID, str], wayfare: Command, when: str
) -> None:
    done = await wayfare("journeys", "evaluate", "--as-of", when)
    assert done.exit_code == 2
    assert "--as-of" in done.output
    async with database.tenant(shop[0]) as tx:
        assert await everything(tx) == {"journeys": [], "spells": []}


async def test_predictions_are_fitted_and_again_nothing_changes(
    database: Database, shop: tuple[UUID, str], wayfare: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    few = await wayfare("predictions", "fit")
    assert (few.exit_code, few.stdout) == (0, "No model: TOO_FEW_BUYERS, of 20 buyers.\n")
    monkeypatch.setattr("domain.predictions.MIN_BUYERS", 10)
    as_of = (datetime.now(UTC) - timedelta(days=1)).isoformat()
    done = await wayfare("predictions", "fit", "--as-of", as_of)
    assert done.exit_code == 0, done.output
    async with database.tenant(shop[0]) as tx:
        predicted = await tx.value("select count(*) from customer_prediction")
    assert predicted > 0
    assert f"{predicted} predictions changed." in done.stdout
    again = await wayfare("predictions", "fit", "--as-of", as_of)
    assert again.stdout == done.stdout.replace(f"; {predicted} ", "; 0 ")
