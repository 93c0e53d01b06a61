"""Engagement and risk of everybody, computed by one statement; domain/scores.py says what they mean."""

from contextlib import nullcontext
from dataclasses import asdict
from datetime import datetime
from hashlib import sha256
from math import ceil
from uuid import UUID

from db.bulk import request_operation
from db.database import Transaction
from db.dirty_customers import mark_dirty
from db.metrics import COMPUTED, computed_metrics
from db.organizations import Organization
from db.planning import many_rows
from db.segments.concerned import is_read
from db.slices import AS_OF, among
from db.statement import Statement, sql
from domain.bulk import BulkKind
from domain.conditions.dependencies import SCORES
from domain.scores import ENGAGEMENT_WEIGHTS, MIN_APPOINTMENTS, RISK_WEIGHTS, ScoreSettings, score_settings

SCORE_JOB = "scores.recalculate"
# Another number makes everybody be scored again: change it with the statement below.
_FORMULA = 2


async def request_recalculation(tx: Transaction, as_of: datetime | None, *, actor: str) -> UUID:
    """Has a worker score everybody as of an instant, or now; returns the bulk operation."""
    args = {AS_OF: as_of.isoformat()} if as_of else {}
    return await request_operation(tx, BulkKind.SCORE, SCORE_JOB, actor=actor, args=args)


async def recalculate(
    tx: Transaction,
    organization: Organization,
    *,
    candidates: Statement | None = None,
    as_of: datetime | None = None,
    now: datetime,
) -> int:
    """Stores the scores of the candidates (a statement of customer ids, None: everybody); returns the rows written.

    Every row of metrics has its own, the roll-up and each brand's. Without `as_of` they follow from the maintained
    metrics; with it from the facts before it, and stay until the next recalculation. Only rows whose inputs differ
    from when they were scored last are computed and written, `scored_at` only together with the scores or factors, so
    that it says since when a score has been what it is. Scores over all brands are kept as the day's snapshot, too.
    Segments and stages that read scores are told of those that changed.
    """
    settings = score_settings(organization.settings)
    numbers = {**_prefixed("e", asdict(settings.engagement)), **_prefixed("r", asdict(settings.risk))}
    statement = sql(
        _RECALCULATE,
        organization=organization.id,
        measured=_maintained(candidates) if as_of is None else _replayed(organization, candidates, as_of),
        among=_among(candidates),
        zone=organization.timezone,
        today=sql(":at::timestamptz", at=as_of or now),
        now=now,
        appointments=MIN_APPOINTMENTS,
        seed=sql(":seed::bigint", seed=_seed(settings)),
        longest=sql(":longest::integer", longest=_longest(settings)),
        **{name: sql(":number::numeric", number=number) for name, number in numbers.items()},
        **{f"{name}_text": sql(":number::text", number=str(number)) for name, number in numbers.items()},
    )
    async with many_rows(tx) if candidates is None else nullcontext():
        changed: list[UUID] = await tx.value(statement)
    if changed and await is_read(tx, SCORES):
        await mark_dirty(tx, sql("select unnest(:ids::uuid[])", ids=changed), now, {SCORES})
    return len(changed)


def _seed(settings: ScoreSettings) -> int:
    """A hash of the settings and of the formula: another one makes every stored key another."""
    return int.from_bytes(sha256(f"{_FORMULA} {settings}".encode()).digest()[:8], signed=True)


def _longest(settings: ScoreSettings) -> int:
    """Idle days beyond which no score changes any more."""
    return ceil(max(settings.engagement.idle_limit, settings.risk.idle_days, settings.risk.long_idle_days)) + 1


def _prefixed(prefix: str, numbers: dict[str, object]) -> dict[str, object]:
    return {f"{prefix}_{name}": number for name, number in numbers.items()}


def _among(candidates: Statement | None) -> Statement:
    return among("m.customer_id", candidates) if candidates else Statement("true")


