"""Commands on experiments: what a draft's variants and experiment are to be, and the decision by hand."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

from db.database import Transaction
from db.experiments import conclusion, designs, records
from db.experiments.records import figures_of, find_experiment, variants_of
from domain.campaigns import CampaignStatus, ChannelContent
from domain.consents import Channel
from domain.experiments.decision import require_concludable
from domain.experiments.design import Design, Fallback, Mode, Variant, check_design, check_variants
from domain.experiments.verdict import Metric
from domain.ids import new_id
from domain.refusals import Refused
from resolvers.campaigns import SENDING, Done, locked
from resolvers.context import Context


def first_says(given: Mapping[str, Any]) -> Mapping[str, Any]:
    """What is given of a draft, with the contents of the first of its variants as the draft's; refuses INVALID."""
    if not given.get("variants"):
        return given
    if given.get("contents") or given.get("template_id"):
        message = "Variants say what is sent: leave out contents and templateId."
        raise Refused("INVALID", message, ("input", "variants"))
    return {**given, "contents": given["variants"][0]["contents"], "template_id": None}


async def arrange(tx: Transaction, campaign_id: UUID, brand_id: UUID, given: Mapping[str, Any]) -> None:
    """Keeps `variants` and `experiment` of a draft that was just written; refuses INVALID, TOO_MANY, NOT_FOUND and
    WRONG_CHANNEL.

    given: variants (name, weight, is_control, contents as pairs of channel and template id), experiment (mode,
    holdout_share, test_share, wait_hours, metric, fallback; None to have none). What is not named stays.
    """
    stored = await variants_of(tx, campaign_id)
    variants = [_variant(variant) for variant in given["variants"]] if "variants" in given else _told(stored)
    kept = await find_experiment(tx, campaign_id)
    # More variants than one are a split, unless somebody says what else they are.
    split = Design() if len(variants) > 1 else None
    design = (_design(given["experiment"]) or split) if "experiment" in given else (_designed(kept) or split)
    try:
        check_variants(variants)
        if design is not None:
            check_design(design, variants)
    except Refused as refusal:
        raise refusal.under("input") from None
    if "variants" in given:
        await _require_templates(tx, brand_id, variants)
        await designs.keep_variants(tx, campaign_id, variants)
    if design is None:
        await designs.drop_design(tx, campaign_id)
    else:
        await designs.keep_design(tx, campaign_id, design, str(new_id()))


async def conclude(context: Context, campaign_id: UUID, winner: int, expected_version: int | None) -> Done:
    """Decides by hand what the rest gets; refuses NOT_FOUND, STALE, WRONG_STATUS and ALREADY_CONCLUDED."""

    async def work(tx: Transaction) -> UUID:
        campaign = await locked(tx, campaign_id, expected_version)
        experiment = await find_experiment(tx, campaign_id, lock=True)
        if experiment is None:
            raise Refused("NOT_FOUND", "This campaign is no experiment.", ("input", "campaignId"))
        if winner not in {variant.number for variant in await variants_of(tx, campaign_id)}:
            raise Refused("NOT_FOUND", "The campaign has no such variant.", ("input", "winner"))
        try:
            require_concludable(
                CampaignStatus(campaign.status),
                is_fixed=campaign.audience_size is not None,
                is_concluded=experiment.concluded_at is not None,
            )
        except Refused as refusal:
            raise refusal.under("input", "campaignId") from None
        figures = await figures_of(tx, campaign_id)
        await conclusion.conclude(tx, campaign_id, winner, figures, by=context.caller.actor)
        await conclusion.request_conclusion(tx, campaign_id)
        return campaign_id

    return await context.command(SENDING, work)


def _variant(given: Mapping[str, Any]) -> Variant:
    contents = tuple(ChannelContent(Channel(channel), template) for channel, template in given["contents"])
    return Variant(given["name"], given["weight"], given["is_control"], contents)


def _told(stored: Sequence[records.Variant]) -> list[Variant]:
    return [
        Variant(
            variant.name,
            variant.weight,
            variant.is_control,
            tuple(ChannelContent(Channel(said["channel"]), UUID(said["templateId"])) for said in variant.contents),
        )
        for variant in stored
    ]


def _design(given: Mapping[str, Any] | None) -> Design | None:
    if given is None:
        return None
    hours = given["wait_hours"]
    return Design(
        Mode(given["mode"]),
        given["holdout_share"],
        given["test_share"],
        # Far too many hours are refused as too many, not as a fault.
        None if hours is None else timedelta(hours=max(-1, min(hours, 100_000))),
        Metric(given["metric"]),
        Fallback(given["fallback"]),
    )


def _designed(kept: records.Experiment | None) -> Design | None:
    if kept is None:
        return None
    shares = Design(Mode(kept.mode), kept.holdout_share / 10_000, kept.test_share / 10_000, kept.wait)
    return replace(shares, metric=Metric(kept.metric), fallback=Fallback(kept.fallback))


async def _require_templates(tx: Transaction, brand_id: UUID, variants: Sequence[Variant]) -> None:
    """Every template is the brand's and written for its channel."""
    wanted = [content.template_id for variant in variants for content in variant.contents]
    channels = await designs.channels_of(tx, brand_id, wanted)
    for number, variant in enumerate(variants):
        for place, content in enumerate(variant.contents):
            field = ("input", "variants", str(number), "contents", str(place), "templateId")
            channel = channels.get(content.template_id)
            if channel is None:
                raise Refused("NOT_FOUND", "The brand has no such template.", field)
            if channel != content.channel:
                message = f"This template is written for {channel}, not for {content.channel}."
                raise Refused("WRONG_CHANNEL", message, field)
