"""Signing in, staying in and going, through GraphQL."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import orjson
import pytest

from db.database import Database
from db.organizations import create_organization
from domain.access import NO_ORGANIZATION, SCOPES
from domain.ids import new_id
from domain.refusals import Rejected
from domain.sessions import ACCESS_LIFE, MAX_FAILURES, SESSION_LIFE
from resolvers.context import Context
from schema.execute import execute
from tests.api import TOOLS, Api, caller
from tests.people import PASSWORD, add_person, come_in

TOKENS = "tokens { accessToken expiresAt refreshToken refreshExpiresAt } userErrors { code field }"
SIGN_IN = f"mutation ($input: SignInInput!) {{ signIn(input: $input) {{ {TOKENS} }} }}"
REFRESH = f"mutation ($input: TokenRefreshInput!) {{ tokenRefresh(input: $input) {{ {TOKENS} }} }}"
SIGN_OUT = "mutation ($input: SignOutInput!) { signOut(input: $input) { signedOut } }"


class Strangers:
    """Requests that come without any key, perhaps from an address and at another time."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def __call__(
        self, document: str, *, address: str | None = None, after: timedelta = timedelta(0), **input: Any
    ) -> Any:
        nobody = caller(NO_ORGANIZATION, frozenset())
        context = Context(self._database, nobody, datetime.now(UTC) + after, TOOLS, address=address)
        return orjson.loads(orjson.dumps(await execute(context, document, {"input": input})))

    async def sign_in(self, email: str, password: str = PASSWORD, **options: Any) -> Any:
        answer = await self(SIGN_IN, email=email, password=password, **options)
        return answer["data"]["signIn"] if answer.get("data") else answer["errors"][0]["extensions"]

    async def refresh(self, token: str, **options: Any) -> Any:
        return (await self(REFRESH, refreshToken=token, **options))["data"]["tokenRefresh"]


@pytest.fixture
def strangers(database: Database) -> Strangers:
    return Strangers(database)


@pytest.fixture
def email() -> str:
    return f"ada-{new_id()}@example.com"


async def is_in(database: Database, token: str, **options: Any) -> bool:
    try:
        await come_in(database, token, **options)
    except Rejected as rejection:
        return rejection.code != "UNAUTHENTICATED"
    return True


async def test_session_from_its_beginning_to_its_end(
    strangers: Strangers, database: Database, organization: UUID, email: str
) -> None:
    member = await add_person(database, organization, email)
    signed = await strangers.sign_in(f"  {email.upper()} ")
    assert signed["userErrors"] == []
    first = signed["tokens"]
    who = await come_in(database, first["accessToken"])
    assert (who.organization_id, who.member_id, who.actor) == (organization, member, f"member:{member}")
    assert who.scopes == SCOPES.keys()
    assert not await is_in(database, first["accessToken"], at=datetime.now(UTC) + ACCESS_LIFE)

    second = (await strangers.refresh(first["refreshToken"]))["tokens"]
    assert second["refreshToken"] != first["refreshToken"]
    assert second["refreshExpiresAt"] == first["refreshExpiresAt"]
    assert await is_in(database, second["accessToken"])

    out = await strangers(SIGN_OUT, refreshToken=second["refreshToken"])
    assert out["data"]["signOut"] == {"signedOut": True}
    assert not await is_in(database, second["accessToken"])
    assert (await strangers.refresh(second["refreshToken"]))["userErrors"][0]["code"] == "INVALID_TOKEN"
    again = await strangers(SIGN_OUT, refreshToken="wfr_unknown")
    assert again["data"]["signOut"] == {"signedOut": False}


async def test_token_that_comes_twice_ends_the_session(
    strangers: Strangers, database: Database, organization: UUID, email: str
) -> None:
    await add_person(database, organization, email)
    first = (await strangers.sign_in(email))["tokens"]
    other = (await strangers.sign_in(email))["tokens"]
    second = (await strangers.refresh(first["refreshToken"]))["tokens"]
    stolen = await strangers.refresh(first["refreshToken"])
    assert (stolen["tokens"], stolen["userErrors"][0]["code"]) == (None, "INVALID_TOKEN")
    assert (await strangers.refresh(second["refreshToken"]))["tokens"] is None
    assert not await is_in(database, second["accessToken"])
    assert await is_in(database, other["accessToken"])


async def test_of_many_refreshes_at_once_one_succeeds(
    strangers: Strangers, database: Database, organization: UUID, email: str
) -> None:
    await add_person(database, organization, email)
    token = (await strangers.sign_in(email))["tokens"]["refreshToken"]
    answers = await asyncio.gather(*(strangers.refresh(token) for _ in range(8)))
    assert sum(answer["tokens"] is not None for answer in answers) == 1


async def test_session_does_not_outlive_its_time(
    strangers: Strangers, database: Database, organization: UUID, email: str
) -> None:
    await add_person(database, organization, email)
    token = (await strangers.sign_in(email))["tokens"]["refreshToken"]
    assert (await strangers.refresh(token, after=SESSION_LIFE))["tokens"] is None


async def test_signing_out_everywhere(strangers: Strangers, database: Database, organization: UUID, email: str) -> None:
    await add_person(database, organization, email)
    here, there = [(await strangers.sign_in(email))["tokens"] for _ in range(2)]
    await strangers(SIGN_OUT, refreshToken=here["refreshToken"], everywhere=True)
    assert not await is_in(database, there["accessToken"])


