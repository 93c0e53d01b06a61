"""Commands on what counts as success and what messages cost, and figures over all of them."""

from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from db.campaigns import find_campaign
from db.database import Transaction
from db.organizations import current_organization
from db.results import conversions, due, figures, prices, settings
from db.results.figures import By, GroupedFigures, Which
from db.results.settings import MessagingSetting
from domain import values
from domain.conditions import parse
from domain.conditions.tree import FactLeaf
from domain.days import start_of_day
from domain.ids import new_id
from domain.refusals import Refused, Rejected
from domain.results.conversions import Definition, Start, check_window
from resolvers.context import Context

EDIT, SETTINGS = "campaigns:edit", "settings:manage"
MAX_DAYS = 1_098
MOST_ROWS = 1_000
MOST_DEFINITIONS = 10
# With fewer nobody can say when a customer would rather be written to.
LEAST_SENDS = 10


async def define(
    context: Context,
    campaign_id: UUID,
    name: str,
    fact: dict[str, Any] | None,
    segment_id: UUID | None,
    window_hours: int,
    starts_from: Start,
) -> tuple[UUID | None, list[Refused]]:
    """Says what counts as a success of a campaign; refuses INVALID, NAME_TAKEN, NOT_FOUND and TOO_MANY."""

    async def work(tx: Transaction) -> UUID:
        if (fact is None) == (segment_id is None):
            raise Refused("INVALID", "Say either a fact or a segment.", ("input",))
        window = check_window(timedelta(hours=window_hours), timedelta(hours=1), "input", "windowHours")
        definition = Definition(
            values.line(name, "input", "name", limit=100), _fact(fact), segment_id, window, starts_from
        )
        campaign = await find_campaign(tx, campaign_id)
        if campaign is None:
            raise Refused("NOT_FOUND", "There is no such campaign.", ("input", "campaignId"))
        if await conversions.count_definitions(tx, campaign_id) >= MOST_DEFINITIONS:
            raise Refused("TOO_MANY", f"A campaign has at most {MOST_DEFINITIONS} of them.", ("input",))
        definition_id = new_id()
        try:
            await conversions.add_definition(tx, definition_id, campaign_id, definition)
        except Refused as refusal:
            raise Refused(refusal.code, refusal.message, ("input", *refusal.field)) from None
        await due.owe_campaign(tx, campaign_id)
        return definition_id

    return await context.command(EDIT, work)


def _fact(given: dict[str, Any] | None) -> FactLeaf | None:
    if given is None:
        return None
    try:
        leaf = parse({"fact": {**given, "aggregate": "COUNT", "is": {"gte": "1"}}})
    except Refused as refusal:
        raise Refused("INVALID", refusal.message, ("input", "fact")) from None
    assert isinstance(leaf, FactLeaf)
    return leaf


async def undefine(context: Context, definition_id: UUID) -> tuple[UUID | None, list[Refused]]:
    """Forgets what counts, and what was counted by it; the campaign. Refuses NOT_FOUND."""

    async def work(tx: Transaction) -> UUID:
        campaign_id = await conversions.delete_definition(tx, definition_id)
        if campaign_id is None:
            raise Refused("NOT_FOUND", "There is no such definition.", ("input", "definitionId"))
        await due.owe_campaign(tx, campaign_id)
        return campaign_id

    return await context.command(EDIT, work)


async def recount(context: Context, campaign_id: UUID) -> tuple[UUID | None, list[Refused]]:
    """Owes a campaign a count of its conversions and money from the facts; refuses NOT_FOUND."""

    async def work(tx: Transaction) -> UUID:
        if await find_campaign(tx, campaign_id) is None:
            raise Refused("NOT_FOUND", "There is no such campaign.", ("input", "campaignId"))
        await due.owe_campaign(tx, campaign_id)
        return campaign_id

    return await context.command(EDIT, work)


async def price(
    context: Context, channel: str, amount: Decimal | None, brand_id: UUID | None, campaign_id: UUID | None
) -> tuple[UUID | None, list[Refused]]:
    """What one message on a channel costs; refuses INVALID and NOT_FOUND."""

    async def work(tx: Transaction) -> UUID | None:
        if brand_id and campaign_id:
            raise Refused("INVALID", "Say a brand or a campaign, not both.", ("input",))
        if amount is not None and not 0 <= amount < 1_000:
            raise Refused("INVALID", "A message costs from 0 to less than 1,000.", ("input", "amount"))
        try:
            return await prices.set_price(tx, channel, amount, brand_id=brand_id, campaign_id=campaign_id)
        except Refused as refusal:
            raise Refused(refusal.code, refusal.message, ("input", *refusal.field)) from None

    return await context.command(SETTINGS, work, of_all_brands=brand_id is None and campaign_id is None)


async def messaging_setting(context: Context) -> MessagingSetting:
    return await context.read(settings.messaging_setting)


async def set_messaging(
    context: Context, opens: bool | None, clicks: bool | None, hours: int | None, start: Start | None
) -> tuple[MessagingSetting | None, list[Refused]]:
    """Changes what is given; refuses INVALID. Another attribution is computed anew for everybody."""

    async def work(tx: Transaction) -> MessagingSetting:
        now = await settings.messaging_setting(tx)
        window = now.attribution_window if hours is None else timedelta(hours=hours)
        check_window(window, timedelta(hours=1), "input", "attributionWindowHours")
        wanted = MessagingSetting(
            now.track_opens if opens is None else opens,
            now.track_clicks if clicks is None else clicks,
            window,
            now.attribution_from if start is None else start.value,
        )
        await settings.set_messaging(tx, wanted)
        if (now.attribution_window, now.attribution_from) != (wanted.attribution_window, wanted.attribution_from):
            await due.owe_everybody(tx)
        return wanted

    return await context.command(SETTINGS, work, of_all_brands=True)


async def grouped(context: Context, by: By, first: date, last: date, which: Which) -> list[GroupedFigures]:
    """Figures of the messages sent from the first local day to the last one."""

    async def work(tx: Transaction) -> list[GroupedFigures]:
        start, end = await _range(tx, first, last)
        return await figures.grouped_figures(tx, by, start, end, which, MOST_ROWS)

    return await context.read(work)


async def best_hour(context: Context, first: date, last: date, which: Which) -> GroupedFigures | None:
    """None when too little was sent to say."""

    async def work(tx: Transaction) -> GroupedFigures | None:
        start, end = await _range(tx, first, last)
        hours = await figures.grouped_figures(tx, By.HOUR, start, end, which, 24)
        if which.customer_id is not None and sum(hour.sent for hour in hours) < LEAST_SENDS:
            return None
        return figures.best(hours)

    return await context.read(work)


async def _range(tx: Transaction, first: date, last: date) -> tuple[datetime, datetime]:
    if not 0 <= (last - first).days < MAX_DAYS:
        raise Rejected("BAD_USER_INPUT", f"`from` is not after `to`, and at most {MAX_DAYS:,} days are shown.")
    zone = (await current_organization(tx)).timezone
    return start_of_day(first, zone), start_of_day(last + timedelta(days=1), zone)