def _maintained(candidates: Statement | None) -> Statement:
    return sql("select m.* from customer_metrics m where :among", among=_among(candidates))


def _replayed(organization: Organization, candidates: Statement | None, as_of: datetime) -> Statement:
    """The maintained rows with the metrics of `as_of` in them; unknown where there were no facts yet."""
    columns = ", ".join(f"c.{name}" for name in COMPUTED)
    return sql(
        f"""
        select m.organization_id, m.customer_id, m.brand_id, {_STORED}, score_key, {columns}
        from customer_metrics m
        left join (:computed) c on c.customer_id = m.customer_id and c.brand_id is not distinct from m.brand_id
        where :among
        """,
        computed=computed_metrics(organization, as_of, candidates, each_brand=True),
        among=_among(candidates),
    )


_STORED = "engagement_score, engagement_factors, risk_score, risk_factors"
# All that the scores follow from; domain/scores.py.
_INPUTS = """
    m.lifetime_value, m.visits_90_days, m.visits_previous_90_days, m.appointments_365_days, m.no_shows_365_days,
    m.tickets_open, m.idle_days, m.clickable, m.clicked, m.answerable, m.answered
"""


def _factors(names: tuple[str, ...], prefix: str) -> str:
    """{"idle": {"value": "1", "weight": "0.3"}, ...}; what is unknown is not in it. Texts, because JSON has floats.

    Put together as text, which is all digits: jsonb_build_object takes three times as long as everything else here.
    """
    pairs = ", ".join(
        f"""'"{name}": {{"value": "' || {name} || ('", "weight": "' || :{prefix}_{name}_text || '"}}')"""
        for name in names
    )
    return f"('{{' || concat_ws(', ', {pairs}) || '}}')::jsonb"


def _sum(names: tuple[str, ...], prefix: str) -> str:
    return " + ".join(f"coalesce({name} * :{prefix}_{name}, 0)" for name in names)


def _weight(names: tuple[str, ...], prefix: str) -> str:
    return " + ".join(f"case when {name} is null then 0 else :{prefix}_{name} end" for name in names)


