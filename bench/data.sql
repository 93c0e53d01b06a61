-- One organization's customers with everything the queries read, the same on every machine.
-- Reads the settings bench.organization (its number) and bench.customers (how many). The organization, its brand and
-- its stages are there already, and the session's app.organization names it; runs as superuser.

-- Ids that sort by kind and number, as UUIDv7 would sort by time; bench/database.py makes the same.
create function pg_temp.id(kind text, number bigint) returns uuid language sql stable
return (lpad(to_hex(current_setting('bench.organization')::int * 256
            + array_position('{organization,customer,fact,journey,segment,campaign,message,note,template}'::text[], kind)),
            8, '0') || '-0000-7000-8000-' || lpad(to_hex(number), 12, '0'))::uuid;

-- Chance: in [0, 1), the same for the same number and salt.
create function pg_temp.chance(number bigint, salt bigint) returns float8 language sql immutable
return (hashint8extended(number, salt) & 4294967295) / 4294967296.0::float8;

create function pg_temp.pick(options text[], number bigint, salt bigint) returns text language sql immutable
return options[1 + floor(pg_temp.chance(number, salt) * cardinality(options))::int];

-- The world ends at the first instant of 2026. Whole seconds, so that every server can write them down.
create function pg_temp.final() returns timestamptz language sql immutable
return timestamptz '2026-01-01 00:00:00Z';

create function pg_temp.between(first timestamptz, share float8) returns timestamptz language sql immutable
return first + make_interval(secs => floor(extract(epoch from pg_temp.final() - first) * share)::float8);

create temp table person as
select n as number,
       pg_temp.id('customer', n) as id,
       pg_temp.pick('{Ada,Amara,Anna,Aroha,Astrid,Bruno,Carla,Chidi,Dalia,Diego,Elif,Emeka,Farid,Freya,Grace,Hana,Hugo,'
                    'Ines,Ivan,Jamal,José,Kaito,Lena,Liam,Lucía,Maya,Mehmet,Nadia,Noor,Olga,Omar,Priya,Quinn,Rosa,Sana,'
                    'Tariq,Uma,Viktor,Wei,Zoë}', n, 1) as first_name,
       pg_temp.pick('{Abbott,Adeyemi,Almeida,Andersson,Bauer,Becker,Bianchi,Castro,Chen,Costa,Demir,Dubois,Eriksen,Farah,'
                    'Fischer,Fontaine,García,Goldberg,Haddad,Hansen,Horvat,Ibrahim,Ito,Jansen,Johnson,Kaya,Khan,Kim,'
                    'Kowalski,Kumar,Larsen,Lopez,Mbeki,Meyer,Moreau,Müller,Nakamura,Nguyen,Novak,Nwosu,Okafor,Olsen,'
                    'Patel,Peeters,Petrov,Quispe,Ramos,Rossi,Sato,Schmidt,Silva,Singh,Smith,Suzuki,Tanaka,Torres,Usman,'
                    'Vargas,Wagner,Yilmaz}', n, 2) as last_name,
       timestamptz '2024-01-01 00:00:00Z'
           + make_interval(secs => n * (700 * 86400 / current_setting('bench.customers')::int)) as created_at,
       3 + floor(pg_temp.chance(n, 3) * 5)::int as spells
from generate_series(1, current_setting('bench.customers')::bigint) n;

insert into customer (organization_id, id, external_id, name, email, phone, date_of_birth, loyalty_level, city, country,
                      attributes, acquired_at, created_at, updated_at)
select current_organization(), id, 'c-' || number, first_name || ' ' || last_name,
       fold(first_name || '.' || last_name) || '.' || number || '@example.com', '+4420' || 70000000 + number,
       date '1950-01-01' + floor(pg_temp.chance(number, 4) * 20000)::int,
       pg_temp.pick('{BRONZE,SILVER,GOLD,PLATINUM}', number, 5),
       pg_temp.pick('{Amsterdam,Berlin,Lagos,Lima,London,Madrid,Mumbai,Nairobi,Osaka,Oslo,Paris,Porto,Quito,Rome,Sydney,'
                    'Toronto}', number, 6),
       pg_temp.pick('{NL,DE,NG,PE,GB,ES,IN,KE,JP,NO,FR,PT,EC,IT,AU,CA}', number, 6),
       jsonb_build_object('shoeSize', 35 + floor(pg_temp.chance(number, 7) * 12)::int),
       created_at, created_at, pg_temp.between(created_at, pg_temp.chance(number, 8))
from person order by number;

-- Ten facts each, told in rounds over all customers, so that one customer's lie apart on disk as they do in life.
insert into fact (organization_id, id, customer_id, kind, source, key, status, amount, occurred_at, content_hash,
                  received_at)
select current_organization(), pg_temp.id('fact', n), person.id, kind, 'bench', n::text, status, amount, occurred_at,
       sha256(n::text::bytea), occurred_at
from generate_series(1, 10) as turn
cross join person
cross join lateral (select (turn - 1) * current_setting('bench.customers')::bigint + person.number as n) numbered
cross join lateral (
    select ('{ORDER,ORDER,ORDER,ORDER,ORDER,ORDER,ORDER,APPOINTMENT,VISIT,CALL}'::text[])[turn] as kind,
           case when turn <= 8 then 'COMPLETED' end as status,
           case when turn <= 7 then round((5 + 195 * pg_temp.chance(n, 9))::numeric, 2) end as amount,
           pg_temp.between(person.created_at, (turn - 1 + pg_temp.chance(n, 10)) / 10) as occurred_at) fact
order by n;

