"""A4: a wrong key is refused in as many steps whatever is wrong with it, so that no clock tells which prefixes exist.

Steps are counted instead of timed: a shared machine's clock says another thing daily.
"""

import hmac
import sys
from datetime import UTC, datetime, timedelta
from types import FrameType
from typing import Any
from uuid import UUID

import pytest

from db import keys
from db.database import Database
from db.keys import create_key
from domain.refusals import Rejected
from resolvers.access import authenticate


@pytest.fixture
async def wrong(database: Database, organization: UUID) -> dict[str, str]:
    """Keys that open nothing, by what is wrong with them."""
    async with database.tenant(organization) as tx:
        right = await create_key(tx, name="right", scopes=[])
        revoked = await create_key(tx, name="revoked", scopes=[])
        expired = await create_key(tx, name="expired", scopes=[], expires_at=datetime.now(UTC) - timedelta(days=1))
        await tx.run(
            "update api_key set revoked_at = clock_timestamp() - interval '1 day' "
            "where organization_id = :organization and name = 'revoked'"
        )
    prefix, secret = right.split("_")[1], right.split("_", 2)[2]
    other = "A" if secret[0] != "A" else "B"
    return {
        "nobody's prefix": f"wf_{'0' * 12}_{secret}",
        "wrong secret": f"wf_{prefix}_{other}{secret[1:]}",
        "wrong at its end": f"wf_{prefix}_{secret[:-2]}{other}{other}",
        "revoked": revoked,
        "expired": expired,
    }


async def refused(database: Database, key: str) -> str:
    with pytest.raises(Rejected) as rejected:
        await authenticate(database, f"Bearer {key}", datetime.now(UTC))
    return f"{rejected.value.code} {rejected.value.message} {rejected.value.details}"


async def test_every_wrong_key_takes_one_statement_and_the_same_words(
    database: Database, wrong: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    look_up = Database.look_up

    async def counted(self: Database, text: str, **values: Any) -> Any:
        asked.append(text)
        return await look_up(self, text, **values)

    def never(*_: object, **__: object) -> None:
        raise AssertionError("nothing else is asked or written for a wrong key")

    monkeypatch.setattr(Database, "look_up", counted)
    for name in ("tenant", "untenanted", "attempt", "answer"):
        monkeypatch.setattr(Database, name, never)
    assert len({await refused(database, key) for key in wrong.values()}) == 1
    assert len(asked) == len(wrong)
    assert len(set(asked)) == 1


async def test_every_secret_is_compared_in_constant_time(
    database: Database, wrong: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    compared: list[tuple[int, int]] = []

    def compare(given: bytes, stored: bytes) -> bool:
        compared.append((len(given), len(stored)))
        return hmac.compare_digest(given, stored)

    class Watched:
        compare_digest = staticmethod(compare)

    monkeypatch.setattr(keys, "hmac", Watched)
    for key in wrong.values():
        await refused(database, key)
    assert compared == [(32, 32)] * len(wrong)


async def test_every_wrong_key_takes_as_many_calls(database: Database, wrong: dict[str, str]) -> None:
    counted = {}
    for name, key in wrong.items():
        await refused(database, key)
        counted[name] = min([await calls_of(database, key) for _ in range(5)])
    most, least = max(counted.values()), min(counted.values())
    assert most <= least * 1.1, counted


async def calls_of(database: Database, key: str) -> int:
    """Calls of our own functions from the header to the refusal."""
    counted = 0

    def count(frame: FrameType, event: str, _argument: Any) -> None:
        nonlocal counted
        counted += (event == "call" and "/db/" in frame.f_code.co_filename) or "/resolvers/" in frame.f_code.co_filename

    before = sys.getprofile()
    sys.setprofile(count)
    try:
        await refused(database, key)
    finally:
        sys.setprofile(before)
    return counted
