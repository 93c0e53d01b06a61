"""Invitations by mail: what arrives lets its reader in, and nothing readable of it is stored."""

import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import orjson
import pytest

from db.database import Database
from db.roles import find_role
from domain.access import NOBODY
from resolvers.context import Context
from resolvers.ids import global_id
from schema.execute import execute
from tests.api import TOOLS, Api
from tests.campaigns import SECRET
from tests.mail import MailServer, mail_server
from tests.people import PASSWORD
from workers import delivery
from workers.delivery import deliver_by_smtp
from workers.handlers import load
from workers.jobs import perform

INVITE = "mutation ($input: MemberInviteInput!) { memberInvite(input: $input) { token userErrors { code } } }"
ACCEPT = "mutation ($input: InvitationAcceptInput!) { invitationAccept(input: $input) { tokens { accessToken } } }"
WHERE = "https://app.example/join?token={token}"


@pytest.fixture
async def server(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[MailServer]:
    load()
    monkeypatch.setattr(delivery, "_delivery", None)
    async with mail_server() as running:
        deliver_by_smtp(running.url, SECRET, "wayfare@example.com", WHERE)
        yield running


async def invited(api: Api, database: Database, organization: UUID, email: str) -> UUID:
    """The job that the invitation owes."""
    async with database.tenant(organization) as tx:
        role = await find_role(tx, key="viewer")
    assert role
    answer = await api(INVITE, input={"email": email, "roleId": global_id("Role", role.id)})
    assert answer["data"]["memberInvite"] == {"token": None, "userErrors": []}
    return await job(database, organization)


async def job(database: Database, organization: UUID) -> UUID:
    async with database.tenant(organization) as tx:
        found: UUID = await tx.value("select id from job where kind = 'members.invite' order by id desc limit 1")
    return found


async def accept(database: Database, token: str) -> Any:
    context = Context(database, NOBODY, datetime.now(UTC), TOOLS)
    answer = await execute(context, ACCEPT, {"input": {"token": token, "password": PASSWORD}})
    return orjson.loads(orjson.dumps(answer))["data"]["invitationAccept"]["tokens"]


async def test_mail_lets_its_reader_in(api: Api, database: Database, organization: UUID, server: MailServer) -> None:
    assert await perform(database, await invited(api, database, organization, "ada@example.com"))
    [received] = server.mails
    assert (received.sender, received.recipient) == ("wayfare@example.com", "ada@example.com")
    message = received.parsed()
    assert message["Subject"] == "Join Test on Wayfare"
    [link] = re.findall(r"https://app\.example/join\?token=\S+", message.get_content())
    token = link.partition("=")[2]
    async with database.tenant(organization) as tx:
        stored = [row[0] for table in ("job", "invitation") for row in await tx.rows(f"select t::text from {table} t")]
    assert token[4:] not in " ".join(stored)
    assert "ada@" not in " ".join(stored)
    assert await accept(database, token)


async def test_who_has_come_gets_no_mail(api: Api, database: Database, organization: UUID, server: MailServer) -> None:
    owed = await invited(api, database, organization, "ada@example.com")
    async with database.tenant(organization) as tx:
        await tx.run("update member set state = 'ACTIVE'")
    assert await perform(database, owed)
    assert server.mails == []


async def test_mail_that_was_not_taken_is_tried_again_with_another_token(
    api: Api, database: Database, organization: UUID, server: MailServer
) -> None:
    server.deferred["ada@example.com"] = "451 later"
    owed = await invited(api, database, organization, "ada@example.com")
    await perform(database, owed)
    assert server.mails == []
    server.deferred.clear()
    async with database.tenant(organization) as tx:
        assert await tx.value("select state from job where id = :id", id=owed) == "ready"
        await tx.run("update job set run_at = clock_timestamp() where id = :id", id=owed)
    assert await perform(database, owed)
    assert server.count == {"ada@example.com": 1}
