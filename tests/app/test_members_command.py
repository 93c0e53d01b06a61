"""`wayfare members`: how the first owner of an organization gets in, and gets in again."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import orjson
import pytest
from typer.testing import CliRunner, Result

from app.cli.main import app
from db.database import Database
from domain.access import NOBODY, SCOPES
from domain.refusals import Rejected
from resolvers.context import Context
from schema.execute import execute
from tests.api import TOOLS
from tests.people import PASSWORD, come_in

ACCEPT = "mutation ($input: InvitationAcceptInput!) { invitationAccept(input: $input) { tokens { accessToken } } }"
Command = Callable[..., Awaitable[Result]]


@pytest.fixture
def wayfare(addresses: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, organization: UUID) -> Command:
    """The command in this process, in a thread, because it brings an event loop of its own."""
    monkeypatch.setenv("DATABASE_URL", addresses.database_url)
    monkeypatch.setenv("REDIS_URL", addresses.redis_url)
    monkeypatch.setenv("WAYFARE_STATE", str(tmp_path / "state"))
    monkeypatch.setenv("COLUMNS", "200")

    async def command(*arguments: str) -> Result:
        return await asyncio.to_thread(
            CliRunner().invoke, app, ["members", *arguments, "--organization", f"test-{organization}"]
        )

    return command


async def accept(database: Database, token: str, password: str = PASSWORD) -> str:
    context = Context(database, NOBODY, datetime.now(UTC), TOOLS)
    answer = orjson.loads(
        orjson.dumps(await execute(context, ACCEPT, {"input": {"token": token, "password": password}}))
    )
    text: str = answer["data"]["invitationAccept"]["tokens"]["accessToken"]
    return text


async def test_first_owner_gets_in_and_in_again(wayfare: Command, database: Database) -> None:
    invited = await wayfare("invite", "Ada@example.com")
    assert invited.exit_code == 0, invited.output
    first = await accept(database, invited.stdout.strip())
    assert (await come_in(database, first)).scopes == SCOPES.keys()
    again = await wayfare("invite", "ada@example.com")
    second = await accept(database, again.stdout.strip(), "another good password")
    with pytest.raises(Rejected):
        await come_in(database, first)
    await come_in(database, second)
    listed = await wayfare("list")
    _, row = listed.stdout.splitlines()
    assert row.split()[:3] == ["ada@example.com", "owner", "ACTIVE"]


@pytest.mark.parametrize("arguments", [["ada"], ["ada@example.com", "--role", "king"]])
async def test_invitation_that_cannot_be_is_refused(wayfare: Command, arguments: list[str]) -> None:
    refused = await wayfare("invite", *arguments)
    assert refused.exit_code == 2
    assert (await wayfare("list")).stdout.splitlines()[1:] == []