# The steps are materialized because Postgres would otherwise compute each expression again wherever it is named.
_RECALCULATE = f"""
with linked as materialized (
    select distinct c.campaign_id, c.variant, c.channel
    from campaign_content c
    join link l on l.organization_id = c.organization_id and l.template_id = c.template_id
               and l.template_version = c.template_version
    where c.organization_id = :organization
),
reached as materialized (
    -- Over all brands, where brand_id is NULL, and of each.
    select m.customer_id, c.brand_id,
           count(l.campaign_id) as clickable, count(l.campaign_id) filter (where m.clicked_at < :today) as clicked,
           count(*) filter (where m.channel = 'SMS') as answerable,
           count(*) filter (where m.channel = 'SMS' and m.replied_at < :today) as answered
    from message m
    join campaign c on c.organization_id = m.organization_id and c.id = m.campaign_id
    left join linked l on l.campaign_id = m.campaign_id and l.variant = m.variant and l.channel = m.channel
    where m.organization_id = :organization and not m.is_test and m.bounced_at is null
      and m.sent_at >= start_of_day((:today at time zone :zone)::date - 90, :zone) and m.sent_at < :today and :among
    group by grouping sets ((m.customer_id), (m.customer_id, c.brand_id))
),
idle as (
    -- LEAST would take the limit for somebody without any activity.
    select m.*, r.clickable, r.clicked, r.answerable, r.answered,
           case when m.last_activity_at is not null then
                least(:longest, (:today at time zone :zone)::date - (m.last_activity_at at time zone :zone)::date)
                end as idle_days
    from (:measured) m
    left join reached r on r.customer_id = m.customer_id and r.brand_id is not distinct from m.brand_id
    where m.organization_id = :organization
),
measured as materialized (
    -- Nothing but this is computed for those who stay as they are.
    select m.customer_id, m.brand_id, visits_90_days, tickets_open, greatest(0, lifetime_value) as value, idle_days,
           case when appointments_365_days + no_shows_365_days >= :appointments
                then no_shows_365_days::numeric / (appointments_365_days + no_shows_365_days) end as missed_rate,
           clicked::numeric / nullif(clickable, 0) as click_rate,
           answered::numeric / nullif(answerable, 0) as reply_rate,
           (visits_90_days - visits_previous_90_days)::numeric / greatest(1, visits_previous_90_days) as trend,
           hash_record_extended(row({_INPUTS}), :seed) as found_key,
           {_STORED}
    from idle m
    where m.score_key is distinct from hash_record_extended(row({_INPUTS}), :seed)
),
components as materialized (
    select customer_id, brand_id, found_key,
           case when idle_days is not null then round(least(1, visits_90_days / :e_visit_target), 4) end as frequency,
           case when idle_days is not null
                then round(least(1, greatest(0, 1 - idle_days / :e_idle_limit)), 4) end as recency,
           case when idle_days is not null then round(least(1, value / :e_vip_value), 4) end as monetary,
           round((coalesce(click_rate, 0) + coalesce(reply_rate, 0) + coalesce(1 - missed_rate, 0))
                 / nullif(num_nonnulls(click_rate, reply_rate, missed_rate), 0), 4) as quality,
           (idle_days > :r_idle_days)::integer as idle,
           (idle_days > :r_long_idle_days)::integer as long_idle,
           (missed_rate > :r_missed_rate)::integer as missed,
           case when idle_days is not null then (trend < :r_trend)::integer end as declining,
           case when :r_tickets > 0 then (tickets_open > 0)::integer end as tickets,
           {_STORED}
    from measured
),
scored as (
    select customer_id, brand_id, found_key,
           round(({_sum(ENGAGEMENT_WEIGHTS, "e")}) / nullif({_weight(ENGAGEMENT_WEIGHTS, "e")}, 0), 3) as engagement,
           {_factors(ENGAGEMENT_WEIGHTS, "e")} as engagement_found,
           case when num_nonnulls({", ".join(RISK_WEIGHTS)}) > 0
                then round(least(1, {_sum(RISK_WEIGHTS, "r")}), 3) end as risk,
           {_factors(RISK_WEIGHTS, "r")} as risk_found,
           {_STORED}
    from components
),
changed as materialized (
    select customer_id, brand_id, engagement, engagement_found, risk, risk_found, found_key,
           ({_STORED}) is distinct from (engagement, engagement_found, risk, risk_found) as differs
    from scored
),
locked as materialized (
    -- In one order, so that two writers of the same rows cannot deadlock.
    select c.*
    from changed c
    join customer_metrics m on m.organization_id = :organization and m.customer_id = c.customer_id
                           and m.brand_id is not distinct from c.brand_id
    order by m.customer_id, m.brand_id
    for no key update of m
),
written as (
    update customer_metrics m
    set engagement_score = c.engagement, engagement_factors = c.engagement_found,
        risk_score = c.risk, risk_factors = c.risk_found, score_key = c.found_key,
        scored_at = case when c.differs then :now else m.scored_at end
    from locked c
    where m.organization_id = :organization and m.customer_id = c.customer_id
      and m.brand_id is not distinct from c.brand_id
    returning m.customer_id, m.brand_id, m.lifetime_value, m.engagement_score, m.risk_score, c.differs
),
kept as (
    insert into metric_snapshot (organization_id, customer_id, day, lifetime_value, engagement_score, risk_score)
    select :organization, customer_id, (:today at time zone :zone)::date, lifetime_value, engagement_score, risk_score
    from written where brand_id is null and differs
    on conflict (organization_id, customer_id, day) do update
    set lifetime_value = excluded.lifetime_value, engagement_score = excluded.engagement_score,
        risk_score = excluded.risk_score
)
select coalesce(array_agg(customer_id) filter (where differs), '{{}}') from written
"""
