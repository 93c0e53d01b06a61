"""Members through GraphQL: invited, changed and removed, never beyond what one holds oneself."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import orjson
import pytest

from db.database import Database
from db.organizations import add_brand
from db.roles import find_role
from domain.access import NOBODY, SCOPES, Caller
from domain.ids import new_id
from domain.members import INVITATION_LIFE, ROLES
from domain.refusals import Rejected
from resolvers.context import Context
from resolvers.ids import global_id
from schema.execute import execute
from tests.api import TOOLS, Api
from tests.people import PASSWORD, add_person, come_in
from tests.schema.test_organization import MAKE_KEY, refused, send

MEMBER = "member { id email name state limitedToBrands version role { key } brands { slug } } userErrors { code field }"
INVITE = f"mutation ($input: MemberInviteInput!) {{ memberInvite(input: $input) {{ {MEMBER} token }} }}"
UPDATE = f"mutation ($input: MemberUpdateInput!) {{ memberUpdate(input: $input) {{ {MEMBER} }} }}"
REMOVE = "mutation ($input: MemberRemoveInput!) { memberRemove(input: $input) { memberId userErrors { code field } } }"
ACCEPT = """mutation ($input: InvitationAcceptInput!) { invitationAccept(input: $input) {
  tokens { accessToken } userErrors { code field } query { viewer { member { name state } } } } }"""
LIST = "{ members { nodes { email role { name scopes } brands { slug } } totalCount { value } } roles { key scopes } }"


BOTH: list[tuple[str, dict[str, Any]]] = [(REMOVE, {}), (UPDATE, {"name": "x"})]


@pytest.fixture
async def roles(database: Database, organization: UUID) -> dict[str, str]:
    """Global ids of the roles by key."""
    async with database.tenant(organization) as tx:
        found = [await find_role(tx, key=role.key) for role in ROLES]
    return {role.key: global_id("Role", role.id) for role in found if role}


@pytest.fixture
async def brands(database: Database, organization: UUID) -> dict[str, UUID]:
    async with database.tenant(organization) as tx:
        return {slug: await add_brand(tx, name=slug, slug=slug) for slug in ("north", "south")}


async def as_caller(database: Database, who: Caller, document: str, **input: Any) -> Any:
    """The payload of one mutation, or the code it was rejected with."""
    context = Context(database, who, datetime.now(UTC), TOOLS)
    answer = orjson.loads(orjson.dumps(await execute(context, document, {"input": input})))
    if "errors" in answer:
        return answer["errors"][0]["extensions"]["code"]
    return next(iter(answer["data"].values()))


async def member_as(database: Database, organization: UUID, role: str, brands: list[UUID] | None = None) -> Caller:
    """A member with this role, as who asks."""
    member = await add_person(database, organization, f"{role}-{new_id()}@x.example", role, brands=brands)
    scopes = next(found.scopes for found in ROLES if found.key == role)
    limit = None if brands is None else frozenset(brands)
    return Caller(organization, f"member:{member}", frozenset(scopes or SCOPES), limit, member)


async def test_somebody_is_invited_and_comes_in(
    api: Api, database: Database, organization: UUID, roles: dict[str, str], brands: dict[str, UUID]
) -> None:
    north = global_id("Brand", brands["north"])
    given = {"email": "Ada@Example.com", "roleId": roles["marketer"], "brandIds": [north], "sendMail": False}
    made = await send(api, INVITE, given)
    assert made["member"].pop("id")
    assert made["member"] == {
        "email": "ada@example.com",
        "name": None,
        "state": "INVITED",
        "limitedToBrands": True,
        "version": 1,
        "role": {"key": "marketer"},
        "brands": [{"slug": "north"}],
    }
    weak = await as_caller(database, NOBODY, ACCEPT, token=made["token"], password="ada@example.com!")
    assert weak == "UNAUTHENTICATED", "its query part is for members only"
    accepted = await as_caller(database, NOBODY, ACCEPT, token=made["token"], password=PASSWORD, name=" Ada ")
    assert accepted["query"]["viewer"]["member"] == {"name": "Ada", "state": "ACTIVE"}
    who = await come_in(database, accepted["tokens"]["accessToken"])
    assert (who.scopes, who.brand_ids) == (frozenset(ROLES[2].scopes or ()), frozenset({brands["north"]}))
    listed = (await api(LIST))["data"]
    assert [node["email"] for node in listed["members"]["nodes"]] == ["ada@example.com"]
    assert {role["key"]: role["scopes"] for role in listed["roles"]}["owner"] == sorted(SCOPES)


@pytest.mark.parametrize(
    "password", ["short", "x" * 201, "aaaaaaaaaaaaaaaa", "my ada@example.com", "correct horse\0bat"]
)
async def test_password_that_is_easy_is_not_set(
    api: Api, database: Database, roles: dict[str, str], password: str
) -> None:
    accept = ACCEPT.replace("query { viewer { member { name state } } }", "")
    made = await send(api, INVITE, {"email": "ada@example.com", "roleId": roles["viewer"], "sendMail": False})
    weak = await as_caller(database, NOBODY, accept, token=made["token"], password=password)
    assert refused(weak) == [("INVALID", "input.password")]
    assert (await as_caller(database, NOBODY, accept, token=made["token"], password=PASSWORD))["tokens"]


async def test_invitation_is_good_once_for_a_week_and_until_the_next(
    api: Api, database: Database, organization: UUID, roles: dict[str, str]
) -> None:
    accept = ACCEPT.replace("query { viewer { member { name state } } }", "")
    given = {"email": "ada@example.com", "sendMail": False}
    old = (await send(api, INVITE, given | {"roleId": roles["viewer"]}))["token"]
    made = await send(api, INVITE, given | {"roleId": roles["analyst"]})
    assert made["member"]["role"] == {"key": "analyst"}
    new = made["token"]
    for token in (old, "", "wfi_", "wfi_x", new.replace("wfi", "wfr"), new[:-4], "wfi_\0", "wfi_é"):
        bad = await as_caller(database, NOBODY, accept, token=token, password=PASSWORD)
        assert refused(bad) == [("INVALID_TOKEN", "input.token")], token
    late = Context(database, NOBODY, datetime.now(UTC) + INVITATION_LIFE, TOOLS)
    answer = await execute(late, accept, {"input": {"token": new, "password": PASSWORD}})
    assert answer["data"]["invitationAccept"]["userErrors"][0]["code"] == "INVALID_TOKEN"
    assert (await as_caller(database, NOBODY, accept, token=new, password=PASSWORD))["tokens"]
    again = await as_caller(database, NOBODY, accept, token=new, password=PASSWORD)
    assert refused(again) == [("INVALID_TOKEN", "input.token")]
    taken = await send(api, INVITE, {"email": "ADA@example.com", "roleId": roles["viewer"]})
    assert refused(taken) == [("EMAIL_TAKEN", "input.email")]


@pytest.mark.parametrize(
    ("values", "code", "field"),
    [
        ({"email": "ada"}, "INVALID", "input.email"),
        ({"email": "a@b.example\r\nBcc: x@y.example"}, "INVALID", "input.email"),
        ({"name": "a\nb"}, "INVALID", "input.name"),
        ({"roleId": "x"}, "NOT_FOUND", "input.roleId"),
        ({"roleId": global_id("Role", new_id())}, "NOT_FOUND", "input.roleId"),
        ({"brandIds": []}, "NOT_FOUND", "input.brandIds"),
        ({"brandIds": [global_id("Brand", new_id())]}, "NOT_FOUND", "input.brandIds"),
    ],
)
async def test_invitation_that_is_refused_is_not_made(
    api: Api, roles: dict[str, str], values: dict[str, Any], code: str, field: str
) -> None:
    given = {"email": "ada@example.com", "roleId": roles["viewer"]} | values
    assert refused(await send(api, INVITE, given)) == [(code, field)]
    assert (await api(LIST))["data"]["members"]["nodes"] == []


async def test_nobody_gives_more_than_they_hold(
    database: Database, organization: UUID, roles: dict[str, str], brands: dict[str, UUID]
) -> None:
    admin = await member_as(database, organization, "admin")
    north = await member_as(database, organization, "admin", [brands["north"]])
    email = "ada@example.com"
    asked: list[tuple[Caller, dict[str, Any], str]] = [
        (admin, {"email": email, "roleId": roles["owner"]}, "input.roleId"),
        (north, {"email": email, "roleId": roles["viewer"]}, "input.brandIds"),
        (
            north,
            {"email": email, "roleId": roles["viewer"], "brandIds": [global_id("Brand", brands["south"])]},
            "input.brandIds",
        ),
    ]
    for who, given, field in asked:
        payload = await as_caller(database, who, INVITE, **given)
        assert [error["field"] for error in payload["userErrors"]] == [field.split(".")]
        assert payload["userErrors"][0]["code"] in ("BEYOND_YOURS", "NOT_FOUND")
    fitting = {"email": email, "roleId": roles["viewer"], "brandIds": [global_id("Brand", brands["north"])]}
    assert (await as_caller(database, north, INVITE, **fitting))["member"]

    owner = (await member_as(database, organization, "owner")).member_id
    everywhere = (await member_as(database, organization, "viewer")).member_id
    hidden = "NOT_FOUND"  # those of other brands are not seen at all
    for who, target, code in ((admin, owner, "BEYOND_YOURS"), (north, everywhere, hidden), (north, owner, hidden)):
        member = {"memberId": global_id("Member", target)}
        for document, more in BOTH:
            payload = await as_caller(database, who, document, **member, **more)
            assert refused(payload) == [(code, "input.memberId")]
    payload = await as_caller(
        database, admin, UPDATE, memberId=global_id("Member", admin.member_id), roleId=roles["owner"]
    )
    assert refused(payload) == [("BEYOND_YOURS", "input.roleId")]
    payload = await as_caller(database, north, UPDATE, memberId=global_id("Member", north.member_id), allBrands=True)
    assert refused(payload) == [("BEYOND_YOURS", "input.brandIds")]
    key = await as_caller(database, north, MAKE_KEY, name="k", scopes=["customers:view"])
    assert refused(key) == [("BEYOND_YOURS", "input.brandIds")]


async def test_what_is_taken_from_a_member_is_gone_at_the_next_request(
    api: Api, database: Database, organization: UUID, roles: dict[str, str], brands: dict[str, UUID]
) -> None:
    """T7, the side of requests: the token stays the same and says less each time."""
    member = global_id("Member", await add_person(database, organization, "ada@example.com", "marketer"))
    sign_in = "mutation ($input: SignInInput!) { signIn(input: $input) { tokens { accessToken } } }"
    email = {"email": "ada@example.com", "password": PASSWORD, "organization": f"test-{organization}"}
    token = (await as_caller(database, NOBODY, sign_in, **email))["tokens"]["accessToken"]
    assert "campaigns:send" in (await come_in(database, token)).scopes
    lowered = await send(api, UPDATE, {"memberId": member, "roleId": roles["viewer"], "expectedVersion": 2})
    assert (lowered["member"]["role"]["key"], lowered["member"]["version"]) == ("viewer", 3)
    assert "campaigns:send" not in (await come_in(database, token)).scopes
    await send(api, UPDATE, {"memberId": member, "brandIds": [global_id("Brand", brands["south"])]})
    assert (await come_in(database, token)).brand_ids == frozenset({brands["south"]})
    await send(api, UPDATE, {"memberId": member, "allBrands": True})
    assert (await come_in(database, token)).brand_ids is None
    stale = await send(api, REMOVE, {"memberId": member, "expectedVersion": 2})
    assert refused(stale) == [("STALE", "input.expectedVersion")]
    assert (await send(api, REMOVE, {"memberId": member}))["memberId"] == member
    with pytest.raises(Rejected) as rejected:
        await come_in(database, token)
    assert rejected.value.code == "UNAUTHENTICATED"
    gone = await send(api, REMOVE, {"memberId": member})
    assert refused(gone) == [("NOT_FOUND", "input.memberId")]


async def test_organization_keeps_an_owner(
    database: Database, organization: UUID, roles: dict[str, str], brands: dict[str, UUID]
) -> None:
    owner = await member_as(database, organization, "owner")
    await member_as(database, organization, "owner", [brands["north"]])
    await add_person(database, organization, "invited@x.example", "owner", password=None)
    me = {"memberId": global_id("Member", owner.member_id)}
    changes: list[tuple[str, dict[str, Any]]] = [
        (REMOVE, {}),
        (UPDATE, {"roleId": roles["admin"]}),
        (UPDATE, {"brandIds": [global_id("Brand", brands["north"])]}),
    ]
    for document, more in changes:
        assert refused(await as_caller(database, owner, document, **me, **more)) == [("LAST_OWNER", "input.memberId")]
    assert (await as_caller(database, owner, UPDATE, **me, roleId=roles["owner"], name="Ada"))["member"][
        "name"
    ] == "Ada"
    await member_as(database, organization, "owner")
    assert (await as_caller(database, owner, REMOVE, **me))["memberId"]


async def test_password_is_changed_by_who_knows_it(database: Database, organization: UUID) -> None:
    change = """mutation ($input: PasswordChangeInput!) { passwordChange(input: $input) {
      tokens { accessToken } userErrors { code field } } }"""
    sign_in = "mutation ($input: SignInInput!) { signIn(input: $input) { tokens { accessToken } } }"
    email = f"ada-{new_id()}@example.com"
    await add_person(database, organization, email, "viewer")
    old = (await as_caller(database, NOBODY, sign_in, email=email, password=PASSWORD))["tokens"]["accessToken"]
    who = await come_in(database, old)
    new = "an even better one"
    wrong = await as_caller(database, who, change, currentPassword="wrong", newPassword=new)
    assert refused(wrong) == [("INVALID_CREDENTIALS", "input.currentPassword")]
    easy = await as_caller(database, who, change, currentPassword=PASSWORD, newPassword="x")
    assert refused(easy) == [("INVALID", "input.newPassword")]
    changed = await as_caller(database, who, change, currentPassword=PASSWORD, newPassword=new)
    await come_in(database, changed["tokens"]["accessToken"])
    with pytest.raises(Rejected):
        await come_in(database, old)
    assert (await as_caller(database, NOBODY, sign_in, email=email, password=PASSWORD))["tokens"] is None
    assert (await as_caller(database, NOBODY, sign_in, email=email, password=new))["tokens"]
    key = Caller(organization, "key:test", frozenset(SCOPES))
    assert await as_caller(database, key, change, currentPassword=new, newPassword=PASSWORD) == "FORBIDDEN"
