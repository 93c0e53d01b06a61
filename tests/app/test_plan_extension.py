"""In development an answer tells on request how it was read; elsewhere it does not."""

import json
from typing import Any
from uuid import UUID

import pytest

from app.servers import Addresses
from app.settings import Settings
from db.database import Database
from db.keys import create_key
from domain.access import SCOPES
from tests.app.serving import served
from tests.app.test_graphql_http import send


@pytest.mark.parametrize("development", [True, False])
async def test_the_plan_is_told_in_development(
    addresses: Addresses, database: Database, organization: UUID, development: bool
) -> None:
    async with database.tenant(organization) as tx:
        key = await create_key(tx, name="test", scopes=list(SCOPES))
    settings = Settings(
        database_url=addresses.database_url, redis_url=addresses.redis_url, dev_key="wf_x" if development else None
    )
    body = json.dumps({"query": "{ customers { nodes { name } } }"}).encode()
    with served(settings) as (host, _):
        _, _, answer = await send(
            f"http://{host}/graphql",
            body,
            authorization=f"Bearer {key}",
            content_type="application/json",
            x_explain="1",
        )
    plan: list[dict[str, Any]] | None = answer["extensions"].get("plan")
    assert (plan is not None) is development
    if plan is not None:
        assert [reading["relation"] for reading in plan] == ["customers"]
        assert "from customer t" in plan[0]["statement"]
