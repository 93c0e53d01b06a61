"""Writing what a person says about a draft's variants and its experiment."""

from collections.abc import Sequence
from uuid import UUID

from db.database import Transaction
from domain.experiments.design import Design, Variant


async def keep_variants(tx: Transaction, campaign_id: UUID, variants: Sequence[Variant]) -> None:
    """The variants of a draft, instead of those it had: numbers in their order, templates in their newest version."""
    contents = [
        (number, position, content)
        for number, variant in enumerate(variants, 1)
        for position, content in enumerate(variant.contents, 1)
    ]
    await tx.run(
        "delete from campaign_variant where organization_id = :organization and campaign_id = :id", id=campaign_id
    )
    await tx.run(
        """
        insert into campaign_variant (organization_id, campaign_id, number, name, weight, is_control)
        select :organization, :id, v.number, v.name, v.weight, v.is_control
        from unnest(:names::text[], :weights::integer[], :controls::boolean[])
             with ordinality v (name, weight, is_control, number)
        """,
        id=campaign_id,
        names=[variant.name for variant in variants],
        weights=[variant.weight for variant in variants],
        controls=[variant.is_control for variant in variants],
    )
    await tx.run(
        """
        insert into campaign_content (organization_id, campaign_id, variant, channel, position, template_id,
                                      template_version)
        select :organization, :id, c.variant, c.channel, c.position, t.id, t.current_version
        from unnest(:numbers::smallint[], :positions::smallint[], :channels::text[], :templates::uuid[])
             c (variant, position, channel, template_id)
        join template t on t.organization_id = :organization and t.id = c.template_id
        """,
        id=campaign_id,
        numbers=[number for number, _, _ in contents],
        positions=[position for _, position, _ in contents],
        channels=[content.channel.value for _, _, content in contents],
        templates=[content.template_id for _, _, content in contents],
    )


async def keep_design(tx: Transaction, campaign_id: UUID, design: Design, salt: str) -> None:
    """How a draft's audience is shared out; it keeps the salt it has, so that nobody changes sides."""
    await tx.run(
        """
        insert into experiment (organization_id, campaign_id, mode, salt, holdout_share, test_share, wait, metric,
                                fallback)
        values (:organization, :id, :mode, :salt, :holdout, :tested, :wait, :metric, :fallback)
        on conflict (organization_id, campaign_id) do update
        set mode = excluded.mode, holdout_share = excluded.holdout_share, test_share = excluded.test_share,
            wait = excluded.wait, metric = excluded.metric, fallback = excluded.fallback
        """,
        id=campaign_id,
        mode=design.mode.value,
        salt=salt,
        holdout=design.holdout_buckets,
        tested=design.test_buckets,
        wait=design.wait,
        metric=design.metric.value,
        fallback=design.fallback.value,
    )


async def drop_design(tx: Transaction, campaign_id: UUID) -> None:
    await tx.run("delete from experiment where organization_id = :organization and campaign_id = :id", id=campaign_id)


async def channels_of(tx: Transaction, brand_id: UUID, template_ids: Sequence[UUID]) -> dict[UUID, str]:
    """For which channel each of these templates is written, of those that are the brand's."""
    rows = await tx.rows(
        "select id, channel from template "
        "where organization_id = :organization and brand_id = :brand_id and id = any(:ids::uuid[])",
        brand_id=brand_id,
        ids=list(template_ids),
    )
    return {row[0]: row[1] for row in rows}
