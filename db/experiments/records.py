"""Experiments and variants as clients read them."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from db.database import Transaction
from db.experiments.figures import FIGURES
from db.records import column, columns_of
from db.relations import Relation, Sort


@dataclass(frozen=True, slots=True)
class Variant:
    """contents: objects of channel, templateId and templateVersion in the order of channels."""

    campaign_id: UUID
    number: int
    name: str
    weight: int
    is_control: bool
    contents: list[dict[str, Any]] = column(
        """
        (select coalesce(jsonb_agg(jsonb_build_object('channel', n.channel, 'templateId', n.template_id,
                                                      'templateVersion', n.template_version)
                                   order by n.position, n.channel), '[]')
         from campaign_content n where n.organization_id = t.organization_id and n.campaign_id = t.campaign_id
           and n.variant = t.number)
        """
    )


@dataclass(frozen=True, slots=True)
class Experiment:
    """Shares of 10,000; winner: a variant's number; evaluate_at: None until the test part is sent."""

    campaign_id: UUID
    mode: str
    salt: str
    holdout_share: int
    test_share: int
    wait: timedelta | None
    metric: str
    fallback: str
    evaluate_at: datetime | None
    winner: int | None
    concluded_at: datetime | None
    concluded_by: str | None
    # Told people so at least once.
    awaits_decision: bool = column("(t.concluded_at is null and t.reminded_at is not null)")


@dataclass(frozen=True, slots=True)
class Figures:
    """`figures` as domain/experiments/figures.py reads them: as of the conclusion, or as of now before it."""

    campaign_id: UUID
    figures: dict[str, Any] = column(f"coalesce(t.outcome, {FIGURES})")


VARIANTS_OF_CAMPAIGN = Relation(
    "variants_of_campaign",
    Variant,
    "campaign_variant t",
    key="t.campaign_id",
    orders=(("NUMBER", Sort("t.number::integer", "integer")),),
    tie=Sort("t.campaign_id", "uuid"),
)
EXPERIMENT_OF_CAMPAIGN = Relation("experiment_of_campaign", Experiment, "experiment t", key="t.campaign_id")
FIGURES_OF_EXPERIMENT = Relation("figures_of_experiment", Figures, "experiment t", key="t.campaign_id")


async def find_experiment(tx: Transaction, campaign_id: UUID, *, lock: bool = False) -> Experiment | None:
    """The campaign's experiment; with `lock` nobody else concludes it before the transaction ends."""
    return await tx.record(
        Experiment,
        f"select {columns_of(Experiment)} from experiment t "
        f"where t.organization_id = :organization and t.campaign_id = :id {'for update' if lock else ''}",
        id=campaign_id,
    )


async def variants_of(tx: Transaction, campaign_id: UUID) -> list[Variant]:
    return await tx.records(
        Variant,
        f"select {columns_of(Variant)} from campaign_variant t "
        "where t.organization_id = :organization and t.campaign_id = :id order by t.number",
        id=campaign_id,
    )


async def figures_of(tx: Transaction, campaign_id: UUID) -> dict[str, Any]:
    """The figures at this moment."""
    found: dict[str, Any] = await tx.value(
        f"select {FIGURES} from experiment t where t.organization_id = :organization and t.campaign_id = :id",
        id=campaign_id,
    )
    return found
