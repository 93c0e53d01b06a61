"""`wayfare segments refresh`: what it does and refuses; again changes nothing."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from typer.testing import CliRunner, Result

from app.cli.main import app
from db.database import Database
from db.organizations import create_organization
from domain.ids import new_id
from tests.segments import add_segment, members
from tests.workers.everybody import prepare, slices_of

Command = Callable[..., Awaitable[Result]]


@pytest.fixture
async def shop(database: Database) -> tuple[UUID, str]:
    """Twenty customers whose orders are worth 0, 100 ... 1,900; two automatic segments and a manual one."""
    organization = new_id()
    slug = f"shop-{organization}"
    async with database.tenant(organization) as tx:
        await create_organization(tx, name="Shop", slug=slug)
        await add_segment(tx, "rich", {"number": {"field": "lifetimeValue", "is": {"gte": "1500"}}})
        await add_segment(tx, "buyers", {"number": {"field": "orderCount", "is": {"gte": "1"}}})
        await add_segment(tx, "friends")
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
            return await asyncio.to_thread(
                CliRunner().invoke, app, ["segments", "refresh", *arguments, "--organization", shop[1]]
            )

    return command


async def test_all_are_refreshed_and_again_nothing_changes(wayfare: Command) -> None:
    done = await wayfare()
    assert done.exit_code == 0, done.output
    head, _, *rows = done.stdout.splitlines()
    assert head == "25 entered, 0 left."
    assert [row.split() for row in rows] == [["buyers", "20"], ["rich", "5"]]
    again = await wayfare()
    assert (again.exit_code, again.stdout) == (0, "Nothing changed.\n")


async def test_one_is_refreshed_as_of_then(database: Database, shop: tuple[UUID, str], wayfare: Command) -> None:
    done = await wayfare("--segment", "buyers", "--as-of", "2020-01-01")
    assert (done.exit_code, done.stdout) == (0, "Nothing changed.\n")
    done = await wayfare("--segment", "rich")
    assert done.stdout.splitlines()[0] == "5 entered, 0 left."
    async with database.tenant(shop[0]) as tx:
        buyers = await tx.value("select id from segment where organization_id = :organization and key = 'buyers'")
        assert await members(tx, buyers) == []


@pytest.mark.parametrize("key", ["friends", "nobody"])
async def test_a_segment_that_cannot_be_refreshed_is_refused(
    database: Database, shop: tuple[UUID, str], wayfare: Command, key: str
) -> None:
    done = await wayfare("--segment", "rich", "--segment", key)
    assert done.exit_code == 2
    assert key in done.output
    async with database.tenant(shop[0]) as tx:
        assert await tx.value("select count(*) from segment_membership where organization_id = :organization") == 0
