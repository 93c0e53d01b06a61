"""What entering a stage causes: tasks, once for each stay or customer, cancelled on leaving, done by people."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from db.database import Database
from domain.ids import new_id
from resolvers.ids import global_id
from tests.api import Api
from tests.jobs import drain
from tests.present import renewed
from tests.schema.test_journeys import MOVE
from tests.schema.test_profiles import refused, send
from tests.schema.test_stages import DELETE, UPDATE, live, placed, stages

NOW = datetime.now(UTC)
present = renewed(globals())
TASKS = """query ($status: TaskStatus) { tasks(status: $status) { nodes {
  id kind title dueOn status version actionKey customer { name } } } }"""
DONE = """mutation ($input: TaskUpdateInput!) { taskUpdate(input: $input) {
  task { status version } userErrors { code field message } } }"""
EVALUATE = "mutation { journeysEvaluate(input: {}) { bulkOperation { id } } }"
CALL = {"key": "call", "kind": "CALL", "title": "Call and thank", "dueInDays": 2}


async def tasks(api: Api, status: str | None = None) -> list[dict[str, Any]]:
    nodes: list[dict[str, Any]] = (await api(TASKS, status=status))["data"]["tasks"]["nodes"]
    return nodes


async def declare(api: Api, key: str, *actions: dict[str, Any]) -> None:
    payload = await send(api, UPDATE, {"stageId": (await stages(api))[key]["id"], "actions": list(actions)})
    assert payload["userErrors"] == []


async def test_entering_a_stage_causes_its_tasks_once(api: Api, database: Database, organization: UUID) -> None:
    await live(database, organization, ("old", "5000.00", 1))
    await declare(api, "vip", CALL, CALL | {"key": "review", "kind": "REVIEW", "title": "Review", "dueInDays": 90})
    await live(database, organization, ("ann", "5000.00", 1), ("bob", "5.00", 1))
    found = await tasks(api)
    # Not for who stood there before it was declared.
    assert [(one["customer"]["name"], one["kind"], one["title"], one["dueOn"], one["actionKey"]) for one in found] == [
        ("ann", "CALL", "Call and thank", (NOW.date() + timedelta(days=2)).isoformat(), "call"),
        ("ann", "REVIEW", "Review", (NOW.date() + timedelta(days=90)).isoformat(), "review"),
    ]
    await api(EVALUATE)
    await drain(database, organization)
    assert await tasks(api) == found
    async with database.tenant(organization) as tx:
        await tx.run("delete from task where action_key = 'review'")
    await api(EVALUATE)
    await drain(database, organization)
    assert [one["actionKey"] for one in await tasks(api)] == ["call", "review"]


async def test_leaving_cancels_and_coming_back_causes_again_unless_once(
    api: Api, database: Database, organization: UUID
) -> None:
    once = CALL | {"key": "once", "title": "Welcome", "repeat": "ONCE", "cancelOnLeave": False}
    await declare(api, "vip", CALL, once)
    await live(database, organization, ("ann", "5000.00", 1))
    found = (await api("{ customers { nodes { id journey { stage { key } } } } }"))["data"]["customers"]["nodes"]
    [ann] = [node["id"] for node in found]
    for key in ("lead", "vip", "lead"):
        moved = await send(api, MOVE, {"customerId": ann, "stage": {"key": key}, "lock": "FOREVER"})
        assert moved["userErrors"] == []
        await api(EVALUATE)
        await drain(database, organization)
    assert sorted((one["title"], one["status"]) for one in await tasks(api)) == [
        ("Call and thank", "CANCELLED"),
        ("Call and thank", "CANCELLED"),
        ("Welcome", "OPEN"),
    ]
    assert await placed(api) == {"ann": "lead"}


async def test_a_stage_that_is_deleted_takes_its_open_tasks_along(
    api: Api, database: Database, organization: UUID
) -> None:
    """Also the last stage that declared any."""
    await declare(api, "vip", CALL)
    await live(database, organization, ("ann", "5000.00", 1))
    ids = {key: stage["id"] for key, stage in (await stages(api)).items()}
    deleted = await send(api, DELETE, {"stageId": ids["vip"], "moveToStageId": ids["regular"]})
    assert deleted["userErrors"] == []
    await drain(database, organization)
    assert await placed(api) == {"ann": "regular"}
    assert [one["status"] for one in await tasks(api)] == ["CANCELLED"]


async def test_a_task_is_done_and_a_stale_one_is_refused(api: Api, database: Database, organization: UUID) -> None:
    await declare(api, "customer", CALL)
    await live(database, organization, ("ann", "5.00", 1))
    [task] = await tasks(api, "OPEN")
    done = await send(api, DONE, {"taskId": task["id"], "status": "DONE", "expectedVersion": 1})
    assert done["task"] == {"status": "DONE", "version": 2}
    stale = await send(api, DONE, {"taskId": task["id"], "status": "OPEN", "expectedVersion": 1})
    assert (refused(stale), stale["task"]) == ([("STALE", "input.expectedVersion")], None)
    unknown = await send(api, DONE, {"taskId": global_id("Task", new_id()), "status": "OPEN"})
    assert refused(unknown) == [("NOT_FOUND", "input.taskId")]
    assert await tasks(api, "OPEN") == []
    query = "{ customers { nodes { journey { tasks { nodes { status } } } } } }"
    [node] = (await api(query))["data"]["customers"]["nodes"]
    assert node["journey"]["tasks"]["nodes"] == [{"status": "DONE"}]


@pytest.mark.parametrize(
    ("actions", "field"),
    [
        ([CALL, CALL], "input.actions"),
        ([CALL | {"key": "No"}], "input.actions.0.key"),
        ([CALL | {"dueInDays": 366}], "input.actions.0.dueInDays"),
        ([CALL | {"title": " "}], "input.actions.0.title"),
    ],
)
async def test_actions_that_cannot_be_are_refused(
    api: Api, organization: UUID, actions: list[dict[str, Any]], field: str
) -> None:
    payload = await send(api, UPDATE, {"stageId": (await stages(api))["vip"]["id"], "actions": actions})
    assert (refused(payload), payload["stage"]) == ([("INVALID", field)], None)
