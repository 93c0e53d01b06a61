"""T8: each role asks for each mutation and each query of the schema, and gets exactly what its scopes say."""

import re
from random import Random
from typing import Any
from uuid import UUID

import pytest
from graphql import get_named_type, is_leaf_type

from db.database import Database
from domain.access import SCOPES
from domain.members import ROLES, scopes_of
from tests.api import Api
from tests.schema.operations import GRAPHQL, _arguments
from tests.world import build_world, rows_of

# These ask who somebody is instead of what they may.
SESSIONS = {
    "invitationAccept",
    "passwordChange",
    "passwordReset",
    "passwordResetRequest",
    "signIn",
    "signOut",
    "tokenRefresh",
}
OPEN_QUERIES = {"node", "nodes", "rateLimit", "viewer"}
NAMED = re.compile(r"Needs the scope `([a-z]+:[a-z]+)`")

SEEDS = 5

Root = dict[str, Any]


def fields(root: Any) -> Root:
    found: Root = root.fields
    return found


MUTATIONS, QUERIES = fields(GRAPHQL.mutation_type), fields(GRAPHQL.query_type)


def scope_of(root: Root, name: str) -> str | None:
    """What the description says: it is all that clients are told."""
    named = NAMED.search(root[name].description)
    return named[1] if named else None


def guessed(_random: Random, _name: str, type_: str) -> str | None:
    """Sizes of pages that are taken; the rest as its type suggests."""
    return "1" if type_.strip("!") == "Int" else None


def asked(kind: str, root: Root, name: str, seed: int) -> str:
    """The field alone, with arguments at random: what is beneath it has scopes of its own."""
    inner = "" if is_leaf_type(get_named_type(root[name].type)) else " { __typename }"
    return f"{kind} {{ {name}{_arguments(Random(f'{name}{seed}'), guessed, root[name].args)}{inner} }}"


def forbidden(answer: dict[str, Any]) -> list[str]:
    """The messages of all refusals for want of a scope."""
    return [error["message"] for error in answer.get("errors", ()) if error["extensions"]["code"] == "FORBIDDEN"]


def test_every_mutation_names_a_scope() -> None:
    assert {name for name in MUTATIONS if scope_of(MUTATIONS, name) is None} == SESSIONS
    assert {scope_of(MUTATIONS, name) for name in MUTATIONS.keys() - SESSIONS} <= SCOPES.keys()


@pytest.mark.parametrize("role", ROLES, ids=lambda role: role.key)
async def test_role_may_what_its_scopes_say(api: Api, database: Database, organization: UUID, role: Any) -> None:
    await build_world(api, database, organization, "own")
    scopes = scopes_of(None if role.scopes is None else list(role.scopes))
    before = await rows_of(database, organization)
    lacking = [name for name in sorted(MUTATIONS.keys() - SESSIONS) if scope_of(MUTATIONS, name) not in scopes]
    for name in lacking:
        await refused(api, "mutation", MUTATIONS, name, scopes)
    assert await rows_of(database, organization) == before
    may = sorted(MUTATIONS.keys() - SESSIONS - set(lacking))
    assert role.key != "viewer" or len(lacking) > 10 * len(may)
    for name in may:
        told = forbidden(await api(asked("mutation", MUTATIONS, name, 0), scopes=scopes))
        assert not any(f"the scope {scope_of(MUTATIONS, name)}," in message for message in told), name


async def refused(api: Api, kind: str, root: Root, name: str, scopes: frozenset[str]) -> None:
    """Nothing is answered, and whatever can be understood at all is answered by naming the scope."""
    told: set[str] = set()
    for seed in range(SEEDS):
        answer = await api(asked(kind, root, name, seed), scopes=scopes)
        assert answer["errors"], answer
        assert not any((answer.get("data") or {}).values()), answer
        told |= set(forbidden(answer))
    assert len(told) == 1, name
    assert f"the scope {scope_of(root, name)}," in told.pop()


@pytest.mark.parametrize("name", sorted(QUERIES))
async def test_query_without_its_scope_is_forbidden(api: Api, name: str) -> None:
    scope = scope_of(QUERIES, name)
    if scope is None:
        assert name in OPEN_QUERIES
        return
    await refused(api, "query", QUERIES, name, frozenset(SCOPES) - {scope})
