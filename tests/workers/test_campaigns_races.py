"""Refusals against sending, on every path and at every moment: no call to a provider begins after one committed.

The mark is where a call begins (docs/decisions/0006): a refusal that comes while it is written waits for it.
"""

from collections.abc import Iterator
from typing import Any

import pytest

from db.frequency import create_rule
from db.points import watched
from domain.frequency import FrequencyRule, WindowUnit
from domain.ids import new_id
from tests.api import Api
from tests.campaigns import Shop
from tests.mail import MailServer
from tests.workers.refusals import REFUSALS, Elsewhere
from tests.workers.sending_paths import PATHS, TRANSACTIONAL, Here, Sent, send_all

BEFORE_THE_MARK = ("campaign.recovered", "message.read")
WITH_AN_AUDIENCE = {"broadcast", "once_more"}
ADDRESSED_WHEN_DUE = {"by_a_stage"}


def _places(path: str) -> list[str]:
    snapshot = ("campaign.chunk", "campaign.entered") if path in WITH_AN_AUDIENCE else ()
    addressing = ("message.addressed",) if path in ADDRESSED_WHEN_DUE else ()
    return [*snapshot, *addressing, *BEFORE_THE_MARK, "message.marking"]


def _cases() -> list[tuple[str, str, str]]:
    asked = [reason for reason in REFUSALS if reason in ("SUPPRESSED", "CUSTOMER_DELETED")]
    return [
        (path, reason, place)
        for path in PATHS
        for reason in (asked if path in TRANSACTIONAL else REFUSALS)
        for place in _places(path)
    ]


@pytest.fixture(scope="module")
def other(addresses: Any) -> Iterator[Elsewhere]:
    made = Elsewhere(addresses.database_url)
    yield made
    made.close()


@pytest.mark.parametrize(("path", "reason", "place"), _cases())
async def test_no_call_begins_after_a_refusal_has_committed(
    shop: Shop, server: MailServer, api: Api, other: Elsewhere, path: str, reason: str, place: str
) -> None:
    if reason == "FREQUENCY_CAPPED":
        async with shop.database.tenant(shop.organization) as tx:
            rule = FrequencyRule("Once a day", 1, 1, WindowUnit.DAYS).check()
            assert await create_rule(tx, new_id(), rule) is None
    here = Here(shop, server, api)
    sent = await PATHS[path](here)
    server.began.clear()
    interruption = other.at(place, REFUSALS[reason], shop, sent.person)
    with watched(interruption):
        await send_all(here)
    await interruption.ended()
    calls = server.began.count(sent.person.address)
    if place == "message.marking":
        # The mark came first, so the refusal waited for it, and the one call is made whose beginning it was.
        assert interruption.waited
        assert (calls, await _fates(here, sent)) == (1, ([("SENT", None)], {"SENT"}))
    else:
        assert (calls, await _fates(here, sent)) == (0, ([("SKIPPED", reason)], {"SENT"}))


async def _fates(here: Here, sent: Sent) -> tuple[list[tuple[str, str | None]], set[str]]:
    """What became of the person's message, and of all others of the campaign."""
    rows = await here.shop.rows(
        "select status, skip_reason, coalesce(customer_id, :person) = :person::uuid as theirs from message "
        "where organization_id = :organization and campaign_id = :id",
        id=sent.campaign,
        person=sent.person.id,
    )
    theirs = [(row["status"], row["skip_reason"]) for row in rows if row["theirs"]]
    return theirs, {row["status"] for row in rows if not row["theirs"]}
