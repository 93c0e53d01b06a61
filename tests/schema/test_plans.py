"""What a document's plans are kept by: bounded, and only by what changes the selection."""

from typing import Any
from uuid import UUID

import pytest

from db.database import Database
from resolvers.plan import plans
from resolvers.plan.roots import Root, Told
from schema.documents import read_document
from tests.api import Api
from tests.schema.test_customers import add_customers

NOTE = """
mutation ($key: String!, $id: ID!) {
  customerNoteAdd(input: {customerId: $id, body: "x"}) @idempotent(key: $key) { note { body } userErrors { code } }
}
"""
MANY = " ".join(f"a{n}: name @include(if: $v{n})" for n in range(4))


async def test_a_key_of_a_request_makes_no_plan_of_its_own(api: Api, database: Database, organization: UUID) -> None:
    await add_customers(database, organization, ["Ann"])
    [node] = (await api("{ customers { nodes { id } } }"))["data"]["customers"]["nodes"]
    for number in range(3):
        answer = await api(NOTE, key=f"key {number}", id=node["id"], planner=True)
        assert answer["data"]["customerNoteAdd"]["note"] == {"body": "x"}
    assert len(read_document(NOTE).plans.compiled) == 1


async def test_combinations_of_directives_are_bounded(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plans, "MAX_PLANS", 5)
    declared = ", ".join(f"$v{n}: Boolean!" for n in range(4))
    query = f"query ({declared}) {{ customers {{ nodes {{ id {MANY} }} }} }}"
    for number in range(16):
        await api(query, planner=True, **{f"v{n}": bool(number >> n & 1) for n in range(4)})
    assert 1 <= len(read_document(query).plans.compiled) <= 5


async def test_what_cannot_be_planned_is_resolved_once(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    query = "{ segments { nodes { conditionText } } }"
    tried: list[str] = []
    resolve = Root._resolve

    def count(self: Root, *arguments: object) -> object:
        tried.append(self.key)
        return resolve(self, *arguments)  # type: ignore[arg-type]  # passed on as they came

    monkeypatch.setattr(Root, "_resolve", count)
    for _ in range(4):
        assert "errors" not in await api(query, planner=True)
    assert tried == ["segments"]


async def test_a_resolver_is_told_the_same_without_an_executor(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    query = "query ($first: Int) { brands { name } customers(first: $first) { nodes { name } } }"
    seen: list[tuple[object, ...]] = []
    made = Told.__init__

    def look(self: Told, *arguments: Any) -> None:
        made(self, *arguments)
        seen.append((self.field_name, self.variable_values, self._raw_info.context is self.context))

    monkeypatch.setattr(Told, "__init__", look)
    for first in (1, 2, 3):
        assert "errors" not in await api(query, planner=True, first=first)
    assert [one for one in seen if one[0] == "customers"] == [("customers", {"first": n}, True) for n in (2, 3)]
