"""Taking in what came back of messages: many at once, each once, in any order with the same result.

The events are what is known; a message's instants and its status are computed from all of its events whenever one
comes, so neither order nor repetition can matter. docs/decisions/0023-results.md says what follows from what.
"""

from collections.abc import Sequence
from datetime import timedelta

from db.clock import database_time
from db.database import Transaction
from db.jobs import request_job
from db.outbox import recording
from db.results.activity import lock_active
from db.results.consequences import follow
from db.results.judged import JUDGED
from domain.events import EventType
from domain.live import CampaignProgress
from domain.results.returns import LONGEST_ID, BounceKind, Returned, ReturnType
from domain.suppressions import AddressKey

WAITING_JOB = "results.waiting"
# Only between a provider's answer and its mark in the ledger is a name unknown that will be known.
WAITS = timedelta(hours=1)
SOON = timedelta(seconds=30)

TOLD = (
    EventType.MESSAGE_SENT,
    EventType.MESSAGE_DELIVERED,
    EventType.MESSAGE_OPENED,
    EventType.MESSAGE_CLICKED,
    EventType.MESSAGE_BOUNCED,
    EventType.MESSAGE_COMPLAINED,
    EventType.MESSAGE_UNSUBSCRIBED,
    EventType.MESSAGE_REPLIED,
)


async def take_back(tx: Transaction, events: Sequence[Returned], key: AddressKey | None = None) -> int:
    """Stores what is new of these events and what follows from it; returns how many were new.

    A constant number of statements. Clicks and answers are facts of their customers (db/results/activity.py). Hard
    bounces and complaints suppress the address (with `key`, the organization's), unsubscribing takes the consent back.
    An event of a message that nobody knows waits for a while if it names the message as the provider does, because the
    ledger may not know that name yet; otherwise it has no effect. Use `Database.attempt`: what others do at the same
    moment may end the transaction.
    """
    if not events:
        return 0
    given = _columns(events)
    locked = await lock_active(tx, events)
    new = await tx.rows(_STORE, **given)
    if any(event.message_id is None for event in events) and await tx.run(_WAIT, **given):
        at = await database_time(tx)
        await request_job(tx, WAITING_JOB, dedupe_key="waiting", run_at=at + SOON)
    if not new:
        return 0
    # In order, so that nobody deadlocks. What others stored meanwhile is seen after the lock, or they see this.
    ids = sorted({row["message_id"] for row in new})
    await tx.run(
        "select id from message where organization_id = :organization and id = any(:ids::uuid[]) "
        "order by id for no key update",
        ids=ids,
    )
    changed = await tx.rows(_FOLLOW, ids=ids, events=await recording(tx, TOLD, _EVENTS))
    await follow(tx, [dict(row) for row in new], key, locked)
    # Told after the commit, and of one campaign at most so often (workers/live.py).
    tx.events += [CampaignProgress(campaign) for campaign in sorted({row["campaign_id"] for row in changed})]
    return len(new)


async def settle_waiting(tx: Transaction, key: AddressKey | None = None) -> bool:
    """Takes in what waited for the ledger to know its message; False when nothing waits any more."""
    await tx.run(
        "delete from waiting_event where organization_id = :organization "
        "and received_at < clock_timestamp() - :waits::interval",
        waits=WAITS,
    )
    rows = await tx.rows(
        """
        delete from waiting_event w using message m
        where w.organization_id = :organization and m.organization_id = :organization
          and m.provider = w.provider and m.provider_message_id = w.provider_message_id
        returning w.provider, w.event_id, w.type, w.at, m.id, w.is_machine, w.bounce_kind, w.detail
        """
    )
    found = [
        Returned(
            row["provider"],
            row["event_id"],
            ReturnType(row["type"]),
            row["at"],
            row["id"],
            is_machine=row["is_machine"],
            bounce_kind=row["bounce_kind"] and BounceKind(row["bounce_kind"]),
            detail=row["detail"],
        )
        for row in rows
    ]
    await take_back(tx, found, key)
    return bool(await tx.value("select exists (select from waiting_event where organization_id = :organization)"))


def _columns(events: Sequence[Returned]) -> dict[str, list[object]]:
    return {
        "providers": [event.provider for event in events],
        "event_ids": [event.event_id[:LONGEST_ID] for event in events],
        "types": [event.type.value for event in events],
        "ats": [event.at for event in events],
        "message_ids": [event.message_id for event in events],
        "names": [event.provider_message_id for event in events],
        "machines": [event.is_machine for event in events],
        "links": [event.link_id for event in events],
        "kinds": [event.bounce_kind and event.bounce_kind.value for event in events],
        "details": [event.detail for event in events],
    }


_GIVEN = """
given as (
    select * from unnest(:providers::text[], :event_ids::text[], :types::text[], :ats::timestamptz[],
                         :message_ids::uuid[], :names::text[], :machines::boolean[], :links::uuid[], :kinds::text[],
                         :details::text[])
        as g (provider, event_id, type, at, message_id, name, is_machine, link_id, bounce_kind, detail)
)
"""

# A message that was erased or of another organization, and a link of another message, are not there.
_STORE = f"""
with {_GIVEN}, known as (
    select g.*, m.id from given g
    join message m on m.organization_id = :organization and m.id = g.message_id
    union all
    select g.*, m.id from given g
    join message m on m.organization_id = :organization
                  and m.provider = g.provider and m.provider_message_id = g.name
    where g.message_id is null
)
insert into message_event (organization_id, provider, event_id, message_id, type, at, is_machine, link_id,
                           bounce_kind, detail)
select :organization, k.provider, k.event_id, k.id, k.type, k.at, k.is_machine, l.id, k.bounce_kind, k.detail
from known k left join link l on l.organization_id = :organization and l.id = k.link_id
order by k.provider, k.event_id, k.id
on conflict (organization_id, provider, event_id) do nothing
returning message_id, type, is_machine, bounce_kind, at
"""

