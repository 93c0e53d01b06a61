"""`wayfare campaigns` over the API: what it lists, what it says while a campaign is sent, and when it ends."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Coroutine
from typing import Any
from uuid import UUID

import pytest
from typer.testing import CliRunner, Result

from app.cli.campaign_progress import Pace
from app.cli.main import app
from app.settings import Settings
from db.database import Database
from db.keys import create_key
from domain.campaigns import CANCEL
from resolvers.ids import global_id
from tests.app.serving import served
from tests.campaigns import SECRET, Shop, open_shop
from tests.experiments import TEST, experiment
from tests.mail import mail_server
from tests.workers.sending import begin, do, sent, work
from workers.delivery import deliver_by_smtp

Command = Callable[..., Coroutine[Any, Any, Result]]


@pytest.fixture
async def shop(database: Database, organization: UUID) -> AsyncIterator[Shop]:
    async with mail_server() as server:
        deliver_by_smtp(server.url, SECRET)
        yield await open_shop(database, organization)


@pytest.fixture
async def wayfare(addresses: Any, shop: Shop, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Command]:
    """The command against a server, in a thread, because it brings an event loop of its own."""
    async with shop.database.tenant(shop.organization) as tx:
        key = await create_key(tx, name="watcher", scopes=["campaigns:view"])
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setenv("WAYFARE_KEY", key)
    settings = Settings(database_url=addresses.database_url, redis_url=addresses.redis_url)
    with served(settings) as (host, _):
        monkeypatch.setenv("WAYFARE_URL", f"http://{host}")

        async def command(*arguments: str) -> Result:
            return await asyncio.to_thread(lambda: CliRunner().invoke(app, ["campaigns", *arguments]))

        yield command


async def test_a_campaign_is_watched_until_it_has_ended(wayfare: Command, shop: Shop) -> None:
    campaign = await sent(shop)
    watching = asyncio.create_task(wayfare("watch", global_id("Campaign", campaign), "--json", "--interval", "0.1"))
    await asyncio.sleep(0.5)
    assert not watching.done()
    await work(shop)
    done = await watching
    assert done.exit_code == 0, done.output
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert (lines[0]["status"], lines[0]["audience"], lines[0]["progress"]) == ("RUNNING", 0, 0.0)
    last = lines[-1]
    assert (last["status"], last["audience"], last["sent"], last["progress"]) == ("COMPLETED", 30, 30, 1.0)
    drawn = await wayfare("watch", global_id("Campaign", campaign))
    assert drawn.exit_code == 0
    assert drawn.stdout.splitlines()[0].strip() == "Spring  COMPLETED"
    assert "100%" in drawn.stdout
    assert ["sent", "30"] in [line.split() for line in drawn.stdout.splitlines()]


async def test_what_was_cancelled_and_what_is_not_there(wayfare: Command, shop: Shop) -> None:
    campaign = await sent(shop)
    await do(shop, campaign, CANCEL)
    await work(shop)
    stopped = await wayfare("watch", global_id("Campaign", campaign))
    assert stopped.exit_code == 1
    assert "CANCELLED" in stopped.stdout
    unknown = await wayfare("watch", global_id("Campaign", shop.brand))
    assert unknown.exit_code == 2
    assert "no such campaign" in unknown.output
    nonsense = await wayfare("watch", "nonsense")
    assert nonsense.exit_code == 2


async def test_an_experiment_says_what_it_waits_for(wayfare: Command, shop: Shop) -> None:
    people = await shop.customers([f"c{n:02}" for n in range(40)])
    campaign = await experiment(shop, [await shop.segment(people)], TEST)
    await begin(shop, campaign)
    await work(shop)
    watching = asyncio.create_task(wayfare("watch", global_id("Campaign", campaign), "--json", "--interval", "0.1"))
    await asyncio.sleep(1)
    await do(shop, campaign, CANCEL)
    await work(shop)
    lines = [json.loads(line) for line in (await watching).stdout.splitlines()]
    assert lines[0]["waitsFor"].startswith("The rest waits for the winner until 20")
    assert 0 < lines[0]["progress"] < 1
    assert lines[-1]["skips"]["CAMPAIGN_CANCELLED"] == lines[0]["pending"]


async def test_campaigns_are_listed(wayfare: Command, shop: Shop) -> None:
    assert (await wayfare("list")).stdout == "There are none.\n"
    campaign = await sent(shop)
    listed = await wayfare("list")
    assert listed.exit_code == 0, listed.output
    assert global_id("Campaign", campaign) in listed.stdout
    [line] = (await wayfare("list", "--json", "--status", "running")).stdout.splitlines()
    assert json.loads(line)["id"] == global_id("Campaign", campaign)
    assert (await wayfare("list", "--status", "draft")).stdout == "There are none.\n"


async def test_without_an_address_or_a_key(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    monkeypatch.setenv("WAYFARE_STATE", str(tmp_path))
    refused = await asyncio.to_thread(lambda: CliRunner().invoke(app, ["campaigns", "list"]))
    assert refused.exit_code == 2
    assert "WAYFARE_KEY" in refused.output
    monkeypatch.setenv("WAYFARE_KEY", "wf_x_y")
    monkeypatch.setenv("WAYFARE_URL", "http://127.0.0.1:9")
    away = await asyncio.to_thread(lambda: CliRunner().invoke(app, ["campaigns", "list"]))
    assert away.exit_code == 2
    assert "cannot be reached" in away.output


def test_the_rate_is_that_of_the_last_seconds() -> None:
    pace = Pace()
    assert pace.rate(0.0, 0) == 0.0
    assert pace.rate(10.0, 1000) == 100.0
    assert [pace.rate(at, 1000) for at in (20.0, 30.0, 40.0)][-1] == 0.0
