"""Backtests: the series of counts, a sample, and the members as a file, all alike."""

import csv
import io
from typing import Any
from uuid import UUID

import pytest

import workers.backtest
from db.database import Database
from db.exports import matched_rows
from domain.ids import global_id, new_id
from resolvers.ids import row_id
from tests.api import Api
from tests.jobs import drain
from tests.schema.test_preview import SPENT, buyers
from tests.schema.test_profiles import refused, send
from tests.schema.test_segments import create, manual
from tests.workers.everybody import slices_of
from tests.workers.test_deletions import delete, file_of, people
from tests.workers.test_exports import OPERATION, get, key_of

__all__ = ["buyers"]

BACKTEST = """query ($condition: SegmentConditionInput, $from: Date!, $to: Date!, $sample: Int! = 3) {
  segmentBacktest(condition: $condition, from: $from, to: $to, sample: $sample) {
    day asOf count sample { name } } }"""
EXPORT = """mutation ($input: SegmentBacktestExportInput!) { segmentBacktestExport(input: $input) {
  bulkOperation { id kind } userErrors { code field message } } }"""
YEAR = {"from": "2025-12-01", "to": "2026-04-30"}
LATELY = {"date": {"field": "lastOrderAt", "is": {"withinDays": 30}}}


async def backtest(api: Api, condition: Any, **given: Any) -> Any:
    answer = await api(BACKTEST, condition=condition, **YEAR | given)
    assert "errors" not in answer, answer
    return answer["data"]["segmentBacktest"]


async def test_series_of_counts(api: Api, buyers: list[UUID]) -> None:
    points = await backtest(api, SPENT)
    assert [(point["day"], point["count"]) for point in points] == [
        ("2025-12-31", 0),
        ("2026-01-31", 0),
        ("2026-02-28", 0),
        ("2026-03-31", 1),
        ("2026-04-30", 1),
    ]
    assert [[customer["name"] for customer in point["sample"]] for point in points][3:] == [["Ann"], ["Ann"]]
    assert points[0]["asOf"] == "2025-12-31T23:59:59.999999Z"
    assert [point["count"] for point in await backtest(api, LATELY)] == [0, 1, 0, 1, 0]


async def test_members_are_written_into_a_file(
    api: Api, buyers: list[UUID], database: Database, organization: UUID
) -> None:
    segment = await create(api, condition=LATELY)
    asked = await send(api, EXPORT, {"segmentId": segment["id"]} | YEAR)
    assert asked["bulkOperation"]["kind"] == "BACKTEST"
    await drain(database, organization)
    done = (await api(OPERATION, id=asked["bulkOperation"]["id"]))["data"]["bulkOperation"]
    answer = await get(database, done["resultUrl"], await key_of(database, organization))
    assert list(csv.reader(io.StringIO(answer.text))) == [
        ["day", "id", "externalId"],
        ["2026-01-31", global_id("Customer", buyers[1]), "Bob"],
        ["2026-03-31", global_id("Customer", buyers[0]), "Ann"],
    ]


@pytest.mark.parametrize("slice_", [1, 3, 8, 15], ids=["at once", "later", "in a later month", "at the end"])
async def test_who_is_deleted_while_it_is_written_is_in_no_month(
    api: Api, database: Database, organization: UUID, monkeypatch: pytest.MonkeyPatch, slice_: int
) -> None:
    ids = await people(api)
    segment = await create(api, condition={"not": SPENT})
    read, passed = matched_rows, 0

    async def reading(*arguments: Any) -> Any:
        nonlocal passed
        rows = await read(*arguments)
        passed += 1
        if passed == slice_:
            await delete(api, ids["p1"])
        return rows

    monkeypatch.setattr(workers.backtest, "matched_rows", reading)
    asked = await send(api, EXPORT, {"segmentId": segment["id"]} | YEAR)
    with slices_of(2):
        await drain(database, organization)
    # Five months of three slices, and of two for the pass that was begun anew.
    assert passed == 5 * 3 + 5 * 2
    rows = csv.reader(io.StringIO(await file_of(database, organization, asked["bulkOperation"]["id"])))
    kept = sorted(ids.keys() - {"p1"}, key=lambda name: row_id(ids[name], "Customer"))
    assert [row[2] for row in rows] == ["externalId", *kept * 5]
    state = "query ($id: ID!) { bulkOperation(id: $id) { state done } }"
    done = (await api(state, id=asked["bulkOperation"]["id"]))["data"]["bulkOperation"]
    assert done == {"state": "COMPLETED", "done": "20"}


async def test_what_cannot_be_backtested(api: Api) -> None:
    backwards = {"from": "2026-02-01", "to": "2026-01-01"}
    (error,) = (await api(BACKTEST, condition=SPENT, **backwards))["errors"]
    assert (error["extensions"]["code"], error["extensions"]["field"]) == ("BAD_USER_INPUT", ["from"])
    (error,) = (await api(BACKTEST, **YEAR))["errors"]
    assert error["extensions"]["code"] == "BAD_USER_INPUT"
    friends, automatic = await manual(api), await create(api)
    for given, expected in (
        ({"segmentId": friends["id"]} | YEAR, ("NOT_RULE_BASED", "input.segmentId")),
        ({"segmentId": global_id("Segment", new_id())} | YEAR, ("NOT_FOUND", "input.segmentId")),
        ({"segmentId": automatic["id"]} | backwards, ("INVALID", "input.from")),
    ):
        assert refused(await send(api, EXPORT, given)) == [expected]
