"""The audit log: whatever a mutation writes is told in the same transaction, without a value, and stays told."""

import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from random import Random
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from db.database import Database, Transaction
from resolvers.ids import split_id
from schema.node import _FOUND
from tests.api import Api
from tests.schema.operations import GRAPHQL, random_mutation
from tests.schema.probe.probe import Probe
from tests.schema.probe.worlds import table_of
from tests.world import build_world, ids_of

LOG = """
query ($where: AuditEntryWhereInput) {
  auditLog(where: $where) { nodes { actor action target targetType details requestId } totalCount { value } }
}
"""
ADD = "mutation ($input: %sInput!) { %s(input: $input) { userErrors { code } } }"
ROUNDS = 6
# People who come and go: not asked by a caller, so not with a command of one (tests/app/test_signing_in.py).
SESSIONS = {
    "invitationAccept",
    "passwordChange",
    "passwordReset",
    "passwordResetRequest",
    "signIn",
    "signOut",
    "tokenRefresh",
}


async def log(api: Api, **where: Any) -> list[dict[str, Any]]:
    answer = await api(LOG, where=where)
    nodes: list[dict[str, Any]] = answer["data"]["auditLog"]["nodes"]
    return nodes


async def test_a_deed_names_its_target_and_what_was_given_and_no_value(api: Api) -> None:
    create = ADD % ("BrandCreate", "brandCreate")
    await api(create, input={"name": "Secret name", "slug": "secret-slug", "senderEmail": "secret@x.example"})
    [entry] = await log(api, actions=["brandCreate"])
    assert split_id(entry.pop("target"))[0] == "Brand"
    assert str(UUID(entry["requestId"])) == entry.pop("requestId")
    assert entry == {
        "actor": "key:test",
        "action": "brandCreate",
        "targetType": "Brand",
        "details": {"given": ["name", "senderEmail", "slug"]},
    }


async def test_mutations_of_one_request_are_told_one_by_one(api: Api) -> None:
    tag = '(input: {name: "n", slug: "%s"}) { userErrors { code } }'
    await api(
        "mutation { a: brandCreate" + tag % "a" + " b: brandCreate" + tag % "a" + " c: brandCreate" + tag % "c" + "}"
    )
    assert [entry["action"] for entry in await log(api)] == ["brandCreate", "brandCreate"], "the second was refused"


async def test_the_log_is_filtered_by_what_was_done_to(api: Api) -> None:
    made = await api('mutation { brandCreate(input: {name: "n", slug: "s"}) { brand { id } } }')
    brand = made["data"]["brandCreate"]["brand"]["id"]
    await api(ADD % ("BrandUpdate", "brandUpdate"), input={"brandId": brand, "name": "m"})
    await api('mutation { brandCreate(input: {name: "n", slug: "t"}) { brand { id } } }')
    assert [entry["action"] for entry in await log(api, targetId=brand)] == ["brandUpdate", "brandCreate"]
    assert await log(api, actor="somebody") == []


async def test_the_log_needs_its_scope(api: Api) -> None:
    answer = await api(LOG, scopes=frozenset({"customers:view"}))
    assert answer["errors"][0]["extensions"]["code"] == "FORBIDDEN"


@pytest.mark.parametrize("statement", ["update audit_entry set actor = 'x'", "delete from audit_entry"])
async def test_nobody_changes_what_was_told(database: Database, organization: UUID, statement: str) -> None:
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        async with database.tenant(organization) as tx:
            await tx.run(statement)


async def test_no_text_of_a_person_is_in_the_log(api: Api, database: Database, organization: UUID) -> None:
    await build_world(api, database, organization, "canary")
    async with database.tenant(organization) as tx:
        rows = [row[0] for row in await tx.rows("select e::text from audit_entry e")]
    assert len(rows) > 10
    assert "canary" not in json.dumps(rows)


def test_only_the_context_opens_transactions_for_commands() -> None:
    """So what it tells the log is all there is; who is signing in has no caller yet and tells it himself.

    A repeated request runs its commands, through their context, in a transaction of its own (resolvers/idempotency.py).
    """
    opening = re.compile(r"database\.(tenant|attempt)\(")
    files = {file.name for file in Path("resolvers").rglob("*.py") if opening.search(file.read_text())}
    assert files == {"access.py", "context.py", "idempotency.py", "loaders.py", "recovery.py", "sessions.py"}


async def test_whatever_a_mutation_writes_is_told(
    api: Api, database: Database, organization: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Generated from the schema: each transaction of a mutation that wrote has one line, and it names the mutation."""
    told: list[list[str]] = []
    at_work = False
    tenant = Database.tenant

    @asynccontextmanager
    async def watched(self: Database, *arguments: Any) -> AsyncIterator[Transaction]:
        async with tenant(self, *arguments) as tx:
            yield tx
            if at_work and await tx.value("select pg_current_xact_id_if_assigned() is not null"):
                rows = await tx.rows("select action from audit_entry where xmin = pg_current_xact_id()::xid")
                told.append([row[0] for row in rows])

    async def run(document: str, **options: Any) -> dict[str, Any]:
        nonlocal at_work
        at_work = True
        answer = await api(document, **options)
        at_work = False
        return answer

    monkeypatch.setattr(Database, "tenant", watched)
    await build_world(run, database, organization, "own")
    ids = await ids_of(database, organization, {name: table_of(name) for name in _FOUND if name != "Organization"})
    assert GRAPHQL.mutation_type is not None
    for name in sorted(GRAPHQL.mutation_type.fields.keys() - SESSIONS):
        for seed in range(ROUNDS):
            before = len(told)
            await run(random_mutation(Random(f"{name}{seed}"), Probe(api, ids, set()).ordering, name))
            assert all(lines == [name] for lines in told[before:]), name
    assert all(len(lines) == 1 for lines in told)
    assert len({lines[0] for lines in told}) > 20, "most were refused: the test says nothing"
