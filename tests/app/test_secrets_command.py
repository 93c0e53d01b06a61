"""`wayfare secrets rotate`: afterwards the old key opens nothing and the new one everything."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import asyncpg
import pytest
from typer.testing import CliRunner, Result

from app.cli.main import app
from db import providers, webhooks
from db.database import Database
from db.vault import SealedError, Vault
from domain.consents import Channel
from domain.events import EventType
from domain.ids import new_id
from domain.provider_accounts import Draft
from domain.providers import ProviderKind
from tests.carriers.providers import API_KEY
from tests.conftest import TEMPLATE
from tests.receiver import listen

OLD = "a secret of the tests that was long enough"
NEW = "another secret of the tests that is long enough"
Command = Callable[[str], Awaitable[Result]]


@pytest.fixture
async def own_url(addresses: Any) -> AsyncIterator[str]:
    """A database of this test alone: the command goes through the secrets of every organization in it."""
    name = f"own_{new_id().hex}"
    server = await asyncpg.connect(addresses.database_url)
    await server.execute(f"create database {name} template {TEMPLATE}")
    yield urlsplit(addresses.database_url)._replace(path=f"/{name}").geturl()
    await server.execute(f"drop database {name} with (force)")
    await server.close()


@pytest.fixture
async def database(own_url: str) -> AsyncIterator[Database]:
    opened = await Database.open(own_url)
    yield opened
    await opened.close()


@pytest.fixture
def rotate(own_url: str, addresses: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Command:
    """The command with these encryption keys; it brings an event loop of its own."""
    monkeypatch.setenv("DATABASE_URL", own_url)
    monkeypatch.setenv("REDIS_URL", addresses.redis_url)
    monkeypatch.setenv("WAYFARE_STATE", str(tmp_path / "state"))
    monkeypatch.setenv("WAYFARE_SECRET", "x" * 40)
    monkeypatch.setenv("COLUMNS", "200")

    async def command(keys: str) -> Result:
        monkeypatch.setenv("WAYFARE_ENCRYPTION_KEYS", keys)
        return await asyncio.to_thread(CliRunner().invoke, app, ["secrets", "rotate"])

    return command


def vault(*keys: str) -> Vault:
    return Vault([key.encode() for key in keys])


async def test_every_secret_is_sealed_anew_and_none_is_told(
    rotate: Command, database: Database, organization: UUID
) -> None:
    account_id = new_id()
    draft = Draft("Mails", ProviderKind.SENDGRID, Channel.EMAIL, None, {}, None, None)
    webhook, secret = await listen(database, organization, "https://example.com/", EventType.CUSTOMER_CREATED)
    async with database.tenant(organization) as tx:
        await providers.add_account(tx, account_id, draft)
        await providers.seal_secrets(tx, vault(OLD), account_id, {"apiKey": API_KEY})
        sealed = vault(OLD).seal(organization, webhook, secret)
        await tx.run("update webhook set secret = :sealed where id = :id", sealed=sealed, id=webhook)
    missing = await rotate(NEW)
    assert missing.exit_code == 2
    assert "is missing" in missing.output
    done = await rotate(f"{NEW},{OLD}")
    assert done.exit_code == 0, done.output
    assert "1 webhooks and 1 provider accounts" in done.output
    assert API_KEY not in done.output + missing.output
    async with database.tenant(organization) as tx:
        assert await providers.open_secrets(tx, vault(NEW), account_id) == {"apiKey": API_KEY}
        with pytest.raises(SealedError):
            await providers.open_secrets(tx, vault(OLD), account_id)
        [hook] = await webhooks.sealed_secrets(tx, webhook)
    assert vault(NEW).open(organization, webhook, hook) == secret
    again = await rotate(f"{NEW},{OLD}")
    assert "0 provider accounts" in again.output
