"""The settings of scores: read, and changed with everybody's scores calculated again."""

from decimal import Decimal
from uuid import UUID

from db.database import Transaction
from db.organizations import current_organization, set_setting
from db.scores import request_recalculation
from domain.refusals import Refused
from domain.scores import ScoreSettings, changed_settings, score_settings
from resolvers.context import Context

MANAGE = "settings:manage"


async def settings(context: Context) -> ScoreSettings:
    """The organization's own, with the defaults for what it has not set."""
    return score_settings((await context.read(current_organization)).settings)


async def update(
    context: Context, given: dict[str, dict[str, Decimal]], expected_version: int | None
) -> tuple[UUID | None, list[Refused]]:
    """Changes what is given by score and name; gives the calculation that follows. Refuses INVALID and STALE."""

    async def work(tx: Transaction) -> UUID:
        organization = await current_organization(tx, lock=True)
        if expected_version not in (None, organization.version):
            message = f"The organization is at version {organization.version} by now: read it again and repeat."
            raise Refused("STALE", message, ("input", "expectedVersion"))
        try:
            changed = changed_settings(organization.settings, given)
        except Refused as refusal:
            raise Refused(refusal.code, refusal.message, ("input", *map(_camel, refusal.field[1:]))) from refusal
        await set_setting(tx, "scores", changed)
        return await request_recalculation(tx, None, actor=context.caller.actor)

    return await context.command(MANAGE, work)


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(word.title() for word in rest)
