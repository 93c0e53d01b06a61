"""Campaigns as they are read."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Any
from uuid import UUID

from db.database import Transaction
from db.names import in_status, named, of_brand
from db.records import column, columns_of
from db.relations import Relation, Sort
from db.segments import Segment
from db.statement import Statement, sql
from domain.campaigns import Audience, CampaignClass, CampaignKind, ChannelStrategy
from domain.conditions import parse
from domain.consents import Channel
from domain.restraints import OnCap, QuietPolicy, Restraint
from domain.starts import PastPolicy, Start


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
