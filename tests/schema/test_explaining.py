"""Why somebody is in a segment: each leaf with value and verdict, what is missing, and what people decided."""

from typing import Any
from uuid import UUID

from db.database import Database
from domain.ids import new_id
from resolvers.ids import global_id
from tests.api import Api
from tests.jobs import drain
from tests.schema.test_preview import SPENT, buyers
from tests.schema.test_profiles import refused, send
from tests.schema.test_segments import ERRORS, create, manual

__all__ = ["buyers"]

EXPLAIN = """query ($segment: ID!, $customer: CustomerIdentifier!) {
  segmentExplain(segmentId: $segment, customer: $customer) {
    segment { key } customer { name } isMember matches text missingText membership { source } override { mode actor }
    missing { number { field is { gte } } any { text { field } } }
    leaves { path holds text actualText actual { number text day dateTime texts boolean } }
    tree { path holds actual { number } conditions { path holds text } }
  }
}"""
SET = f"""mutation ($input: SegmentOverrideSetInput!) {{ segmentOverrideSet(input: $input) {{
  entered left segment {{ memberCount overrides {{ nodes {{ mode customer {{ name }} }} }} }} {ERRORS} }} }}"""
REMOVE = f"""mutation ($input: SegmentOverrideRemoveInput!) {{ segmentOverrideRemove(input: $input) {{
  entered left segment {{ memberCount overrides {{ totalCount {{ value }} }} }} {ERRORS} }} }}"""
BOUGHT_OR_ROME = {
    "all": [
        SPENT,
        {
            "any": [
                {"text": {"field": "city", "is": {"eq": "Rome"}}},
                {"not": {"set": {"field": "tags", "is": {"anyOf": ["x"]}}}},
            ]
        },
    ]
}


async def explain(api: Api, segment: str, **customer: Any) -> Any:
    answer = await api(EXPLAIN, segment=segment, customer=customer)
    assert "errors" not in answer, answer
    return answer["data"]["segmentExplain"]


async def test_each_leaf_has_its_value_and_verdict(
    api: Api, buyers: list[UUID], database: Database, organization: UUID
) -> None:
    segment = await create(api, condition=BOUGHT_OR_ROME)
    await drain(database, organization)
    ann = await explain(api, segment["id"], id=global_id("Customer", buyers[0]))
    assert (ann["isMember"], ann["matches"], ann["missing"], ann["customer"]["name"]) == (True, True, None, "Ann")
    assert ann["text"].startswith("Is a member: lifetime value is at least 100 and (")
    assert [(leaf["path"], leaf["holds"], leaf["actualText"]) for leaf in ann["leaves"]] == [
        (["all", "0"], True, "150"),
        (["all", "1", "any", "0"], False, "unknown"),
        (["all", "1", "any", "1", "not"], False, "none"),
    ]
    assert ann["leaves"][0]["actual"]["number"] == "150"
    assert [part["holds"] for part in ann["tree"]["conditions"]] == [True, True]
    bob = await explain(api, segment["id"], id=global_id("Customer", buyers[1]))
    assert (bob["isMember"], bob["matches"]) == (False, False)
    assert bob["missing"] == {"number": {"field": "lifetimeValue", "is": {"gte": "100"}}, "any": None}
    assert bob["text"] == "Is not a member: missing: lifetime value is at least 100."


async def test_decisions_are_explained_and_wait_for_nobody(
    api: Api, buyers: list[UUID], database: Database, organization: UUID
) -> None:
    segment = await create(api)
    await drain(database, organization)
    ann, bob, _ = (global_id("Customer", id_) for id_ in buyers)
    excluded = await send(api, SET, {"segmentId": segment["id"], "customerIds": [ann], "mode": "EXCLUDE"})
    assert (excluded["entered"], excluded["left"], excluded["segment"]["memberCount"]) == (0, 1, 0)
    included = await send(api, SET, {"segmentId": segment["id"], "customerIds": [bob], "mode": "INCLUDE"})
    modes = {node["customer"]["name"]: node["mode"] for node in included["segment"]["overrides"]["nodes"]}
    assert modes == {"Ann": "EXCLUDE", "Bob": "INCLUDE"}
    await drain(database, organization)
    told = await explain(api, segment["id"], id=ann)
    assert (told["isMember"], told["matches"], told["override"]) == (
        False,
        True,
        {"mode": "EXCLUDE", "actor": "key:test"},
    )
    assert told["text"] == "Is not a member: somebody excluded them, whatever the condition says."
    told = await explain(api, segment["id"], id=bob)
    assert (told["isMember"], told["matches"], told["membership"]) == (True, False, {"source": "MANUAL"})
    back = await send(api, REMOVE, {"segmentId": segment["id"], "customerIds": [ann, bob]})
    assert (back["entered"], back["left"], back["segment"]["memberCount"]) == (1, 1, 1)
    assert back["segment"]["overrides"]["totalCount"]["value"] == 0


async def test_manual_segments_are_explained_and_not_overridden(api: Api, buyers: list[UUID]) -> None:
    friends = await manual(api)
    ann = global_id("Customer", buyers[0])
    told = await explain(api, friends["id"], id=ann)
    assert (told["matches"], told["tree"], told["leaves"]) == (None, None, [])
    assert told["text"] == "Is not a member: nobody put them in."
    given = {"segmentId": friends["id"], "customerIds": [ann]}
    assert refused(await send(api, SET, given | {"mode": "INCLUDE"})) == [("NOT_RULE_BASED", "input.segmentId")]
    ghost = {"segmentId": (await create(api))["id"], "customerIds": [global_id("Customer", new_id())]}
    assert refused(await send(api, REMOVE, ghost)) == [("NOT_FOUND", "input.customerIds.0")]


async def test_unknown_ones_and_missing_scopes(api: Api, buyers: list[UUID]) -> None:
    segment = await create(api)
    assert await explain(api, segment["id"], externalId="nobody") is None
    assert await explain(api, global_id("Segment", new_id()), id=global_id("Customer", buyers[0])) is None
    for scope in ("segments:view", "customers:view"):
        answer = await api(EXPLAIN, segment=segment["id"], customer={"email": "x"}, scopes=frozenset({scope}))
        assert answer["errors"][0]["extensions"]["code"] == "FORBIDDEN"