_WAIT = f"""
with {_GIVEN}
insert into waiting_event (organization_id, provider, event_id, provider_message_id, type, at, is_machine,
                           bounce_kind, detail)
select :organization, g.provider, g.event_id, g.name, g.type, g.at, g.is_machine, g.bounce_kind, g.detail
from given g
where g.message_id is null and g.name is not null and g.link_id is null
  and not exists (select from message_event e where e.organization_id = :organization
                  and e.provider = g.provider and e.event_id = g.event_id)
order by g.provider, g.event_id
on conflict (organization_id, provider, event_id) do nothing
"""

_FOLLOW = f"""
with {JUDGED}, fact as (
    select message_id, min(at) as first_at,
           min(at) filter (where type in ('DELIVERED', 'OPENED', 'CLICKED', 'COMPLAINED', 'UNSUBSCRIBED', 'REPLIED'))
               as delivered_at,
           min(at) filter (where type in ('OPENED', 'CLICKED') and not is_machine) as opened_at,
           min(at) filter (where type = 'CLICKED' and not is_machine) as clicked_at,
           min(at) filter (where type = 'OPENED' and is_machine) as machine_opened_at,
           min(at) filter (where type = 'CLICKED' and is_machine) as machine_clicked_at,
           min(at) filter (where type = 'BOUNCED') as bounced_at,
           min(bounce_kind) as bounce_kind,
           min(at) filter (where type = 'COMPLAINED') as complained_at,
           min(at) filter (where type = 'UNSUBSCRIBED') as unsubscribed_at,
           min(at) filter (where type = 'REPLIED') as replied_at
    from judged group by message_id
), known as (
    -- least() passes over NULL: what is known already is kept when it is earlier.
    select m.id, m.status, m.sent_at as was_sent, m.delivered_at as was_delivered, m.opened_at as was_opened,
           m.clicked_at as was_clicked,
           m.bounced_at as was_bounced, m.complained_at as was_complained, m.unsubscribed_at as was_unsubscribed,
           m.replied_at as was_replied,
           coalesce(m.sent_at, m.sending_at) as sent_at,
           least(m.delivered_at, f.delivered_at) as delivered_at, f.opened_at, f.clicked_at,
           f.machine_opened_at, f.machine_clicked_at,
           least(m.bounced_at, f.bounced_at) as bounced_at, least(m.bounce_kind, f.bounce_kind) as bounce_kind,
           least(m.complained_at, f.complained_at) as complained_at,
           least(m.unsubscribed_at, f.unsubscribed_at) as unsubscribed_at,
           least(m.replied_at, f.replied_at) as replied_at
    from fact f join message m on m.organization_id = :organization and m.id = f.message_id
    -- Nobody ever called the provider for it: whatever this is, it is not about this message.
    where m.sending_at is not null or m.sent_at is not null
), next as (
    select k.*, case when k.bounced_at is not null then 'BOUNCED' when k.clicked_at is not null then 'CLICKED'
                     when k.opened_at is not null then 'OPENED' when k.delivered_at is not null then 'DELIVERED'
                     else 'SENT' end as next_status
    from known k
), told as (
    update message m
    set status = n.next_status, skip_reason = null, sent_at = n.sent_at, delivered_at = n.delivered_at,
        opened_at = n.opened_at, clicked_at = n.clicked_at, machine_opened_at = n.machine_opened_at,
        machine_clicked_at = n.machine_clicked_at, bounced_at = n.bounced_at, bounce_kind = n.bounce_kind,
        complained_at = n.complained_at, unsubscribed_at = n.unsubscribed_at, replied_at = n.replied_at,
        next_attempt_at = null, lease_until = null,
        error = case when n.status in ('UNCERTAIN', 'FAILED') then null else m.error end,
        updated_at = clock_timestamp()
    from next n
    where m.organization_id = :organization and m.id = n.id
      and (m.status, m.sent_at, m.delivered_at, m.opened_at, m.clicked_at, m.machine_opened_at, m.machine_clicked_at,
           m.bounced_at, m.bounce_kind, m.complained_at, m.unsubscribed_at, m.replied_at)
          is distinct from
          (n.next_status, n.sent_at, n.delivered_at, n.opened_at, n.clicked_at, n.machine_opened_at,
           n.machine_clicked_at, n.bounced_at, n.bounce_kind, n.complained_at, n.unsubscribed_at, n.replied_at)
    returning m.id, m.campaign_id, m.customer_id, m.status
):events
select id, campaign_id, customer_id, status from told
"""

_EVENTS = """
select x.type, jsonb_build_object('messageId', t.id, 'campaignId', t.campaign_id, 'customerId', t.customer_id,
                                  'status', t.status), x.at
from told t join next n on n.id = t.id
cross join lateral (values ('MESSAGE_SENT', n.sent_at, n.was_sent),
                           ('MESSAGE_DELIVERED', n.delivered_at, n.was_delivered),
                           ('MESSAGE_OPENED', n.opened_at, n.was_opened),
                           ('MESSAGE_CLICKED', n.clicked_at, n.was_clicked),
                           ('MESSAGE_BOUNCED', n.bounced_at, n.was_bounced),
                           ('MESSAGE_COMPLAINED', n.complained_at, n.was_complained),
                           ('MESSAGE_UNSUBSCRIBED', n.unsubscribed_at, n.was_unsubscribed),
                           ('MESSAGE_REPLIED', n.replied_at, n.was_replied)) as x (type, at, was)
where x.at is not null and x.was is null
"""
