"""`wayfare import` as its users meet it: counts, an error file, exit codes; again changes nothing."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from typer.testing import CliRunner, Result

from app.cli.main import app
from db.database import Database
from db.organizations import add_brand, create_organization
from domain.ids import new_id
from tests.facts import maintained

ORDERS = "who,key,occurredAt,amount\nada,1,2026-01-01,9.90\nbob,2,2026-01-01,0.10\n"


@pytest.fixture
async def shop(database: Database) -> tuple[UUID, str]:
    """An organization that commands can name, with a second brand."""
    organization = new_id()
    slug = f"shop-{organization}"
    async with database.tenant(organization) as tx:
        await create_organization(tx, name="Shop", slug=slug, timezone="America/New_York")
        await add_brand(tx, name="Second", slug="second")
    return organization, slug


Command = Callable[..., Awaitable[Result]]


@pytest.fixture
def wayfare(addresses: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Command:
    """The command in this process, in a thread, because it brings an event loop of its own."""
    monkeypatch.setenv("DATABASE_URL", addresses.database_url)
    monkeypatch.setenv("REDIS_URL", addresses.redis_url)
    monkeypatch.setenv("WAYFARE_STATE", str(tmp_path / "state"))
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.chdir(tmp_path)

    async def command(*arguments: str) -> Result:
        return await asyncio.to_thread(lambda: CliRunner().invoke(app, ["import", *arguments]))

    return command


def counts(done: Result) -> dict[str, int]:
    lines = [line.split() for line in done.stdout.splitlines()]
    return {name: int(number.replace(",", "")) for name, number in (line for line in lines if len(line) == 2)}


def written(folder: Path, name: str, text: str) -> str:
    (folder / name).write_text(text)
    return name


async def test_orders_are_imported_once(
    database: Database, shop: tuple[UUID, str], wayfare: Command, tmp_path: Path
) -> None:
    organization, slug = shop
    file = written(tmp_path, "orders.csv", ORDERS)
    line = ("orders", file, "--source", "till", "--map", "customer=who", "--brand", "second", "--organization", slug)
    first, again = await wayfare(*line), await wayfare(*line)
    assert (first.exit_code, counts(first)) == (0, {"new": 2, "unchanged": 0, "changed": 0, "refused": 0})
    assert (again.exit_code, counts(again)) == (0, {"new": 0, "unchanged": 2, "changed": 0, "refused": 0})
    async with database.tenant(organization) as tx:
        stored = await tx.rows(
            "select f.source, f.key, b.slug, f.occurred_at::text from fact f join brand b on b.id = f.brand_id "
            "where f.organization_id = :organization order by f.key"
        )
    assert [tuple(row) for row in stored] == [
        ("till", "1", "second", "2026-01-01 05:00:00+00"),
        ("till", "2", "second", "2026-01-01 05:00:00+00"),
    ]
    assert {external_id for external_id, _ in await maintained(database, organization)} == {"ada", "bob"}


async def test_refused_rows_are_explained_in_a_file_and_the_rest_imported(
    shop: tuple[UUID, str], wayfare: Command, tmp_path: Path
) -> None:
    bad = ORDERS + "cid,3,2026-01-01,NaN\n=1+1,4,2026-02-30,1\ndan,5\n"
    file = written(tmp_path, "orders.csv", bad)
    errors = tmp_path / "orders.csv.errors.csv"
    done = await wayfare("orders", file, "--map", "customer=who", "--organization", shop[1])
    assert (done.exit_code, counts(done)) == (1, {"new": 2, "unchanged": 0, "changed": 0, "refused": 3})
    rows = [line.split(",", 3)[:3] for line in errors.read_text().splitlines()]
    assert rows == [
        ["row", "column", "code"],
        ["3", "amount", "INVALID"],
        ["4", "occurredAt", "INVALID"],
        ["5", "", "INVALID_ROW"],
    ]
    written(tmp_path, "orders.csv", ORDERS)
    mended = await wayfare("orders", file, "--map", "customer=who", "--organization", shop[1])
    assert (mended.exit_code, errors.exists()) == (0, False)


async def test_several_files_of_events_and_customers(shop: tuple[UUID, str], wayfare: Command, tmp_path: Path) -> None:
    event = {"customer": "ada", "key": "1", "occurredAt": "2026-01-01T00:00:00Z", "name": "signed up"}
    one = written(tmp_path, "one.jsonl", json.dumps(event))
    two = written(tmp_path, "two.csv", "customer,key,occurredAt,kind\nada,2,2026-01-01,VISIT\n")
    done = await wayfare("events", one, two, "--organization", shop[1])
    assert (done.exit_code, done.stdout.count("1 rows in")) == (0, 2)
    three = written(tmp_path, "three.csv", "externalId,name,tags\nada,Ada,vip\nbob,Bob,\n")
    done = await wayfare("customers", three, "--organization", shop[1])
    assert counts(done) == {"new": 1, "unchanged": 0, "changed": 1, "refused": 0}


@pytest.mark.parametrize(
    ("content", "arguments", "code", "told"),
    [
        ("customer,key\n1,2\n".encode("utf-16"), [], 1, "UTF-16"),
        (b"customer,key,occurredAt,amount\nm\xfcller,1,2026-01-01,1\n", [], 1, "line 2"),
        (b"customer,key,amount\n", [], 1, "occurredAt"),
        (ORDERS.encode(), ["--map", "colour=who"], 2, "colour"),
        (ORDERS.encode(), ["--map", "customer"], 2, "field=column"),
        (ORDERS.encode(), ["--map", "customer=who", "--brand", "third"], 2, "third"),
    ],
)
async def test_a_file_that_cannot_be_meant_writes_nothing(
    database: Database,
    shop: tuple[UUID, str],
    wayfare: Command,
    tmp_path: Path,
    content: bytes,
    arguments: list[str],
    code: int,
    told: str,
) -> None:
    (tmp_path / "orders.csv").write_bytes(content)
    done = await wayfare("orders", "orders.csv", "--organization", shop[1], *arguments)
    assert (done.exit_code, told in done.stderr, done.exception is None or isinstance(done.exception, SystemExit)) == (
        code,
        True,
        True,
    )
    assert await maintained(database, shop[0]) == {}
