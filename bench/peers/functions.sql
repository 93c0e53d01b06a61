-- What the peers' users would write in SQL, and the limit uses too.
create schema peers;
grant usage on schema peers to wayfare_app;

-- Under row-level security LIKE cannot use the trigram index, because it is not leakproof. So this function looks past
-- the policies and names the organization itself.
create function peers.find_customers(first_word text, second_word text) returns setof uuid
language sql stable security definer set search_path = public, pg_temp
as $$
    select id from customer
    where organization_id = current_organization()
      and search_text like '%' || first_word || '%' and search_text like '%' || second_word || '%'
$$;
comment on function peers.find_customers is '@behavior -queryField';

create function peers.search_customers(first_word text, second_word text) returns setof customer
language sql stable
as $$
    select c.* from customer c
    where c.id in (select peers.find_customers(first_word, second_word))
    order by c.name collate "C", c.id
$$;

create type peers.stage as (key text, name text);
create type peers.stage_count as (customers bigint, stage peers.stage);

create function peers.stage_distribution() returns setof peers.stage_count
language sql stable
as $$
    select coalesce(j.customers, 0), row(s.key, s.name)::peers.stage
    from journey_stage s
    left join (select stage_id, sum(customers)::bigint as customers from journey_count group by stage_id) j on j.stage_id = s.id
    order by s.position
$$;

-- The roll-up of a customer's metrics as a to-one relation: the table has further rows, one a brand.
create view peers.metrics with (security_invoker) as
select * from public.customer_metrics where brand_id is null;
grant select on peers.metrics to wayfare_app;
comment on view peers.metrics is
    E'@primaryKey organization_id,customer_id\n'
    '@foreignKey (organization_id, customer_id) references public.customer (organization_id, id)'
    '|@foreignSimpleFieldName metrics|@foreignFieldName metrics|@foreignSingleFieldName metrics';

-- PostGraphile offers a column for filtering or ordering when an index begins with it; these are wanted all the same.
comment on column fact.kind is '@behavior +filterBy';
comment on column customer_note.created_at is '@behavior +orderBy';
comment on column segment_membership.entered_at is '@behavior +orderBy';

-- References that triggers keep (docs/decisions/0026), which their users would declare.
comment on table segment_membership is
    E'@foreignKey (organization_id, customer_id) references public.customer (organization_id, id)\n'
    '@foreignKey (organization_id, segment_id) references public.segment (organization_id, id)';
comment on table journey is
    E'@foreignKey (organization_id, stage_id) references public.journey_stage (organization_id, id)';
comment on table stage_transition is
    E'@foreignKey (organization_id, to_stage_id) references public.journey_stage (organization_id, id)';
