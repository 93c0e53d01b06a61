"""The weights and thresholds of scores, which each organization may set for itself."""

from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Any

import strawberry

from db import bulk
from resolvers import scores as commands
from resolvers.scores import MANAGE
from schema.bulk import BulkOperation
from schema.enums import described
from schema.fields import Info, argument, column, read, scoped
from schema.journey_stages import VIEW
from schema.payloads import Payload, UserError, user_errors

_ENGAGEMENT = {
    "frequency": "Weight of how often they visit.",
    "recency": "Weight of how recently they were active.",
    "monetary": "Weight of what they bring.",
    "quality": "Weight of how they respond: messages clicked and answered, appointments kept.",
    "visit_target": "Visits in 90 days that count in full.",
    "idle_limit": "Idle days from which recency counts nothing.",
    "vip_value": "Lifetime value that counts in full.",
}
_RISK = {
    "idle": "Weight of idling for more than idleDays.",
    "long_idle": "Weight of idling for more than longIdleDays, added to the other.",
    "missed": "Weight of missing more appointments than missedRate.",
    "declining": "Weight of visits declining by more than trend.",
    "tickets": "Weight of an open support ticket.",
    "idle_days": "Days; see idle.",
    "long_idle_days": "Days; see longIdle.",
    "missed_rate": "A share of appointments, 0 to 1; see missed.",
    "trend": "Change of visits against the 90 days before, -1 to 1; see declining.",
    "threshold": "Customers with a risk above it are listed as at risk.",
    "call_above": "Of these, those with a risk above it are best called.",
    "offer_days": "Of these, those idle for more days are best made an offer.",
}


@strawberry.type(description="Weights of engagement's components, and what counts in full.")
class EngagementSettings:
    frequency: Decimal = column(_ENGAGEMENT["frequency"])
    recency: Decimal = column(_ENGAGEMENT["recency"])
    monetary: Decimal = column(_ENGAGEMENT["monetary"])
    quality: Decimal = column(_ENGAGEMENT["quality"])
    visit_target: Decimal = column(_ENGAGEMENT["visit_target"])
    idle_limit: Decimal = column(_ENGAGEMENT["idle_limit"])
    vip_value: Decimal = column(_ENGAGEMENT["vip_value"])


@strawberry.type(description="Weights of risk's factors, and from where on each holds.")
class RiskSettings:
    idle: Decimal = column(_RISK["idle"])
    long_idle: Decimal = column(_RISK["long_idle"])
    missed: Decimal = column(_RISK["missed"])
    declining: Decimal = column(_RISK["declining"])
    tickets: Decimal = column(_RISK["tickets"])
    idle_days: Decimal = column(_RISK["idle_days"])
    long_idle_days: Decimal = column(_RISK["long_idle_days"])
    missed_rate: Decimal = column(_RISK["missed_rate"])
    trend: Decimal = column(_RISK["trend"])
    threshold: Decimal = column(_RISK["threshold"])
    call_above: Decimal = column(_RISK["call_above"])
    offer_days: Decimal = column(_RISK["offer_days"])


@strawberry.type(description="How scores are computed in this organization.")
class ScoreSettings:
    engagement: EngagementSettings = column("Of engagement.")
    risk: RiskSettings = column("Of risk.")


def _may(description: str) -> Any:
    return strawberry.field(default=None, description=description)


@strawberry.input(description="What to change of engagement's settings; what is left out stays.")
class EngagementSettingsInput:
    frequency: Decimal | None = _may(_ENGAGEMENT["frequency"])
    recency: Decimal | None = _may(_ENGAGEMENT["recency"])
    monetary: Decimal | None = _may(_ENGAGEMENT["monetary"])
    quality: Decimal | None = _may(_ENGAGEMENT["quality"])
    visit_target: Decimal | None = _may(_ENGAGEMENT["visit_target"])
    idle_limit: Decimal | None = _may(_ENGAGEMENT["idle_limit"])
    vip_value: Decimal | None = _may(_ENGAGEMENT["vip_value"])


@strawberry.input(description="What to change of risk's settings; what is left out stays.")
class RiskSettingsInput:
    idle: Decimal | None = _may(_RISK["idle"])
    long_idle: Decimal | None = _may(_RISK["long_idle"])
    missed: Decimal | None = _may(_RISK["missed"])
    declining: Decimal | None = _may(_RISK["declining"])
    tickets: Decimal | None = _may(_RISK["tickets"])
    idle_days: Decimal | None = _may(_RISK["idle_days"])
    long_idle_days: Decimal | None = _may(_RISK["long_idle_days"])
    missed_rate: Decimal | None = _may(_RISK["missed_rate"])
    trend: Decimal | None = _may(_RISK["trend"])
    threshold: Decimal | None = _may(_RISK["threshold"])
    call_above: Decimal | None = _may(_RISK["call_above"])
    offer_days: Decimal | None = _may(_RISK["offer_days"])


@strawberry.input(description="What to change of how scores are computed.")
class ScoreSettingsUpdateInput:
    engagement: EngagementSettingsInput | None = _may("Of engagement.")
    risk: RiskSettingsInput | None = _may("Of risk.")
    expected_version: int | None = _may("Refuse unless this is the organization's version.")


class ScoreSettingsErrorCode(StrEnum):
    INVALID = "INVALID"
    STALE = "STALE"


described(
    ScoreSettingsErrorCode,
    "Why the settings of scores were not changed.",
    {
        "INVALID": "A number is out of its range, or no component of engagement would count.",
        "STALE": "The organization was changed since the version you expected; the message tells the current one.",
    },
)


@strawberry.type(description="Why the settings of scores were not changed.")
class ScoreSettingsUserError(UserError):
    code: ScoreSettingsErrorCode = strawberry.field(description="The kind of refusal.")


@strawberry.type(description="The settings after the change.")
class ScoreSettingsUpdatePayload(Payload):
    settings: ScoreSettings | None = strawberry.field(description="All of them, or null when refused.")
    bulk_operation: BulkOperation | None = strawberry.field(description="The calculation of everybody's scores.")
    user_errors: list[ScoreSettingsUserError] = strawberry.field(description="Why it was refused.")


@strawberry.type
class ScoreQueries:
    @strawberry.field(description=scoped("How scores are computed.", VIEW), graphql_type=ScoreSettings)
    async def score_settings(self, info: Info) -> Any:
        info.context.caller.require(VIEW)
        return await commands.settings(info.context)


@strawberry.type
class ScoreMutations:
    @strawberry.mutation(
        description=scoped("Changes how scores are computed and has everybody's calculated again.", MANAGE)
    )
    async def score_settings_update(
        self, info: Info, input: Annotated[ScoreSettingsUpdateInput, argument("What to change.")]
    ) -> ScoreSettingsUpdatePayload:
        given = {"engagement": _numbers(input.engagement), "risk": _numbers(input.risk)}
        operation, refusals = await commands.update(info.context, given, input.expected_version)
        found: Any = None if refusals else await commands.settings(info.context)
        return ScoreSettingsUpdatePayload(
            settings=found,
            bulk_operation=read(info, bulk.BY_ID, operation),
            user_errors=user_errors(ScoreSettingsUserError, ScoreSettingsErrorCode, refusals),
        )


def _numbers(given: object | None) -> dict[str, Decimal]:
    return {name: value for name, value in vars(given).items() if value is not None} if given else {}