async def test_payload_is_answered_for_who_signed_in(
    strangers: Strangers, database: Database, organization: UUID, email: str
) -> None:
    await add_person(database, organization, email, "viewer")
    asked = "query { viewer { scopes member { email role { key } } organization { name } } }"
    document = f"mutation ($input: SignInInput!) {{ signIn(input: $input) {{ {asked} }} }}"
    answer = await strangers(document, email=email, password=PASSWORD)
    viewer = answer["data"]["signIn"]["query"]["viewer"]
    assert viewer["member"] == {"email": email, "role": {"key": "viewer"}}
    assert viewer["organization"] == {"name": "Test"}
    assert "members:manage" not in viewer["scopes"]
    refused = await strangers(document, email=email, password="wrong")
    assert refused["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"


async def test_wrong_in_any_way_sounds_the_same(
    strangers: Strangers, database: Database, organization: UUID, email: str
) -> None:
    await add_person(database, organization, email)
    await add_person(database, organization, f"invited-{email}", password=None)
    answers = [
        await strangers.sign_in(email, "wrong"),
        await strangers.sign_in(email, PASSWORD, organization="no-such"),
        await strangers.sign_in(email, PASSWORD + "\0"),
        await strangers.sign_in(email, "\ud800"),
        await strangers.sign_in(email, ""),
        await strangers.sign_in(f"invited-{email}", ""),
        await strangers.sign_in(f"nobody-{email}"),
        await strangers.sign_in("no address"),
    ]
    assert answers == [{"tokens": None, "userErrors": [{"code": "INVALID_CREDENTIALS", "field": ["input"]}]}] * 8


async def test_one_address_in_two_organizations(
    strangers: Strangers, database: Database, organization: UUID, email: str
) -> None:
    """T9: two people of one address, each with a password of their own."""
    other, slug = new_id(), f"other-{new_id()}"
    async with database.tenant(other) as tx:
        await create_organization(tx, name="Other", slug=slug)
    await add_person(database, organization, email)
    await add_person(database, other, email, password="another horse battery")
    assert (await strangers.sign_in(email))["tokens"] is None
    assert (await strangers.sign_in(email, organization=slug))["tokens"] is None
    there = await strangers.sign_in(email, "another horse battery", organization=slug)
    assert (await come_in(database, there["tokens"]["accessToken"])).organization_id == other
    here = await strangers.sign_in(email, organization=f"test-{organization}")
    token = here["tokens"]["accessToken"]
    assert (await come_in(database, token)).organization_id == organization
    assert (await come_in(database, token, organization=f"test-{organization}")).organization_id == organization
    with pytest.raises(Rejected, match="X-Organization") as rejected:
        await come_in(database, token, organization=slug)
    assert rejected.value.code == "FORBIDDEN"


async def test_account_rests_after_twenty_failures(
    strangers: Strangers, database: Database, organization: UUID, email: str, api: Api
) -> None:
    """A5: per account, wherever the tries come from; who is in stays in."""
    await add_person(database, organization, email)
    inside = (await strangers.sign_in(email))["tokens"]
    for n in range(MAX_FAILURES):
        failed = await strangers.sign_in(email, "wrong", address=f"192.0.2.{n}")
        assert failed["userErrors"][0]["code"] == "INVALID_CREDENTIALS"
    limited = await strangers.sign_in(email, address="198.51.100.1")
    assert limited["code"] == "RATE_LIMITED"
    assert 0 < limited["retryAfter"] <= 900
    assert (await strangers.refresh(inside["refreshToken"]))["tokens"]
    assert (await strangers.sign_in(f"nobody-{email}"))["userErrors"][0]["code"] == "INVALID_CREDENTIALS"


async def test_address_rests_after_twenty_failures(
    strangers: Strangers, database: Database, organization: UUID, email: str
) -> None:
    """A5: per address, whosever accounts are tried; parallel tries count too."""
    await add_person(database, organization, email)
    origin = f"2001:db8::{new_id().hex[:4]}"
    tries = [strangers.sign_in(f"{n}-{email}", "wrong", address=origin) for n in range(MAX_FAILURES + 5)]
    codes = [answer.get("code") for answer in await asyncio.gather(*tries)]
    assert codes.count("RATE_LIMITED") == 5
    assert (await strangers.sign_in(email, address=origin))["code"] == "RATE_LIMITED"
    assert (await strangers.sign_in(email, address="198.51.100.2"))["tokens"]


async def test_success_forgets_failures(
    strangers: Strangers, database: Database, organization: UUID, email: str
) -> None:
    await add_person(database, organization, email)
    for _ in range(2):
        for _ in range(MAX_FAILURES - 1):
            await strangers.sign_in(email, "wrong")
        assert (await strangers.sign_in(email))["tokens"]


async def test_no_secret_is_stored_readable(
    strangers: Strangers, database: Database, organization: UUID, email: str
) -> None:
    await add_person(database, organization, email)
    tokens = (await strangers.sign_in(email))["tokens"]
    async with database.tenant(organization) as tx:
        stored = [
            str(row[0])
            for table in ("member", "session", "refresh_token")
            for row in await tx.rows(f"select t::text from {table} t")
        ]
    assert stored
    for secret in (PASSWORD, tokens["refreshToken"].partition("_")[2], tokens["accessToken"]):
        assert secret not in " ".join(stored)
