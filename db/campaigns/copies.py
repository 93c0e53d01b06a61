"""Copying campaigns into drafts, for the same audience or for those not reached, and putting campaigns away."""

from collections.abc import Collection
from uuid import UUID

from db.database import Transaction
from domain.copies import Unreached

# What a draft says; when and what became of the first is not copied.
_SAID = """
    brand_id, description, class, channel, topic, delivery_policy, template_id, include_segment_ids,
    exclude_segment_ids, channel_strategy, condition, quiet_from, quiet_until, quiet_policy, ignore_caps,
    counts_toward_caps, on_cap, max_deferral
"""


async def duplicate(tx: Transaction, source_id: UUID, copy_id: UUID, name: str, salt: str) -> None:
    """A draft that says the same to the same audience; templates in their newest version, customers assigned anew."""
    await _copy(tx, source_id, copy_id, name)
    await tx.run(
        """
        insert into campaign_variant (organization_id, campaign_id, number, name, weight, is_control)
        select organization_id, :copy, number, name, weight, is_control from campaign_variant
        where organization_id = :organization and campaign_id = :source
        """,
        source=source_id,
        copy=copy_id,
    )
    await _say(tx, source_id, copy_id, None)
    await tx.run(
        """
        with compared as (
            insert into experiment (organization_id, campaign_id, mode, salt, holdout_share, test_share, wait, metric,
                                    fallback)
            select organization_id, :copy, mode, :salt, holdout_share, test_share, wait, metric, fallback
            from experiment where organization_id = :organization and campaign_id = :source),
        counted as (
            insert into conversion_definition (organization_id, id, campaign_id, name, fact, segment_id, "window",
                                               starts_from)
            select organization_id, uuid7(), :copy, name, fact, segment_id, "window", starts_from
            from conversion_definition where organization_id = :organization and campaign_id = :source)
        insert into campaign_recipient (organization_id, campaign_id, customer_id)
        select organization_id, :copy, customer_id from campaign_recipient
        where organization_id = :organization and campaign_id = :source
        """,
        source=source_id,
        copy=copy_id,
        salt=salt,
    )
    await tx.run(
        """
        update campaign set resend_of = (select resend_of from campaign
                                         where organization_id = :organization and id = :source)
        where organization_id = :organization and id = :copy
        """,
        source=source_id,
        copy=copy_id,
    )


async def resend(tx: Transaction, source_id: UUID, copy_id: UUID, name: str, to: Collection[Unreached]) -> int:
    """A draft that says what won, or was the first to be said, to those not reached; returns how many they are.

    Nobody of whom it is not known, and nobody who was reached on another channel.
    """
    await _copy(tx, source_id, copy_id, name)
    await tx.run(
        """
        with told as (
            update campaign set resend_of = :source, include_segment_ids = '{}', condition = null
            where organization_id = :organization and id = :copy)
        insert into campaign_variant (organization_id, campaign_id, number, name)
        values (:organization, :copy, 1, 'A')
        """,
        source=source_id,
        copy=copy_id,
    )
    winner: int | None = await tx.value(
        "select winner from experiment where organization_id = :organization and campaign_id = :source",
        source=source_id,
    )
    await _say(tx, source_id, copy_id, winner or 1)
    return await tx.run(
        """
        insert into campaign_recipient (organization_id, campaign_id, customer_id)
        select :organization, :copy, p.customer_id
        from (
            select m.customer_id,
                   bool_or(m.status = 'FAILED') as failed,
                   bool_or(m.status = 'BOUNCED' and m.bounce_kind = 'SOFT') as soft,
                   bool_or(m.status in ('SENT', 'DELIVERED', 'OPENED', 'CLICKED')) as arrived,
                   bool_or(m.opened_at is not null or m.clicked_at is not null) as opened,
                   bool_or(m.status in ('QUEUED', 'CLAIMED', 'SENDING', 'UNCERTAIN')) as unsure
            from message m
            where m.organization_id = :organization and m.campaign_id = :source and not m.is_test
              and m.customer_id is not null
            group by m.customer_id) p
        where not p.unsure
          and (p.failed and not p.arrived and 'FAILED' = any(:to::text[])
               or p.soft and not p.arrived and 'SOFT_BOUNCED' = any(:to::text[])
               or p.arrived and not p.opened and 'NOT_OPENED' = any(:to::text[]))
        """,
        source=source_id,
        copy=copy_id,
        to=[outcome.value for outcome in to],
    )


async def put_away(tx: Transaction, campaign_id: UUID, *, archived: bool) -> None:
    """Without effect when it is so already."""
    await tx.run(
        """
        update campaign set archived_at = case when :archived then clock_timestamp() end,
                            version = version + 1, updated_at = clock_timestamp()
        where organization_id = :organization and id = :id and (archived_at is not null) <> :archived
        """,
        id=campaign_id,
        archived=archived,
    )


async def _copy(tx: Transaction, source_id: UUID, copy_id: UUID, name: str) -> None:
    await tx.run(
        f"""
        insert into campaign (organization_id, id, name, template_version, {_SAID})
        select c.organization_id, :copy, :name,
               (select current_version from template t
                where t.organization_id = :organization and t.id = c.template_id), {_SAID}
        from campaign c where c.organization_id = :organization and c.id = :source
        """,
        source=source_id,
        copy=copy_id,
        name=name,
    )


async def _say(tx: Transaction, source_id: UUID, copy_id: UUID, only: int | None) -> None:
    """What all of its variants say, or what one of them says as the only one."""
    await tx.run(
        """
        insert into campaign_content (organization_id, campaign_id, variant, channel, position, template_id,
                                      template_version)
        select n.organization_id, :copy, case when :only::smallint is null then n.variant else 1 end, n.channel,
               n.position, n.template_id, t.current_version
        from campaign_content n
        join template t on t.organization_id = n.organization_id and t.id = n.template_id
        where n.organization_id = :organization and n.campaign_id = :source
          and n.variant = coalesce(:only::smallint, n.variant)
        """,
        source=source_id,
        copy=copy_id,
        only=only,
    )
    await tx.run(
        """
        update campaign c set template_id = n.template_id, template_version = n.template_version, channel = n.channel
        from campaign_content n
        where c.organization_id = :organization and c.id = :copy and n.organization_id = :organization
          and n.campaign_id = c.id and n.variant = 1
          and n.position = (select min(position) from campaign_content f
                            where f.organization_id = :organization and f.campaign_id = c.id and f.variant = 1)
        """,
        copy=copy_id,
    )
