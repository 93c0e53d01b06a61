"""Whatever is not answered by a plan is counted, with the reason."""

from uuid import UUID

import pytest

from db.database import Database
from domain.access import SCOPES
from resolvers.plan.fallbacks import Reason, fallbacks
from tests.api import Api
from tests.schema.test_customers import add_customers

LONG = "a" * 64


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        (f"{{ customers {{ nodes {{ {LONG}: name }} }} }}", Reason.NAME),
        ("{ customers { nodes { notes(first: 0) { nodes { id } } } } }", Reason.ARGUMENTS),
        ("{ customers { nodes { journey { id } } } }", Reason.SCOPE),
    ],
)
async def test_the_reason_is_counted(
    api: Api, database: Database, organization: UUID, query: str, reason: Reason
) -> None:
    await add_customers(database, organization, ["Ann"])
    fallbacks.clear()
    await api(query, planner=True, scopes=frozenset(SCOPES) - {"journeys:view"})
    assert fallbacks[reason] >= 1


async def test_a_plan_is_no_fallback(api: Api, database: Database, organization: UUID) -> None:
    await add_customers(database, organization, ["Ann"])
    fallbacks.clear()
    for _ in range(2):
        await api("{ customers { nodes { name } } }", planner=True)
    assert not fallbacks
