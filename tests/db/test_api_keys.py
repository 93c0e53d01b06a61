"""API keys are shown once, stored as a hash and found by what their holder presents."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from db.api_keys import create_api_key, find_api_key
from db.database import Database

NOW = datetime(2026, 1, 1, tzinfo=UTC)


async def test_finds_a_key_by_its_text_without_knowing_the_organization(database: Database, organization: UUID) -> None:
    async with database.tenant(organization) as tx:
        text = await create_api_key(tx, name="Shop", scopes=["segments:view", "customers:view"])
    async with database.untenanted() as tx:
        key = await find_api_key(tx, text, NOW)
    assert key is not None
    assert (key.organization_id, key.scopes, key.brand_ids) == (
        organization,
        frozenset({"segments:view", "customers:view"}),
        None,
    )
    assert text.startswith(f"wf_{key.prefix}_")


async def test_stores_no_secret(database: Database, organization: UUID) -> None:
    async with database.tenant(organization) as tx:
        text = await create_api_key(tx, name="Shop", scopes=[])
        stored = await tx.value("select to_jsonb(k)::text from api_key k where k.organization_id = :organization")
    assert text.rpartition("_")[2] not in stored


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text[:-2] + ("00" if text[-2:] != "00" else "11"),
        lambda text: text[:-1] + "\0",
        lambda _: "",
        lambda _: "é",
    ],
)
async def test_refuses_any_other_text(database: Database, organization: UUID, change: Callable[[str], str]) -> None:
    async with database.tenant(organization) as tx:
        text = await create_api_key(tx, name="Shop", scopes=[])
    async with database.untenanted() as tx:
        assert await find_api_key(tx, change(text), NOW) is None


async def test_refuses_expired_and_revoked_keys(database: Database, organization: UUID) -> None:
    async with database.tenant(organization) as tx:
        expired = await create_api_key(tx, name="Old", scopes=[], expires_at=NOW)
        valid = await create_api_key(tx, name="New", scopes=[], expires_at=NOW + timedelta(seconds=1))
        revoked = await create_api_key(tx, name="Lost", scopes=[])
        await tx.run(
            "update api_key set revoked_at = now() where organization_id = :organization and name = :name", name="Lost"
        )
    async with database.untenanted() as tx:
        assert await find_api_key(tx, expired, NOW) is None
        assert await find_api_key(tx, revoked, NOW) is None
        assert await find_api_key(tx, valid, NOW) is not None
