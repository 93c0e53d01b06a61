"""Roles of an organization's own: made, changed while members have them, and deleted when nobody has."""

from typing import Any
from uuid import UUID

import pytest

from db.database import Database
from domain.access import SCOPES
from domain.ids import new_id
from resolvers.ids import global_id
from tests.api import Api
from tests.people import add_person
from tests.schema.test_organization import refused, send

FIELDS = "role { id key name description scopes predefined version } userErrors { code field }"
CREATE = f"mutation ($input: RoleCreateInput!) {{ roleCreate(input: $input) {{ {FIELDS} }} }}"
UPDATE = f"mutation ($input: RoleUpdateInput!) {{ roleUpdate(input: $input) {{ {FIELDS} }} }}"
DELETE = "mutation ($input: RoleDeleteInput!) { roleDelete(input: $input) { roleId userErrors { code field } } }"
READER = {"key": "reader", "name": "Reader", "description": "Reads.", "scopes": ["customers:view", "customers:view"]}


async def test_role_from_its_making_to_its_end(api: Api, database: Database, organization: UUID) -> None:
    made = (await send(api, CREATE, READER))["role"]
    role = {"roleId": made.pop("id")}
    assert made == READER | {"scopes": ["customers:view"], "predefined": False, "version": 1}
    taken = await send(api, CREATE, READER)
    assert refused(taken) == [("KEY_TAKEN", "input.key")]
    changed = await send(api, UPDATE, role | {"scopes": ["segments:view"], "expectedVersion": 1})
    assert (changed["role"]["scopes"], changed["role"]["version"]) == (["segments:view"], 2)
    stale = await send(api, UPDATE, role | {"name": "x", "expectedVersion": 1})
    assert refused(stale) == [("STALE", "input.expectedVersion")]
    member = await add_person(database, organization, "ada@example.com", "reader", password=None)
    assert refused(await send(api, DELETE, role)) == [("IN_USE", "input.roleId")]
    async with database.tenant(organization) as tx:
        await tx.run("delete from member where id = :id", id=member)
    assert (await send(api, DELETE, role))["roleId"] == role["roleId"]
    assert refused(await send(api, DELETE, role)) == [("NOT_FOUND", "input.roleId")]


@pytest.mark.parametrize(
    ("values", "code", "field"),
    [
        ({"key": "No Spaces"}, "INVALID", "input.key"),
        ({"key": "owner"}, "KEY_TAKEN", "input.key"),
        ({"name": " "}, "INVALID", "input.name"),
        ({"description": "\0x"}, "INVALID", "input.description"),
        ({"scopes": []}, "INVALID", "input.scopes"),
        ({"scopes": ["root"]}, "INVALID", "input.scopes"),
        ({"scopes": ["campaigns:send"]}, "BEYOND_YOURS", "input.scopes"),
    ],
)
async def test_role_that_is_refused_is_not_made(api: Api, values: dict[str, Any], code: str, field: str) -> None:
    some = frozenset({"customers:view", "members:manage"})
    assert refused(await send(api, CREATE, READER | values, scopes=some)) == [(code, field)]
    assert len((await api("{ roles { key } }"))["data"]["roles"]) == 6


async def test_predefined_and_greater_roles_stay_as_they_are(api: Api) -> None:
    roles = {role["key"]: role["id"] for role in (await api("{ roles { id key } }"))["data"]["roles"]}
    for document in (DELETE, UPDATE):
        assert refused(await send(api, document, {"roleId": roles["viewer"]})) == [("PREDEFINED", "input.roleId")]
        unknown = await send(api, document, {"roleId": global_id("Role", new_id())})
        assert refused(unknown) == [("NOT_FOUND", "input.roleId")]
    made = await send(api, CREATE, READER | {"scopes": sorted(SCOPES)})
    less = frozenset({"members:manage"})
    for document in (DELETE, UPDATE):
        given = {"roleId": made["role"]["id"]}
        assert refused(await send(api, document, given, scopes=less)) == [("BEYOND_YOURS", "input.roleId")]
    limited = await api(CREATE, input=READER, brands=frozenset({new_id()}))
    assert limited["errors"][0]["extensions"]["code"] == "FORBIDDEN"
