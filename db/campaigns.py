"""Campaigns as they are stored: drafts change, every other change of status is a compare-and-set."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from typing import Any
from uuid import UUID

from db.campaign_contents import say
from db.database import Transaction
from db.jobs import request_job
from db.names import in_status, named, of_brand
from db.organizations import Brand
from db.outbox import record
from db.records import column, columns_of
from db.relations import Relation, Sort
from db.segments import Segment
from db.statement import Statement, sql
from domain import campaigns
from domain.campaigns import (
    Audience,
    CampaignClass,
    CampaignKind,
    CampaignStatus,
    ChannelContent,
    ChannelStrategy,
    Move,
)
from domain.conditions import parse, to_json
from domain.consents import Channel
from domain.events import EventType
from domain.live import CampaignProgress
from domain.messages import DeliveryPolicy
from domain.restraints import OnCap, QuietPolicy, Restraint
from domain.starts import EARLIEST, PastPolicy, Start

SNAPSHOT_JOB = "campaigns.snapshot"
SEND_JOB = "campaigns.send"
START_JOB = "campaigns.start"
CAMPAIGN = "campaignId"


@dataclass(frozen=True, slots=True)
class Campaign:
    """`template_version` is what is (or would now be) sent; `audience_size` is None until the audience is fixed."""

    id: UUID
    brand_id: UUID
    name: str
    description: str | None
    status: str
    class_: str
    channel: str
    topic: str
    delivery_policy: str
    template_id: UUID
    template_version: int
    include_segment_ids: list[UUID]
    exclude_segment_ids: list[UUID]
    started_at: datetime | None
    snapshot_at: datetime | None
    completed_at: datetime | None
    audience_size: int | None
    error: str | None
    version: int
    created_at: datetime
    updated_at: datetime
    kind: str
    channel_strategy: str
    condition: dict[str, Any] | None
    scheduled_at: datetime | None
    past_policy: str
    quiet_policy: str
    ignore_caps: bool
    counts_toward_caps: bool
    on_cap: str
    max_deferral: timedelta
    archived_at: datetime | None
    data: dict[str, Any]
    resend_of: UUID | None
    # Wall-clock times as people write them: no type of JSON has a time without a zone.
    local_time: str | None = column("""to_char(t.scheduled_local, 'YYYY-MM-DD"T"HH24:MI')""")
    quiet_from: str | None = column("left(t.quiet_from::text, 5)")
    quiet_until: str | None = column("left(t.quiet_until::text, 5)")
    # Those of variant 1 in their order.
    channels: list[str] = column(
        """
        array(select n.channel from campaign_content n where n.organization_id = t.organization_id
                and n.campaign_id = t.id and n.variant = 1 order by n.position, n.channel)
        """
    )

    @property
    def audience(self) -> Audience:
        channels = [Channel(channel) for channel in self.channels] or [Channel(self.channel)]
        return Audience(
            self.brand_id,
            tuple(self.include_segment_ids),
            tuple(self.exclude_segment_ids),
            channels[0],
            CampaignClass(self.class_),
            self.topic,
            tuple(channels[1:]),
            ChannelStrategy(self.channel_strategy),
            None if self.condition is None else parse(self.condition),
            listed_in=None if self.resend_of is None else self.id,
        )

    @property
    def start(self) -> Start | None:
        """When it begins, if it is scheduled."""
        if self.scheduled_at is None and self.local_time is None:
            return None
        local = datetime.fromisoformat(self.local_time) if self.local_time else None
        return Start(self.scheduled_at, local, PastPolicy(self.past_policy))

    @property
    def restraint(self) -> Restraint:
        return Restraint(
            self.ignore_caps,
            self.counts_toward_caps,
            OnCap(self.on_cap),
            self.max_deferral,
            time.fromisoformat(self.quiet_from) if self.quiet_from else None,
            time.fromisoformat(self.quiet_until) if self.quiet_until else None,
            QuietPolicy(self.quiet_policy),
        )


@dataclass(frozen=True, slots=True)
class Draft:
    """What a person says about a campaign before it is sent."""

    name: str
    description: str | None
    template_id: UUID
    audience: Audience
    delivery_policy: DeliveryPolicy
    contents: tuple[ChannelContent, ...] = ()
    restraint: Restraint = field(default_factory=Restraint)
    kind: CampaignKind = CampaignKind.BROADCAST
    data: Mapping[str, Any] = field(default_factory=dict)

    @property
    def says(self) -> tuple[ChannelContent, ...]:
        """On each channel, in the order in which they are tried."""
        return self.contents or (ChannelContent(self.audience.channel, self.template_id),)


CAMPAIGN_BY_ID = Relation("campaign", Campaign, "campaign t", key="t.id")
CAMPAIGNS = Relation(
    "campaigns",
    Campaign,
    "campaign t",
    key="t.organization_id",
    orders=(
        ("CREATED_AT", Sort("t.created_at", "timestamptz")),
        ("UPDATED_AT", Sort("t.updated_at", "timestamptz")),
        ("NAME", Sort('t.name collate "C"', "text")),
    ),
    descending=True,
)


def _segments(which: str) -> Relation[Segment]:
    return Relation(
        f"{which}d_segments_of_campaign",
        Segment,
        f"segment t join campaign c on c.organization_id = t.organization_id and t.id = any(c.{which}_segment_ids)",
        key="c.id",
        orders=(("NAME", Sort('t.name collate "C"', "text")),),
    )


INCLUDED_SEGMENTS_OF_CAMPAIGN = _segments("include")
EXCLUDED_SEGMENTS_OF_CAMPAIGN = _segments("exclude")


def matching(
    brand_id: UUID | None,
    status: Sequence[str] | None,
    search: str | None,
    *,
    kinds: Sequence[str] = (CampaignKind.BROADCAST.value,),
    archived: bool | None = False,
    awaits_decision: bool | None = None,
) -> Statement | None:
    """Campaigns of a brand, in one of these statuses, whose name contains every word, of these kinds.

    archived: whether it was put away, None for either. awaits_decision: whether a person has to say which variant won.
    """
    return named(
        search,
        of_brand(brand_id),
        in_status(status),
        sql("t.kind = any(:kinds::text[])", kinds=list(kinds)),
        None if archived is None else sql("(t.archived_at is not null) = :archived", archived=archived),
        None if awaits_decision is None else sql(_UNDECIDED, awaited=awaits_decision),
    )


_UNDECIDED = """
(exists (select from experiment e where e.organization_id = t.organization_id and e.campaign_id = t.id
           and e.concluded_at is null and e.reminded_at is not null and t.status in ('RUNNING', 'PAUSED'))) = :awaited
