"""Recipients: who an audience is made of, on which channel and where each is reached, and why not."""

from uuid import UUID

from db.conditions import Scope, matching
from db.devices import newest
from db.statement import Statement, join, sql
from db.suppressions import hash_of
from db.topics import requires_opt_in
from domain.campaigns import Audience, CampaignClass, ChannelStrategy
from domain.consents import Channel
from domain.suppressions import AddressKey


def wanted(
    organization_id: UUID, audience: Audience, after: UUID, upto: UUID | None, scope: Scope | None = None
) -> Statement:
    """Whom the audience names, `customer_id`, and by which of its segments, `segment_ids`; ids after .. upto.

    scope: for a condition; its candidates must be the same range.
    """
    if audience.customer_ids is not None:
        return sql(
            "select distinct n.id as customer_id, null::uuid[] as segment_ids from unnest(:ids::uuid[]) n (id)",
            ids=list(audience.customer_ids),
        )
    if audience.listed_in is not None:
        return sql(
            """
            select r.customer_id, null::uuid[] as segment_ids from campaign_recipient r
            where r.organization_id = :organization and r.campaign_id = :listed_in and :range
            """,
            organization=organization_id,
            listed_in=audience.listed_in,
            range=within("r.customer_id", after, upto),
        )
    members = sql(
        """
        select m.customer_id, m.segment_id from segment_membership m
        where m.organization_id = :organization and m.segment_id = any(:include::uuid[]) and :range
        """,
        organization=organization_id,
        include=list(audience.include_segment_ids),
        range=within("m.customer_id", after, upto),
    )
    if audience.condition is not None:
        assert scope is not None
        matched = sql("select customer_id, null::uuid from (:matched) x", matched=matching(audience.condition, scope))
        members = join(" union all ", [members, matched])
    elif len(audience.include_segment_ids) == 1:
        return sql("select customer_id, array[segment_id] as segment_ids from (:members) m", members=members)
    return sql(
        """
        select customer_id, array_agg(segment_id order by segment_id) filter (where segment_id is not null)
            as segment_ids
        from (:members) m group by 1
        """,
        members=members,
    )


def within(column: str, after: UUID, upto: UUID | None) -> Statement:
    """Of which ids a chunk is. Said of every table, so that each is read once however it is joined."""
    if upto is None:
        return sql(f"{column} > :after", after=after)
    return sql(f"{column} > :after and {column} <= :upto", after=after, upto=upto)


def reached(organization_id: UUID, audience: Audience, after: UUID, upto: UUID | None) -> Statement:
    """Of `wanted`: those of the brand in no excluded segment, once for each channel, with the address there."""
    rows = [_on(organization_id, audience, channel, place) for place, channel in enumerate(audience.channels)]
    return sql(
        """
        select o.customer_id, o.segment_ids, o.timezone, a.channel, a.position, a.address
        from (
            select cu.id as customer_id, w.segment_ids, cu.timezone, cu.email, cu.phone
            from wanted w
            join customer cu on cu.organization_id = :organization and cu.id = w.customer_id and :customers
            left join customer_brand b
                on b.organization_id = :organization and b.customer_id = cu.id and b.brand_id = :brand_id and :brands
            where (b.customer_id is not null
                   -- A customer of no brand in particular is the default brand's.
                   or ((select d.is_default from brand d where d.organization_id = :organization and d.id = :brand_id)
                       and (select true from customer_brand x where x.organization_id = :organization
                              and x.customer_id = cu.id limit 1) is null))
              and not exists (select from segment_membership x
                              where x.organization_id = :organization and x.segment_id = any(:exclude::uuid[])
                                and x.customer_id = cu.id and :excluded)) o
        cross join lateral (:addresses) a
        """,
        organization=organization_id,
        brand_id=audience.brand_id,
        exclude=list(audience.exclude_segment_ids),
        customers=within("cu.id", after, upto),
        brands=within("b.customer_id", after, upto),
        excluded=within("x.customer_id", after, upto),
        addresses=join(" union all ", rows),
    )


def _on(organization_id: UUID, audience: Audience, channel: Channel, place: int) -> Statement:
    return sql(
        "select :channel::text as channel, :place::integer as position, :address as address",
        channel=channel.value,
        place=place,
        address=_address(organization_id, audience, channel),
    )


def _address(organization_id: UUID, audience: Audience, channel: Channel) -> Statement:
    """As domain/suppressions.py writes addresses, so that their hashes meet."""
    match channel:
        case Channel.EMAIL:
            return Statement("lower(o.email)")
        case Channel.SMS:
            return Statement("o.phone")
        case Channel.PUSH | Channel.WALLET:
            return newest(organization_id, "o.customer_id", audience.brand_id, channel.value)
        case Channel.WEBHOOK:
            return Statement("o.customer_id::text")


def judged(
    recipients: Statement,
    organization_id: UUID,
    audience: Audience,
    key: AddressKey,
    after: UUID | None = None,
    upto: UUID | None = None,
) -> Statement:
    """Why each recipient must not be written to now: a skip reason in `refusal`, NULL if nothing is against it.

    recipients: a statement with `customer_id`, `channel` and `address` among its columns, which the answer keeps. Asked
    for the snapshot, with its range, and once more right before each call to the provider.
    """
    return sql(
        """
        select r.*, case
            when r.address is null then 'NO_ADDRESS'
            when s.reason is not null then 'SUPPRESSED'
            when :marketing and k.state = 'UNSUBSCRIBED' then 'UNSUBSCRIBED'
            when :marketing and k.state <> 'SUBSCRIBED' then 'NOT_CONSENTED'
            when :marketing and k.state is null and :opt_in then 'NOT_CONSENTED'
            end as refusal
        from (:recipients) r
        left join lateral (
            select s.reason from suppression s
            where s.organization_id = :organization and s.channel = r.channel and s.address_hash = :hash
              and s.channel = any(:channels::text[]) :one) s on true
        left join lateral (
            select k.state from consent k
            where k.organization_id = :organization and k.customer_id = r.customer_id and k.brand_id = :brand_id
              and k.channel = r.channel and k.topic = :topic and :range :one) k on true
        """,
        recipients=recipients,
        organization=organization_id,
        opt_in=requires_opt_in(organization_id, audience.brand_id, audience.topic),
        hash=hash_of(key, "r.address"),
        marketing=audience.class_ is CampaignClass.MARKETING,
        brand_id=audience.brand_id,
        topic=audience.topic,
        channels=[channel.value for channel in audience.channels],
        range=Statement("true") if after is None else within("k.customer_id", after, upto),
        # By keys, for some: a limit is never turned into a join of all there are, so any plan is a good one.
        one=Statement("limit 1") if after is None else Statement(""),
    )


def chosen(organization_id: UUID, audience: Audience, judged: Statement) -> Statement:
    """Of the channels of each customer those that the strategy takes; who can be reached on none is told of once."""
    if len(audience.channels) == 1 or audience.strategy is ChannelStrategy.ALL:
        return judged
    preferred = ""
    if audience.strategy is ChannelStrategy.PREFERRED:
        preferred = """
            ((select p.preferred_channel from contact_preference p
             where p.organization_id = :organization and p.customer_id = j.customer_id)
             is not distinct from j.channel) desc,
        """
    return sql(
        f"""
        select distinct on (j.customer_id) j.* from (:judged) j
        order by j.customer_id, j.refusal is not null, {preferred} j.position
        """,
        judged=judged,
        organization=organization_id,
    )
