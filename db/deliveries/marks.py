"""The mark before the call: what is QUEUED becomes SENDING, if nothing is against it at that moment."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from db.campaigns import Campaign
from db.database import Transaction
from db.deliveries.waiting import Recipient
from db.frequency import capped, has_rules, hold_customers
from db.planning import by_place
from db.quiet_hours import keeps_hours, quiet
from db.recipients import judged
from db.statement import Statement, sql
from domain.campaigns import SENDING
from domain.restraints import OnCap, QuietPolicy
from domain.suppressions import AddressKey

# Shorter than the job's, so that whoever takes over the job finds this one ended; three times a provider call.
LEASE = timedelta(seconds=45)


@dataclass(frozen=True, slots=True)
class Marked:
    """A message that may be sent now: where its row is, and which attempt this is."""

    place: str
    attempts: int


async def mark_sending(
    tx: Transaction, campaign: Campaign, recipients: Sequence[Recipient], token: UUID, key: AddressKey
) -> dict[UUID, Marked] | None:
    """QUEUED -> SENDING, to be committed before the provider is called; returns the messages that may be sent, by id.

    The last word: None if the campaign was paused or cancelled; SKIPPED if the customer has unsubscribed or the address
    was suppressed meanwhile, put off or SKIPPED if a frequency rule or quiet hours hold it up. Whoever commits a
    refusal, or a message that counts, waits for this transaction or is seen by it. What is not any more as it was read,
    or was read longer ago than a lease takes, is left alone: whoever reads it again sends it as it is then.
    """
    status, ruled = await _hold_open(tx, campaign)
    if status not in SENDING:
        return None
    # In one order, so that two who mark the same messages wait for one another and do not deadlock.
    given = sorted(recipients, key=lambda one: one.id)
    if ruled:
        await hold_customers(tx, [one.customer_id for one in given])
    held_up = {row["id"]: row for row in await _held_up(tx, campaign, given, key, ruled=ruled)}
    async with by_place(tx, last=True):
        marked = await _take(tx, [one for one in given if one.id not in held_up], token)
        if held_up:
            await _put_off(tx, [(one, held_up[one.id]) for one in given if one.id in held_up])
    return marked


async def _held_up(
    tx: Transaction, campaign: Campaign, recipients: Sequence[Recipient], key: AddressKey, *, ruled: bool
) -> list[Any]:
    """Of which recipients something is against sending now, `id`: `skip` says what, or `until` when they are put off,
    `expires` at the latest."""
    messages = sql(
        """
        select * from unnest(:ids::uuid[], :customers::uuid[], :channels::text[], :addresses::text[],
                             :expiring::timestamptz[]) as g (id, customer_id, channel, address, expires_at)
        """,
        ids=[one.id for one in recipients],
        customers=[one.customer_id for one in recipients],
        channels=[one.channel for one in recipients],
        addresses=[one.address for one in recipients],
        expiring=[one.expires_at for one in recipients],
    )
    found = judged(messages, tx.organization_id, campaign.audience, key)
    if ruled or keeps_hours(campaign):
        statement = _restrained(campaign, tx.organization_id, found, ruled)
    else:
        statement = sql(
            "select j.id, j.refusal as skip, null::timestamptz as until, null::timestamptz as expires "
            "from (:judged) j where j.refusal is not null",
            judged=found,
        )
    return await tx.rows(statement)


async def _take(tx: Transaction, recipients: Sequence[Recipient], token: UUID) -> dict[UUID, Marked]:
    """The only step that takes a message: of all who try, one gets it."""
    rows = await tx.rows(
        """
        update message m
        set status = 'SENDING', attempts = m.attempts + 1, sending_at = clock_timestamp(), lease_token = :token,
            lease_until = clock_timestamp() + :lease, updated_at = clock_timestamp()
        from unnest(:places::text[]::tid[], :ids::uuid[], :customers::uuid[]) as v (place, id, customer_id)
        where :as_read and :read_at::timestamptz + :lease > clock_timestamp()
        returning m.id, m.ctid::text, m.attempts
        """,
        as_read=_as_read(tx.organization_id),
        token=token,
        lease=LEASE,
        read_at=min((one.read_at for one in recipients), default=None),
        **_places(recipients),
    )
    return {row[0]: Marked(row[1], row[2]) for row in rows}


async def _put_off(tx: Transaction, held_up: Sequence[tuple[Recipient, Any]]) -> None:
    """QUEUED -> SKIPPED, or QUEUED until later."""
    await tx.run(
        """
        update message m
        set status = case when v.skip is not null then 'SKIPPED' else 'QUEUED' end, skip_reason = v.skip,
            next_attempt_at = case when v.skip is null then v.until end,
            expires_at = case when v.until is not null then coalesce(m.expires_at, v.expires) else m.expires_at end,
            updated_at = clock_timestamp()
        from unnest(:places::text[]::tid[], :ids::uuid[], :customers::uuid[], :skips::text[], :untils::timestamptz[],
                    :expiring::timestamptz[]) as v (place, id, customer_id, skip, until, expires)
        where :as_read
        """,
        as_read=_as_read(tx.organization_id),
        skips=[why["skip"] for _, why in held_up],
        untils=[why["until"] for _, why in held_up],
        expiring=[why["expires"] for _, why in held_up],
        **_places([one for one, _ in held_up]),
    )


def _places(recipients: Sequence[Recipient]) -> dict[str, Any]:
    return {
        "places": [one.place for one in recipients],
        "ids": [one.id for one in recipients],
        "customers": [one.customer_id for one in recipients],
    }


def _as_read(organization_id: UUID) -> Statement:
    """Whether message `m` is still what `v` was read as, and its turn.

    A row that was changed is elsewhere, so the place says nearly all of it. Who waited for the change may see the new
    row at the old place's: it has been taken, put off, or given to another customer.
    """
    return sql(
        "m.organization_id = :organization and m.ctid = v.place and m.id = v.id and m.customer_id = v.customer_id "
        "and m.status = 'QUEUED' and (m.next_attempt_at is null or m.next_attempt_at <= clock_timestamp())",
        organization=organization_id,
    )


async def _hold_open(tx: Transaction, campaign: Campaign) -> tuple[str | None, bool]:
    """The campaign's status, which cannot change before the transaction ends (pause and cancel wait for it), and
    whether frequency rules are about its messages.

    What is judged goes by keys, and rows are asked for as `in_index_order` says: it is planned once, as planning took a
    quarter of the time of a mark.
    """
    row = await tx.row(
        """
        select c.status, :has_rules, set_config('plan_cache_mode', 'force_generic_plan', true),
               set_config('enable_seqscan', 'off', true), set_config('enable_sort', 'off', true),
               set_config('enable_incremental_sort', 'off', true), set_config('enable_bitmapscan', 'off', true)
        from campaign c
        where c.organization_id = :organization and c.id = :id for share of c
        """,
        id=campaign.id,
        has_rules=has_rules(campaign, tx.organization_id),
    )
    return (None, False) if row is None else (row[0], row[1])


def _restrained(campaign: Campaign, organization_id: UUID, judged: Statement, ruled: bool) -> Statement:
    """Of judged messages those that are refused, or that quiet hours or rules hold up; columns as of `_held_up`."""
    messages = Statement("select id, customer_id, channel, now from judged where refusal is null")
    nobody = Statement("select null::uuid as id, null::timestamptz as until where false")
    return sql(
        """
        with judged as materialized (
            select j.*, clock_timestamp() as now,
                   row_number() over (partition by j.customer_id, j.refusal is null order by j.id) as turn
            from (:judged) j),
        quiet as (:quiet), capped as (:capped),
        held as (
            select j.id, j.refusal, coalesce(j.expires_at, j.now + :max_deferral::interval) as expires,
                   case when q.id is not null then 'QUIET_HOURS_EXPIRED'
                        when k.id is not null then 'FREQUENCY_CAPPED' end as held,
                   coalesce(q.until, k.until,
                            -- One at a time: what goes first counts for the next.
                            case when :ruled and j.turn > 1 and j.refusal is null then j.now end) as until,
                   case when q.id is not null then :quiet_skips else k.id is not null and :cap_skips end as skips
            from judged j
            left join quiet q on q.id = j.id
            left join capped k on k.id = j.id)
        select d.id, d.skip, d.until, d.expires from (
            select h.id, h.expires, h.until,
                   coalesce(h.refusal, case when h.skips or h.until > h.expires then h.held end) as skip
            from held h) d
        where d.skip is not null or d.until is not null
        """,
        judged=judged,
        quiet=quiet(campaign, organization_id, messages) if keeps_hours(campaign) else nobody,
        capped=capped(campaign, organization_id, messages) if ruled else nobody,
        max_deferral=campaign.max_deferral,
        ruled=ruled,
        quiet_skips=campaign.quiet_policy == QuietPolicy.SKIP,
        cap_skips=campaign.on_cap == OnCap.SKIP,
    )