"""


async def find_campaign(tx: Transaction, campaign_id: UUID, *, lock: bool = False) -> Campaign | None:
    """The campaign; with `lock` nobody else changes it, or sends for it, until the transaction ends."""
    return await tx.record(
        Campaign,
        f"select {columns_of(Campaign)} from campaign t where t.organization_id = :organization and t.id = :id "
        f"{'for no key update' if lock else ''}",
        id=campaign_id,
    )


async def create_campaign(tx: Transaction, campaign_id: UUID, draft: Draft) -> None:
    await tx.run(
        """
        insert into campaign (organization_id, id, brand_id, kind, name, description, class, channel, topic,
                              delivery_policy, template_id, template_version, include_segment_ids, exclude_segment_ids,
                              channel_strategy, condition, quiet_from, quiet_until, quiet_policy, ignore_caps,
                              counts_toward_caps, on_cap, max_deferral, data)
        select :organization, :id, :brand_id, :kind, :name, :description, :class, :channel, :topic, :policy,
               t.id, t.current_version, :include, :exclude, :strategy, :condition, :quiet_from, :quiet_until,
               :quiet_policy, :ignore_caps, :counts, :on_cap, :max_deferral, :data
        from template t where t.organization_id = :organization and t.id = :template_id
        """,
        id=campaign_id,
        brand_id=draft.audience.brand_id,
        kind=draft.kind.value,
        data=dict(draft.data),
        **_values(draft),
    )
    await tx.run(
        """
        insert into campaign_variant (organization_id, campaign_id, number, name) values (:organization, :id, 1, 'A')
        """,
        id=campaign_id,
    )
    await say(tx, campaign_id, 1, draft.says)


async def change_campaign(tx: Transaction, campaign_id: UUID, draft: Draft) -> None:
    """Overwrites a draft, except its brand; it must be locked by `find_campaign`."""
    await tx.run(
        """
        update campaign c
        set name = :name, description = :description, class = :class, channel = :channel, topic = :topic,
            delivery_policy = :policy, template_id = t.id, template_version = t.current_version,
            include_segment_ids = :include, exclude_segment_ids = :exclude, channel_strategy = :strategy,
            condition = :condition, quiet_from = :quiet_from, quiet_until = :quiet_until, quiet_policy = :quiet_policy,
            ignore_caps = :ignore_caps, counts_toward_caps = :counts, on_cap = :on_cap, max_deferral = :max_deferral,
            version = c.version + 1, updated_at = clock_timestamp()
        from template t
        where c.organization_id = :organization and c.id = :id and c.status = 'DRAFT'
          and t.organization_id = :organization and t.id = :template_id
        """,
        id=campaign_id,
        **_values(draft),
    )
    await say(tx, campaign_id, 1, draft.says)


def _values(draft: Draft) -> dict[str, object]:
    audience, restraint, [first, *_] = draft.audience, draft.restraint, draft.says
    return {
        "name": draft.name,
        "description": draft.description,
        "class": audience.class_.value,
        "channel": first.channel.value,
        "topic": audience.topic,
        "policy": draft.delivery_policy.value,
        "template_id": first.template_id,
        "include": list(audience.include_segment_ids),
        "exclude": list(audience.exclude_segment_ids),
        "strategy": audience.strategy.value,
        "condition": None if audience.condition is None else to_json(audience.condition),
        "quiet_from": restraint.quiet_from,
        "quiet_until": restraint.quiet_until,
        "quiet_policy": restraint.quiet_policy.value,
        "ignore_caps": restraint.ignore_caps,
        "counts": restraint.counts_toward_caps,
        "on_cap": restraint.on_cap.value,
        "max_deferral": restraint.max_deferral,
    }


async def delete_draft(tx: Transaction, campaign_id: UUID) -> None:
    await tx.run(
        "delete from campaign where organization_id = :organization and id = :id and status = 'DRAFT'", id=campaign_id
    )


async def move(tx: Transaction, campaign_id: UUID, move: Move, *, error: str | None = None) -> bool:
    """Takes an edge of the state table; False when the campaign is not at its beginning (any more).

    `error` tells people why the system moved it.
    """
    moved = await tx.run(
        """
        update campaign
        set status = :target, error = :error, version = version + 1, updated_at = clock_timestamp(),
            completed_at = case when :target = any('{COMPLETED,CANCELLED,FAILED}'::text[]) then clock_timestamp() end
        where organization_id = :organization and id = :id and status = any(:sources)
        """,
        id=campaign_id,
        sources=[source.value for source in move.sources],
        target=move.target.value,
        error=error,
    )
    if not moved:
        return False
    tx.events.append(CampaignProgress(campaign_id))
    if move in _EVENTS:
        await record(tx, [_EVENTS[move]], _MOVED, type=_EVENTS[move].value, id=campaign_id, status=move.target.value)
    return True


_EVENTS = {
    campaigns.SEND: EventType.CAMPAIGN_STARTED,
    campaigns.START: EventType.CAMPAIGN_STARTED,
    campaigns.PAUSE: EventType.CAMPAIGN_PAUSED,
    campaigns.RESUME: EventType.CAMPAIGN_RESUMED,
    campaigns.CANCEL: EventType.CAMPAIGN_CANCELLED,
    campaigns.COMPLETE: EventType.CAMPAIGN_COMPLETED,
    campaigns.FAIL: EventType.CAMPAIGN_FAILED,
}
_MOVED = """
select :type::text, jsonb_build_object('campaignId', :id::uuid, 'status', :status::text), clock_timestamp()
"""


async def start(tx: Transaction, campaign_id: UUID, by: Move = campaigns.SEND, *, owing: bool = True) -> bool:
    """Begins to send: pins the templates' newest versions and owes the snapshot, unless the caller takes it; False when
    it has begun already."""
    if not await move(tx, campaign_id, by):
        return False
    await tx.run(
        """
        with said as (
            update campaign_content n set template_version = t.current_version
            from template t
            where n.organization_id = :organization and n.campaign_id = :id
              and t.organization_id = :organization and t.id = n.template_id)
        update campaign c set started_at = clock_timestamp(), template_version = t.current_version
        from template t
        where c.organization_id = :organization and c.id = :id
          and t.organization_id = :organization and t.id = c.template_id
        """,
        id=campaign_id,
    )
    if owing:
        await request_sending(tx, campaign_id)
    return True


async def schedule(tx: Transaction, campaign_id: UUID, start: Start) -> bool:
    """DRAFT -> SCHEDULED, and owes the start at its time; False when it is no draft (any more)."""
    if not await move(tx, campaign_id, campaigns.SCHEDULE):
        return False
    await tx.run(
        """
        update campaign set scheduled_at = :at, scheduled_local = :local, past_policy = :policy
        where organization_id = :organization and id = :id
        """,
        id=campaign_id,
        at=start.at,
        local=start.local,
        policy=start.past_policy.value,
    )
    await request_start(tx, campaign_id, start.due)
    return True


async def unschedule(tx: Transaction, campaign_id: UUID) -> bool:
    """SCHEDULED -> DRAFT; the start that is owed then finds nothing to do."""
    if not await move(tx, campaign_id, campaigns.UNSCHEDULE):
        return False
    await tx.run(
        """
        update campaign set scheduled_at = null, scheduled_local = null
        where organization_id = :organization and id = :id
        """,
        id=campaign_id,
    )
    return True


async def request_start(tx: Transaction, campaign_id: UUID, at: datetime) -> None:
    await request_job(tx, START_JOB, dedupe_key=str(campaign_id), args={CAMPAIGN: str(campaign_id)}, run_at=at)


async def due_campaigns(tx: Transaction) -> list[UUID]:
    """Scheduled campaigns whose time has come, whatever became of the job that was to start them."""
    rows = await tx.rows(
        """
        select id from campaign
        where organization_id = :organization and status = 'SCHEDULED'
          and coalesce(scheduled_at, scheduled_local at time zone 'UTC' - :earliest::interval) <= clock_timestamp()
        order by id
        """,
        earliest=EARLIEST,
    )
    return [row[0] for row in rows]


async def request_sending(tx: Transaction, campaign_id: UUID) -> None:
    """Owes what comes next: the snapshot, or, once the audience is fixed, a look at what the ledger asks for."""
    fixed = await tx.value(
        "select audience_size is not null from campaign where organization_id = :organization and id = :id",
        id=campaign_id,
    )
    await request_job(
        tx, SEND_JOB if fixed else SNAPSHOT_JOB, dedupe_key=str(campaign_id), args={CAMPAIGN: str(campaign_id)}
    )


async def hold_open(tx: Transaction, campaign_id: UUID) -> CampaignStatus | None:
    """The status, which then cannot change before the transaction ends: pause and cancel wait for it."""
    status = await tx.value(
        "select status from campaign where organization_id = :organization and id = :id for share", id=campaign_id
    )
    return None if status is None else CampaignStatus(status)


async def note_trouble(tx: Transaction, campaign_id: UUID, error: str | None) -> None:
    """Tells people why nothing moves; None when it moves again. Not a new version: nobody's edit is in the way."""
    noted = await tx.run(
        """
        update campaign set error = :error, updated_at = clock_timestamp()
        where organization_id = :organization and id = :id and error is distinct from :error
        """,
        id=campaign_id,
        error=error,
    )
    if noted:
        tx.events.append(CampaignProgress(campaign_id))


