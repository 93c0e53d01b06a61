"""An API that is killed around the commit of a request: sent again, the request has one effect and one answer."""

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

import pytest

from app.ports import free_port, listens
from app.servers import Addresses
from app.settings import CHECKOUT
from db.database import Database
from db.keys import create_key
from db.points import KILLED
from domain.access import SCOPES
from resolvers.ids import global_id
from tests.app.test_graphql_http import post
from tests.schema.test_customers import add_customers

SERVE = """
import os, sys
from contextlib import asynccontextmanager
from resolvers import idempotency

pinned, moment = idempotency.pinned, sys.argv[1]

@asynccontextmanager
async def deadly(*given):
    async with pinned(*given) as one:
        yield one
        if moment == "before the commit":
            os._exit(137)
    if moment == "after the commit":
        os._exit(137)

idempotency.pinned = deadly
from app.cli.processes import serve
serve()
"""
NOTE = """mutation ($id: ID!) { customerNoteAdd(input: {customerId: $id, body: "x"}) {
  note { id createdAt } userErrors { code } } }"""


@contextmanager
def api(addresses: Addresses, moment: str) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """An API process of its own that dies at this moment."""
    port = free_port("127.0.0.1", 0)
    environment = {
        **os.environ,
        "DATABASE_URL": addresses.database_url,
        "REDIS_URL": addresses.redis_url,
        "WAYFARE_PORT": str(port),
        "WAYFARE_SECRET": "s" * 32,
    }
    process = subprocess.Popen([sys.executable, "-c", SERVE, moment], cwd=CHECKOUT, env=environment)
    try:
        deadline = time.monotonic() + 60
        while not listens("127.0.0.1", port):
            assert process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.05)
        yield f"http://127.0.0.1:{port}", process
    finally:
        process.kill()
        process.wait()


@pytest.mark.parametrize(("moment", "kept"), [("before the commit", 0), ("after the commit", 1)])
async def test_a_request_whose_answer_was_lost_is_sent_again(
    addresses: Addresses, database: Database, organization: UUID, moment: str, kept: int
) -> None:
    async def count() -> int:
        async with database.tenant(organization) as tx:
            counted: int = await tx.value("select count(*) from customer_note")
            return counted

    (customer,) = await add_customers(database, organization, ["Ann"])
    async with database.tenant(organization) as tx:
        key = await create_key(tx, name="test", scopes=list(SCOPES))
    body = {"query": NOTE, "variables": {"id": global_id("Customer", customer)}}
    with api(addresses, moment) as (url, process):
        with pytest.raises(OSError):  # noqa: PT011  # however the connection ends
            await post(url, key, body, Idempotency_Key="once")
        assert await asyncio.to_thread(process.wait, 10) == KILLED
    assert await count() == kept
    with api(addresses, "never") as (url, _):
        answers = [await post(url, key, body, Idempotency_Key="once") for _ in range(2)]
    assert await count() == 1
    assert answers[0][2]["data"] == answers[1][2]["data"]
    assert answers[0][2]["data"]["customerNoteAdd"]["note"]
    replayed = [headers.get("idempotent-replayed") for _, headers, _ in answers]
    assert replayed == ["true" if kept else None, "true"]
