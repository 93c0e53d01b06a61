"""A4: keys that are wrong in some way are refused in like time, and none of them is told from another."""

import statistics
import time
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from db.database import Database
from db.keys import create_key, find_key, revoke_key
from domain.ids import new_id

NOW = datetime.now(UTC)
TRIES, ROUNDS = 500, 4
# What a machine shared with others lets one see; a difference in kind, such as a look-up less, is far greater.
TOLERANCE = 0.25


@pytest.fixture
async def wrong(database: Database, organization: UUID) -> dict[str, str]:
    """A key for each way in which it may be wrong."""
    async with database.tenant(organization) as tx:
        good = await create_key(tx, name="good", scopes=["customers:view"])
        revoked = await create_key(tx, name="revoked", scopes=["customers:view"])
        prefix = revoked.split("_")[1]
        await revoke_key(tx, await tx.value("select id from api_key where prefix = :prefix", prefix=prefix), NOW)
        expired = await create_key(tx, name="expired", scopes=["customers:view"], expires_at=NOW - timedelta(days=1))
    assert await find_key(database, good, NOW)
    return {
        "right prefix, wrong secret": good[:-1] + ("a" if good[-1] != "a" else "b"),
        "unknown prefix": f"wf_{new_id().hex[-12:]}_{good[-43:]}",
        "revoked": revoked,
        "expired": expired,
    }


async def test_wrong_keys_take_equal_time(database: Database, wrong: dict[str, str]) -> None:
    """Medians over 2,000 tries, each kind in turn so that whatever else the machine does falls on all of them."""
    taken: dict[str, list[float]] = {kind: [] for kind in wrong}
    medians: dict[str, float] = {}
    for _ in range(ROUNDS):
        for _ in range(TRIES):
            for kind, key in wrong.items():
                begun = time.perf_counter()
                assert await find_key(database, key, NOW) is None
                taken[kind].append(time.perf_counter() - begun)
        medians = {kind: statistics.median(times) for kind, times in taken.items()}
        if max(medians.values()) <= min(medians.values()) * (1 + TOLERANCE):
            return
    pytest.fail(f"some are told from others by their time: {medians}")


@pytest.mark.parametrize(
    "presented",
    ["", "wf_", "wf_x", "wf_0123456789ab_x", "wf_0123456789AB_" + "x" * 43, "wf_0123456789a'_" + "x" * 43]
    + ["wf_0123456789ab_" + "x" * 42 + odd for odd in ("\0", "\n", "é", "\ud800", "'", " ", "xx")]
    + ["wf_" + "x" * 10_000_000],
    ids=range(14),
)
async def test_what_cannot_be_a_key_is_not_looked_up(
    database: Database, presented: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def ask(*_: object, **__: object) -> None:
        raise AssertionError("the database was asked")

    monkeypatch.setattr(Database, "look_up", ask)
    assert await find_key(database, presented, NOW) is None


async def test_a_key_is_known_with_all_it_may(database: Database, organization: UUID) -> None:
    async with database.tenant(organization) as tx:
        brand = await tx.value("select id from brand")
        text = await create_key(tx, name="k", scopes=["customers:view"], brand_ids=[brand])
        stored = await tx.value("select k::text from api_key k")
    key = await find_key(database, text, NOW)
    assert key
    assert (key.organization_id, key.slug) == (organization, f"test-{organization}")
    assert (key.scopes, key.brand_ids) == (frozenset({"customers:view"}), frozenset({brand}))
    assert text.split("_", 2)[2] not in stored