async def fix_audience(tx: Transaction, campaign_id: UUID) -> None:
    """Notes the size of the audience once all of it is in the ledger, and owes the sending; without effect later."""
    fixed = await tx.run(
        """
        update campaign c set audience_size = a.size, snapshot_at = coalesce(a.at, clock_timestamp())
        from (select count(*) as size, min(queued_at) as at from message
              where organization_id = :organization and campaign_id = :id) a
        where c.organization_id = :organization and c.id = :id and c.audience_size is null
        """,
        id=campaign_id,
    )
    if fixed:
        tx.events.append(CampaignProgress(campaign_id))
        await request_sending(tx, campaign_id)


async def complete(tx: Transaction, campaign_id: UUID) -> bool:
    """RUNNING -> COMPLETED if nothing is left to do; uncertain messages wait for a person, not the campaign."""
    open_ = await tx.value(
        """
        select exists (select from message where organization_id = :organization and campaign_id = :id
                         and status = any('{QUEUED,CLAIMED,SENDING}'::text[]))
            or (select audience_size is null or kind = 'TRIGGERED' from campaign
                where organization_id = :organization and id = :id)
        """,
        id=campaign_id,
    )
    return not open_ and await move(tx, campaign_id, campaigns.COMPLETE)


async def find_brand(tx: Transaction, brand_id: UUID) -> Brand | None:
    return await tx.record(
        Brand,
        f"select {columns_of(Brand)} from brand t where t.organization_id = :organization and t.id = :id",
        id=brand_id,
    )


async def unusable_segments(tx: Transaction, brand_id: UUID, segment_ids: Iterable[UUID]) -> dict[UUID, str]:
    """Why a segment cannot be part of this brand's audiences: NOT_FOUND (also another brand's) or NOT_ACTIVE."""
    rows = await tx.rows(
        """
        select w.id, case when s.id is null then 'NOT_FOUND' else 'NOT_ACTIVE' end
        from unnest(:ids::uuid[]) w (id)
        left join segment s on s.organization_id = :organization and s.id = w.id
                           and (s.brand_id is null or s.brand_id = :brand_id)
        where s.state is distinct from 'ACTIVE'
        """,
        ids=list(segment_ids),
        brand_id=brand_id,
    )
    return {row[0]: row[1] for row in rows}
