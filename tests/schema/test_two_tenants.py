"""The two-tenant probe: whatever one organization asks or orders, it sees and changes nothing of another's.

Generated from the schema, so a new field is probed on the day it is added; leaks planted on purpose must be found.
"""

import json
import re
from base64 import urlsafe_b64decode
from collections.abc import Iterator
from random import Random
from typing import Any
from uuid import UUID

import pytest

from db import relations
from db.database import Database
from db.plans import objects
from domain.ids import new_id
from resolvers.ids import global_id
from schema.limits import Bounds, lift
from schema.node import _FOUND
from tests.api import Api
from tests.schema.operations import GRAPHQL, random_mutation, random_query
from tests.world import build_world, ids_of, rows_of

CANARY = "canary"
QUERIES = 300
ROUNDS = 6
TABLES = {"Event": "fact", "Order": "fact", "CustomerNote": "customer_note", "Stage": "journey_stage"}


def table_of(type_name: str) -> str:
    return TABLES.get(type_name, re.sub(r"(?<!^)(?=[A-Z])", "_", type_name).lower())


class Probe:
    """Asks as one organization with everything it could know of the other."""

    def __init__(self, api: Api, foreign: dict[str, list[str]], canaries: set[str]) -> None:
        self.api, self.foreign, self.canaries = api, foreign, canaries
        self.every = [id_ for ids in foreign.values() for id_ in ids]

    def asking(self, random: Random, name: str, type_: str) -> str | None:
        """Foreign ids, and foreign names for texts."""
        if type_.strip("!") == "String" and random.random() < 0.5:
            return json.dumps(random.choice([f"{CANARY}-0", f"{CANARY}0@x.example", f"{CANARY}-tag", CANARY]))
        return self.ordering(random, name, type_)

    def ordering(self, random: Random, name: str, type_: str) -> str | None:
        """Foreign ids wherever an id goes, of the right type where the name tells it.

        No foreign names: a mutation would store them, and they would be the caller's own from then on.
        """
        if "ID" in type_ and "Input" not in type_:
            noun = name.removesuffix("s").removesuffix("Id").lower()
            fitting = [ids for type_name, ids in self.foreign.items() if noun and type_name.lower().endswith(noun)]
            chosen = json.dumps(random.choice((fitting or [self.every])[0] or self.every))
            return f"[{chosen}]" if "[" in type_ else chosen
        return None

    async def findings(self, document: str, planner: bool = True) -> list[str]:
        answer = json.dumps(await self.api(document, planner=planner))
        decoded = answer + " ".join(_decoded(word) for word in re.findall(r"[A-Za-z0-9_-]{30,}", answer))
        # What the caller itself wrote into the document may come back in an error.
        seen = [canary for canary in self.canaries if canary in decoded and canary not in document]
        return [f"{canary}: {document}" for canary in seen]


def _decoded(word: str) -> str:
    try:
        return urlsafe_b64decode(word + "=" * (-len(word) % 4)).decode(errors="replace")
    except ValueError:
        return ""


@pytest.fixture(autouse=True, scope="module")
def without_bounds() -> Iterator[None]:
    """Random operations are as large as they happen to be."""
    with lift(Bounds(tokens=10**6, depth=50, aliases=10**6, fields=10**6, cost=10**9)):
        yield


@pytest.fixture
async def probe(api: Api, database: Database, organization: UUID) -> Probe:
    """Two worlds; the probe asks as the test's organization about the other."""
    other = new_id()
    from db.organizations import create_organization

    async with database.tenant(other) as tx:
        await create_organization(tx, name=f"{CANARY} organization", slug=f"{CANARY}-{other}")

    async def as_other(document: str, **options: Any) -> dict[str, Any]:
        return await api(document, organization=other, **options)

    await build_world(api, database, organization, "own")
    await build_world(as_other, database, other, CANARY)
    foreign = await ids_of(database, other, {name: table_of(name) for name in _FOUND if name != "Organization"})
    foreign["Organization"] = [global_id("Organization", other)]
    canaries = {str(other), *(str(UUID(_decoded(id_).split(":")[1])) for ids in foreign.values() for id_ in ids)}
    built = Probe(api, foreign, canaries | {f"{CANARY} 0", f"{CANARY} note", f"{CANARY}0@x", f"{CANARY} campaign"})
    built.other = other  # type: ignore[attr-defined]  # only the tests here look at it
    return built


async def test_no_query_shows_anything_of_another_organization(probe: Probe) -> None:
    assert min(len(ids) for name, ids in probe.foreign.items() if name != "BulkOperation") > 0, probe.foreign
    roots = sorted(GRAPHQL.query_type.fields)  # type: ignore[union-attr]  # the schema has one
    for seed in range(QUERIES):
        document = random_query(Random(seed), probe.asking, [roots[seed % len(roots)]])
        assert await probe.findings(document, planner=bool(seed % 2)) == []
    for id_ in probe.every:
        assert (await probe.api("query ($id: ID!) { node(id: $id) { id } }", id=id_))["data"] == {"node": None}


async def test_no_mutation_shows_or_changes_anything_of_another_organization(probe: Probe, database: Database) -> None:
    other: UUID = probe.other  # type: ignore[attr-defined]  # set by the fixture
    before = await rows_of(database, other)
    for name in sorted(GRAPHQL.mutation_type.fields):  # type: ignore[union-attr]  # the schema has one
        for seed in range(ROUNDS):
            assert await probe.findings(random_mutation(Random(f"{name}{seed}"), probe.ordering, name)) == []
    assert await rows_of(database, other) == before


async def test_foreign_and_unknown_ids_get_the_same_answer(probe: Probe) -> None:
    """An oracle would tell that an id exists: each id-taking mutation must answer alike for both."""
    for name in sorted(GRAPHQL.mutation_type.fields):  # type: ignore[union-attr]  # the schema has one
        foreign = random_mutation(Random(name), probe.ordering, name)
        ghosts = foreign
        for type_name, ids in probe.foreign.items():
            for id_ in ids:
                ghosts = ghosts.replace(id_, global_id(type_name, new_id()))
        if ghosts == foreign:
            continue
        answers = [json.dumps(await probe.api(document)) for document in (foreign, ghosts)]
        assert answers[0] == answers[1], foreign


@pytest.mark.parametrize("planner", [True, False])
async def test_a_planted_leak_is_found(
    probe: Probe, addresses: Any, monkeypatch: pytest.MonkeyPatch, planner: bool
) -> None:
    """Without row-level security and without the predicate, the probe has to cry out."""

    async def allow(_self: Database) -> None:
        return None

    monkeypatch.setattr(Database, "_refuse_powerful_role", allow)
    monkeypatch.setattr(relations, "_TENANT", "true")
    monkeypatch.setattr(objects, "_among", lambda relation: f"{relation.key} = :key")
    powerful = await Database.open(addresses.database_url, role="none")
    try:
        monkeypatch.setattr(Database, "tenant", powerful.tenant)
        document = f'{{ node(id: "{probe.foreign["Customer"][0]}") {{ id ... on Customer {{ name }} }} }}'
        assert await probe.findings(document, planner)
    finally:
        await powerful.close()
