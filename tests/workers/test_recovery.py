"""Forgotten passwords from the request over the mail to the next sign-in."""

import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import orjson
import pytest

from db.database import Database
from db.members import lock_member
from domain.access import NOBODY
from domain.ids import new_id
from domain.refusals import Rejected
from domain.sessions import MAX_FAILURES, MAX_RESETS
from resolvers.context import Context
from schema.execute import execute
from tests.api import TOOLS
from tests.campaigns import SECRET
from tests.jobs import drain
from tests.mail import MailServer, mail_server
from tests.people import PASSWORD, add_person, come_in
from workers import delivery
from workers.delivery import deliver_by_smtp
from workers.handlers import load

ASK = """mutation ($input: PasswordResetRequestInput!) {
  passwordResetRequest(input: $input) { accepted userErrors { code } }
}"""
RESET = "mutation ($input: PasswordResetInput!) { passwordReset(input: $input) { reset userErrors { code field } } }"
SIGN_IN = "mutation ($input: SignInInput!) { signIn(input: $input) { tokens { accessToken } userErrors { code } } }"
ANOTHER = "another long password"
DONE = {"reset": True, "userErrors": []}
BAD = {"reset": False, "userErrors": [{"code": "INVALID_TOKEN", "field": ["input", "token"]}]}


@pytest.fixture
async def server(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[MailServer]:
    load()
    monkeypatch.setattr(delivery, "_delivery", None)
    async with mail_server() as running:
        deliver_by_smtp(
            running.url, SECRET, "wayfare@example.com", reset_url="https://app.example/new-password?token={token}"
        )
        yield running


@pytest.fixture
def email() -> str:
    return f"ada-{new_id()}@example.com"


class Stranger:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def __call__(
        self, document: str, *, address: str | None = None, after: timedelta = timedelta(0), **input: Any
    ) -> Any:
        context = Context(self._database, NOBODY, datetime.now(UTC) + after, TOOLS, address=address)
        answer = orjson.loads(orjson.dumps(await execute(context, document, {"input": input})))
        if not answer.get("data"):
            return answer["errors"][0]["extensions"]
        (payload,) = answer["data"].values()
        return payload


@pytest.fixture
def stranger(database: Database) -> Stranger:
    return Stranger(database)


async def token_of(server: MailServer, database: Database, organization: UUID) -> str:
    """What the newest mail contains, once the jobs are done."""
    await drain(database, organization)
    [link] = re.findall(r"https://app\.example/new-password\?token=\S+", server.mails[-1].parsed().get_content())
    return str(link.partition("=")[2])


async def test_mail_lets_its_reader_set_another_password(
    stranger: Stranger, server: MailServer, database: Database, organization: UUID, email: str
) -> None:
    member = await add_person(database, organization, email)
    before = (await stranger(SIGN_IN, email=email, password=PASSWORD))["tokens"]["accessToken"]
    assert await stranger(ASK, email=email.upper()) == {"accepted": True, "userErrors": []}
    token = await token_of(server, database, organization)
    assert [one.recipient for one in server.mails] == [email]
    easy = {"reset": False, "userErrors": [{"code": "INVALID", "field": ["input", "newPassword"]}]}
    assert await stranger(RESET, token=token, newPassword="short") == easy
    assert await stranger(RESET, token=token, newPassword=ANOTHER) == DONE
    with pytest.raises(Rejected):
        await come_in(database, before)
    assert (await stranger(SIGN_IN, email=email, password=PASSWORD))["userErrors"] == [{"code": "INVALID_CREDENTIALS"}]
    assert (await stranger(SIGN_IN, email=email, password=ANOTHER))["tokens"]
    assert await stranger(RESET, token=token, newPassword=ANOTHER + "!") == BAD
    async with database.tenant(organization) as tx:
        told = await tx.rows("select action, actor from audit_entry where action like 'passwordReset%' order by id")
        assert await tx.value("select count(*) from password_reset") == 0
    assert told == [("passwordResetRequest", "nobody"), ("passwordReset", f"member:{member}")]


async def test_what_is_stored_does_not_let_anybody_in(
    stranger: Stranger, server: MailServer, database: Database, organization: UUID, email: str
) -> None:
    await add_person(database, organization, email)
    await stranger(ASK, email=email)
    token = await token_of(server, database, organization)
    async with database.tenant(organization) as tx:
        stored = [
            row[0] for name in ("job", "password_reset") for row in await tx.rows(f"select t::text from {name} t")
        ]
    assert len(stored) == 2
    assert token[4:] not in " ".join(stored)
    assert email not in " ".join(stored)


async def test_token_is_good_for_an_hour_and_until_the_next(
    stranger: Stranger, server: MailServer, database: Database, organization: UUID, email: str
) -> None:
    await add_person(database, organization, email)
    await stranger(ASK, email=email)
    first = await token_of(server, database, organization)
    late = timedelta(hours=1, minutes=1)
    assert await stranger(RESET, token=first, newPassword=ANOTHER, after=late) == BAD
    await stranger(ASK, email=email)
    second = await token_of(server, database, organization)
    assert await stranger(RESET, token=first, newPassword=ANOTHER) == BAD
    for rubbish in ("", "x", first[:-4], "wfi" + second[3:]):
        assert await stranger(RESET, token=rubbish, newPassword=ANOTHER) == BAD
    assert await stranger(RESET, token=second, newPassword=ANOTHER) == DONE


async def test_answer_is_the_same_for_who_is_not_known_or_has_no_password(
    stranger: Stranger, server: MailServer, database: Database, organization: UUID, email: str
) -> None:
    invited = f"invited-{email}"
    await add_person(database, organization, invited, password=None)
    for address in (email, invited, "no address", ""):
        assert await stranger(ASK, email=address) == {"accepted": True, "userErrors": []}
    await drain(database, organization)
    assert server.mails == []


async def test_who_is_gone_meanwhile_gets_no_mail(
    stranger: Stranger, server: MailServer, database: Database, organization: UUID, email: str
) -> None:
    member = await add_person(database, organization, email)
    await stranger(ASK, email=email)
    async with database.tenant(organization) as tx:
        await tx.run("update member set password_hash = null where id = :id", id=member)
    await drain(database, organization)
    assert server.mails == []


async def test_requests_are_counted_by_account_and_by_place(
    stranger: Stranger, database: Database, organization: UUID, email: str
) -> None:
    await add_person(database, organization, email)
    for known in (email, f"nobody-{email}"):
        answers = [await stranger(ASK, email=known) for _ in range(MAX_RESETS + 1)]
        assert answers[-2] == {"accepted": True, "userErrors": []}
        assert answers[-1]["code"] == "RATE_LIMITED"
        assert 0 < answers[-1]["retryAfter"] <= 900
    place = str(new_id())
    answers = [await stranger(ASK, email=f"{n}-{email}", address=place) for n in range(MAX_FAILURES + 1)]
    assert [answer.get("code") for answer in answers] == [None] * MAX_FAILURES + ["RATE_LIMITED"]
    async with database.tenant(organization) as tx:
        assert await lock_member(tx, email=email), "whoever asks for somebody else keeps nobody out"
    assert (await stranger(SIGN_IN, email=email, password=PASSWORD, address=place))["tokens"]