-- Three to seven spells each; the stages follow one another around the circle.
create temp table spell as
select person.number, person.id as customer_id, pg_temp.id('journey', person.number) as journey_id, seq, spells,
       stages.ids[1 + (start + seq) % cardinality(stages.ids)] as stage_id,
       case when seq > 1 then stages.ids[1 + (start + seq - 1) % cardinality(stages.ids)] end as previous_stage_id,
       pg_temp.between(created_at, (seq - 1)::float8 / spells) as entered_at,
       case when seq < spells then pg_temp.between(created_at, seq::float8 / spells) end as exited_at
from person
cross join lateral (select floor(pg_temp.chance(number, 11) * 7)::int as start) starts
cross join (select array_agg(id order by position) as ids from journey_stage
            where organization_id = current_organization()) stages
cross join lateral generate_series(1, spells) as seq;

insert into journey (organization_id, id, customer_id, stage_id, previous_stage_id, stage_entered_at, version,
                     created_at, updated_at)
select current_organization(), journey_id, customer_id, stage_id, previous_stage_id, entered_at, seq, entered_at,
       entered_at
from spell where seq = spells order by number;

insert into stage_transition (organization_id, journey_id, seq, from_stage_id, to_stage_id, entered_at, exited_at,
                              trigger, created_at)
select current_organization(), journey_id, seq, previous_stage_id, stage_id, entered_at, exited_at,
       case when seq = 1 then 'SYSTEM' else 'AUTOMATIC' end, entered_at
from spell order by seq, number;

-- Twenty segments; a customer is in five on average.
insert into segment (organization_id, id, key, name, type, computed_version, last_refreshed_at, created_at, updated_at)
select current_organization(), pg_temp.id('segment', n), 'segment-' || n, 'Segment ' || n, 'MANUAL', 1, pg_temp.final(),
       timestamptz '2024-01-01 00:00:00Z' + make_interval(days => n), pg_temp.final()
from generate_series(1, 20) n;

insert into segment_version (organization_id, segment_id, number, actor)
select organization_id, id, 1, 'bench' from segment where organization_id = current_organization();

insert into segment_membership (organization_id, segment_id, customer_id, source, entered_at, segment_version)
select current_organization(), pg_temp.id('segment', n), person.id, 'MANUAL',
       pg_temp.between(created_at, pg_temp.chance(number, 100 + n)), 1
from generate_series(1, 20) n cross join person
where pg_temp.chance(number, 200 + n) < n / 42.0
order by n, number;

update segment s set member_count = members
from (select segment_id, count(*) as members from segment_membership
      where organization_id = current_organization() group by segment_id) counted
where s.organization_id = current_organization() and s.id = segment_id;

-- Ten campaigns in the last month, each to half of the customers.
insert into template (organization_id, id, brand_id, name, channel)
select current_organization(), pg_temp.id('template', 1), id, 'News', 'EMAIL' from brand
where organization_id = current_organization();
insert into template_version (organization_id, template_id, number, subject, text, actor)
values (current_organization(), pg_temp.id('template', 1), 1, 'News', 'Hello {{ customer.name }}', 'bench');

create temp table mailing as
select n as number, pg_temp.id('campaign', n) as id,
       timestamptz '2025-12-02 09:00:00Z' + make_interval(days => 3 * (n - 1)::int) as started_at
from generate_series(1, 10) n;

insert into campaign (organization_id, id, brand_id, name, status, template_id, template_version, include_segment_ids,
                      started_at, snapshot_at, completed_at, created_at, updated_at)
select current_organization(), mailing.id, brand.id, 'Campaign ' || number, 'COMPLETED', pg_temp.id('template', 1), 1,
       array[pg_temp.id('segment', number)], started_at, started_at, started_at + interval '1 hour', started_at,
       started_at
from mailing join brand on organization_id = current_organization();

insert into campaign_variant (organization_id, campaign_id, number, name)
select organization_id, id, 1, 'A' from campaign where organization_id = current_organization();
insert into campaign_content (organization_id, campaign_id, variant, channel, template_id, template_version)
select organization_id, id, 1, channel, template_id, template_version from campaign
where organization_id = current_organization();

insert into message (organization_id, id, campaign_id, customer_id, channel, address, status, attempts, queued_at,
                     sending_at, sent_at, updated_at)
select current_organization(), pg_temp.id('message', mailing.number * 4294967296 + person.number), mailing.id, person.id,
       'EMAIL', fold(first_name || '.' || last_name) || '.' || person.number || '@example.com', state.status, 1,
       started_at, sent_at, case when state.status = 'SENT' then sent_at end, sent_at
from mailing cross join person
cross join lateral (select started_at + make_interval(secs => person.number / 100) as sent_at) moment
cross join lateral (
    select case when pg_temp.chance(person.number, 300 + mailing.number) < 0.02 then 'FAILED' else 'SENT' end as status)
    state
where pg_temp.chance(person.number, 400 + mailing.number) < 0.5
order by mailing.number, person.number;

update campaign c set audience_size = recipients
from (select campaign_id, count(*) as recipients from message
      where organization_id = current_organization() group by campaign_id) counted
where c.organization_id = current_organization() and c.id = campaign_id;

-- A note about every second customer.
insert into customer_note (organization_id, id, customer_id, body, author, created_at)
select current_organization(), pg_temp.id('note', number), id, 'Called about order ' || number || '; will come back.',
       'bench', pg_temp.between(created_at, 0.5)
from person where number % 2 = 0 order by number;

drop table person, spell, mailing;
drop function pg_temp.id, pg_temp.chance, pg_temp.pick, pg_temp.final, pg_temp.between;
