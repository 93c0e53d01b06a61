-- Activity: what customers do about messages.
set role wayfare_owner;

-- A click of a person and a message that a customer writes are facts of kinds of their own (docs/decisions/0032).
alter table fact drop constraint fact_kind_check,
    add constraint fact_kind_check check (kind in ('ORDER', 'REFUND', 'APPOINTMENT', 'CALL', 'VISIT', 'TICKET',
        'CLICK', 'INBOUND_MESSAGE', 'CUSTOM'));
-- Who writes text messages of their own accord.
create index customer_phone_idx on customer (organization_id, phone) where phone is not null;

-- What happened already counts, too. Row-level security binds the owner too unless told not to.
alter table fact no force row level security;
alter table message no force row level security;
alter table message_event no force row level security;
alter table campaign no force row level security;
alter table customer_metrics no force row level security;
alter table segment no force row level security;
alter table segment_version no force row level security;
alter table journey_stage no force row level security;
alter table conversion_definition no force row level security;

-- Answers were custom events so far.
update fact set kind = 'INBOUND_MESSAGE', name = null
where kind = 'CUSTOM' and source = 'wayfare' and name = 'message.replied';

-- Conditions that ask for answers go on doing so: JSONB has these two members beside each other.
update segment_version set reads = reads || '{fact:INBOUND_MESSAGE}'::text[]
where condition::text like '%"kind": "CUSTOM", "name": "message.replied"%';
update segment_version
set condition = replace(condition::text, '"CUSTOM", "name": "message.replied"', '"INBOUND_MESSAGE"')::jsonb
where condition::text like '%"kind": "CUSTOM", "name": "message.replied"%';
update segment
set condition = replace(condition::text, '"CUSTOM", "name": "message.replied"', '"INBOUND_MESSAGE"')::jsonb
where condition::text like '%"kind": "CUSTOM", "name": "message.replied"%';
update journey_stage
set condition = replace(condition::text, '"CUSTOM", "name": "message.replied"', '"INBOUND_MESSAGE"')::jsonb
where condition::text like '%"kind": "CUSTOM", "name": "message.replied"%';
update conversion_definition
set fact = replace(fact::text, '"CUSTOM", "name": "message.replied"', '"INBOUND_MESSAGE"')::jsonb
where fact::text like '%"kind": "CUSTOM", "name": "message.replied"%';

-- Judged as db/results/judged.py judges them. Nobody tells these facts again, so what they say has no hash.
insert into fact (organization_id, id, customer_id, brand_id, kind, source, key, properties, occurred_at, received_at,
                  content_hash)
select m.organization_id, uuid7(), m.customer_id, c.brand_id,
       case e.type when 'CLICKED' then 'CLICK' else 'INBOUND_MESSAGE' end, 'wayfare',
       case when length(n.name) <= 200 and n.name !~ '[^!-~]' then n.name
            else 'sha256:' || encode(sha256(convert_to(n.name, 'UTF8')), 'hex') end,
       jsonb_build_object('channel', m.channel), e.at, e.received_at, ''
from message_event e
cross join lateral (select e.provider || ':' || e.event_id as name) n
join message m on m.organization_id = e.organization_id and m.id = e.message_id
join campaign c on c.organization_id = m.organization_id and c.id = m.campaign_id
where e.type in ('CLICKED', 'REPLIED') and not e.is_machine and m.customer_id is not null and not m.is_test
  and (m.sending_at is not null or m.sent_at is not null)
  and not (e.type = 'CLICKED' and (
      exists (select from message_event d
              where d.organization_id = e.organization_id and d.message_id = e.message_id and d.type = 'DELIVERED'
              having e.at between min(d.at) - interval '1 minute' and min(d.at) + interval '2 seconds')
      or (select count(distinct o.link_id) from message_event o
          where o.organization_id = e.organization_id and o.message_id = e.message_id and o.type = 'CLICKED'
            and o.at between e.at - interval '1 second' and e.at + interval '1 second') >= 3))
on conflict (organization_id, source, key) do nothing;

-- Whom it concerns is counted anew by the next job that looks for what is out of date, and evaluated then.
update customer_metrics m set stale_at = '2000-01-01'
where brand_id is null and exists (
    select from fact f where f.organization_id = m.organization_id and f.customer_id = m.customer_id
       and f.kind in ('CLICK', 'INBOUND_MESSAGE'));
insert into customer_metrics (organization_id, customer_id, stale_at)
select distinct f.organization_id, f.customer_id, '2000-01-01'::timestamptz from fact f
where f.kind in ('CLICK', 'INBOUND_MESSAGE')
on conflict on constraint customer_metrics_customer_brand_key do nothing;

-- Who reads the last activity reads these from now on. No other field reads all four.
update segment_version set reads = reads || '{fact:CLICK,fact:INBOUND_MESSAGE}'::text[]
where reads @> '{fact:ORDER,fact:APPOINTMENT,fact:VISIT,fact:CALL}'::text[];

alter table fact force row level security;
alter table message force row level security;
alter table message_event force row level security;
alter table campaign force row level security;
alter table customer_metrics force row level security;
alter table segment force row level security;
alter table segment_version force row level security;
alter table journey_stage force row level security;
alter table conversion_definition force row level security;

-- What a campaign sends is its brand's, whoever started it: the operation has the campaign's id.
alter policy brands on bulk_operation
using (kind in ('IMPORT', 'EXPORT', 'BACKTEST') and brand_ids <@ (select current_brands())::uuid[]
       or kind = 'SEND' and exists (select from campaign c where c.organization_id = bulk_operation.organization_id
                                      and c.id = bulk_operation.id))
with check (brand_ids <@ (select current_brands())::uuid[]
            or kind = 'SEND' and exists (select from campaign c where c.organization_id = bulk_operation.organization_id
                                           and c.id = bulk_operation.id));

reset role;
