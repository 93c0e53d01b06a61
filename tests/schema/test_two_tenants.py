"""The probe of two tenants and two brands: whatever a caller asks or orders, it sees and changes nothing of others.

Generated from the schema, so a new field is probed on the day it is added. tests/schema/test_planted_leaks.py shows
that it finds what it is meant to find.
"""

import re
from collections.abc import AsyncIterator
from random import Random
from typing import Any
from uuid import UUID

import pytest
from graphql import GraphQLField

from db.database import Database
from domain.access import SCOPES
from domain.members import ROLES
from schema.limits.bounds import lift
from tests.api import Api
from tests.schema.operations import GRAPHQL, random_mutation, random_query
from tests.schema.probe.asking import questions
from tests.schema.probe.events import answers_to_events
from tests.schema.probe.probe import UNBOUND, Probe
from tests.schema.probe.worlds import WORLDS, strange_rows, table_of

__all__ = ["Probe", "table_of"]  # of tests/schema/test_planner.py too

QUERIES_OF_ROLE = 8
# Nobody needs to be known for these, and they give no object by its id.
SESSIONS = {
    "invitationAccept",
    "passwordChange",
    "passwordReset",
    "passwordResetRequest",
    "signIn",
    "signOut",
    "tokenRefresh",
}
_SCOPE = re.compile(r"[Nn]eeds the scope `([a-z:]+)`")


@pytest.fixture(params=sorted(WORLDS))
async def probe(request: Any, api: Api, database: Database, organization: UUID) -> AsyncIterator[Probe]:
    """Asks as the test's organization about another one, or as a caller of one of its brands about the other brand."""
    built = await WORLDS[request.param](api, database, organization)
    with lift(UNBOUND):
        yield built


async def test_no_query_shows_anything_of_others_or_that_it_exists(probe: Probe) -> None:
    for number, question in enumerate(probe.questions("query")):
        assert await probe.trial(question, planner=bool(number % 2)) == []


async def test_no_mutation_shows_or_changes_anything_of_others(probe: Probe, database: Database) -> None:
    """Each with what is the caller's, but for one foreign id: it is unknown, and nothing is written."""
    before = await strange_rows(database, probe)
    for question in probe.questions("mutation"):
        if question.named:
            assert await probe.trial(question) == []
    assert await strange_rows(database, probe) == before


async def test_no_role_sees_or_changes_anything_of_others(probe: Probe, database: Database) -> None:
    """Random operations with foreign ids and names everywhere, of each role."""
    before = await strange_rows(database, probe)
    for role in ROLES:
        options = {"scopes": frozenset(SCOPES if role.scopes is None else role.scopes)}
        for seed in range(QUERIES_OF_ROLE):
            document = random_query(Random(f"{role.key}{seed}"), probe.asking)
            assert await probe.findings(document, **options, planner=bool(seed % 2)) == []
        for name in sorted(GRAPHQL.mutation_type.fields.keys() - SESSIONS):  # type: ignore[union-attr]  # there is one
            document = random_mutation(Random(f"{role.key}{name}"), probe.ordering, name)
            assert await probe.findings(document, **options) == []
    assert await strange_rows(database, probe) == before


async def test_no_count_counts_others(probe: Probe) -> None:
    assert await probe.miscounts() == []


async def test_no_event_tells_anything_of_others(probe: Probe, database: Database) -> None:
    asked = 0
    for question in probe.questions("subscription"):
        asked += 1
        answers = await answers_to_events(database, probe, question.document)
        assert probe.canaries_in(answers, question.document) == []
    assert asked >= 2 * len(GRAPHQL.subscription_type.fields)  # type: ignore[union-attr]  # there is one


def fields_by_scope() -> list[tuple[str, str, str]]:
    """(kind, root field, scope that its description names)."""
    found = []
    for kind, root in (("query", GRAPHQL.query_type), ("mutation", GRAPHQL.mutation_type)):
        for name, field in root.fields.items():  # type: ignore[union-attr]  # both are there
            found += [(kind, name, scope) for scope in _SCOPE.findall(field.description or "")]
    return found


async def test_a_root_field_without_its_scope_is_forbidden(api: Api) -> None:
    for kind, name, scope in fields_by_scope():
        document = next(questions(kind, lambda *_: [], lambda *_: [], only=name)).document
        with lift(UNBOUND):
            answer = await api(document, scopes=frozenset(SCOPES) - {scope})
        codes = {error["extensions"]["code"] for error in answer["errors"]}
        assert codes == {"FORBIDDEN"}, f"{name} without {scope}: {answer}"


def test_every_mutation_names_its_scope() -> None:
    assert GRAPHQL.mutation_type is not None
    fields: dict[str, GraphQLField] = GRAPHQL.mutation_type.fields
    assert {name for name, field in fields.items() if not _SCOPE.search(field.description or "")} == SESSIONS
