"""What a draft is told about its variants and its experiment, and deciding one by hand."""

from typing import TYPE_CHECKING, Annotated, Any

import strawberry

from db.campaigns import CAMPAIGN_BY_ID
from domain.experiments.design import Fallback, Mode
from domain.experiments.verdict import Metric
from resolvers import experiments as commands
from resolvers.ids import row_id
from schema.campaigns import Campaign
from schema.fields import Info, argument, read, scoped
from schema.payloads import Payload
from schema.sending import SEND
from schema.templates import CampaignUserError, errors

if TYPE_CHECKING:
    from schema.drafts import CampaignContentInput


@strawberry.input(description="One of the texts to compare.")
class CampaignVariantInput:
    name: str = strawberry.field(description="Its name, unique in the campaign.")
    contents: list[Annotated["CampaignContentInput", strawberry.lazy("schema.drafts")]] = strawberry.field(
        description="What it says; all variants speak on the same channels in the same order."
    )
    weight: int = strawberry.field(default=1, description="Its share of all weights, 0 to 10,000.")
    is_control: bool = strawberry.field(
        default=False, description="Whether the others are compared with it; the first if no variant is named so."
    )


@strawberry.input(description="How variants are compared.")
class CampaignExperimentInput:
    mode: Mode = strawberry.field(default=Mode.SPLIT, description="How the audience is shared out.")
    holdout_share: float = strawberry.field(
        default=0.0, description="The share of the audience that gets nothing, 0 to 0.5."
    )
    test_share: float = strawberry.field(
        default=1.0, description="For TEST_THEN_WINNER: the share that is part of the test, 0.0001 to 0.9999."
    )
    wait_hours: int | None = strawberry.field(
        default=None, description="How many hours after the test part was sent the winner is chosen, 1 to 720."
    )
    metric: Metric = strawberry.field(default=Metric.CLICKS, description="By what variants are compared.")
    fallback: Fallback = strawberry.field(
        default=Fallback.MANUAL, description="What the rest gets when no variant wins."
    )


@strawberry.input(description="The decision of an experiment.")
class ExperimentConcludeInput:
    campaign_id: strawberry.ID = strawberry.field(description="Which campaign.")
    winner: int = strawberry.field(description="The number of the variant that the rest of the audience gets.")
    expected_version: int | None = strawberry.field(
        default=None, description="Refuse unless this is the campaign's version."
    )


@strawberry.type(description="The campaign whose experiment was decided.")
class ExperimentConcludePayload(Payload):
    campaign: Campaign | None = strawberry.field(description="The campaign, or null when refused.")
    user_errors: list[CampaignUserError] = strawberry.field(description="Why it was refused.")


@strawberry.type
class ExperimentMutations:
    @strawberry.mutation(
        description=scoped("Decides an experiment by hand, once: the rest of the audience gets this variant.", SEND)
    )
    async def experiment_conclude(
        self, info: Info, input: Annotated[ExperimentConcludeInput, argument("Which variant won.")]
    ) -> ExperimentConcludePayload:
        campaign_id = row_id(input.campaign_id, "Campaign")
        done, refusals = await commands.conclude(info.context, campaign_id, input.winner, input.expected_version)
        return ExperimentConcludePayload(campaign=read(info, CAMPAIGN_BY_ID, done), user_errors=errors(refusals))


def given_variants(variants: list[CampaignVariantInput]) -> list[dict[str, Any]]:
    """As `resolvers.experiments.arrange` reads them."""
    return [
        {
            "name": variant.name,
            "weight": variant.weight,
            "is_control": variant.is_control,
            "contents": [(said.channel, row_id(said.template_id, "Template")) for said in variant.contents],
        }
        for variant in variants
    ]


def given_experiment(experiment: CampaignExperimentInput | None) -> dict[str, Any] | None:
    """As `resolvers.experiments.arrange` reads it."""
    return None if experiment is None else dict(vars(experiment))
