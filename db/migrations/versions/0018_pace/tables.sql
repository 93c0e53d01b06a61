-- Pace: what costs those who write many rows.
set role wayfare_owner;

-- Whom to send to next: those for whom it is too early are passed over by the index and not one by one. Not coalesce,
-- which the planner would only sort by under row-level security.
create index message_due_idx on message (
    organization_id, campaign_id,
    (case when next_attempt_at is null then '-infinity'::timestamptz else next_attempt_at end), id)
where status = 'QUEUED';

-- A due time of a customer who is gone is noticed, and deleted, when it has come.
alter table segment_due drop constraint segment_due_organization_id_customer_id_fkey;

-- Thousands of customers move between a handful of stages: each move looked five stages up. Statements look up each
-- once and hold it as a reference does (docs/decisions/0026).
alter table journey drop constraint journey_organization_id_stage_id_fkey;
alter table journey drop constraint journey_organization_id_previous_stage_id_fkey;
alter table stage_transition drop constraint stage_transition_organization_id_from_stage_id_fkey;
alter table stage_transition drop constraint stage_transition_organization_id_to_stage_id_fkey;

create function refer_to_stages() returns trigger
language plpgsql set search_path = public, pg_temp
as $$
declare
    named text;
    missing boolean;
begin
    foreach named in array tg_argv loop
        execute format(
            'select exists (
                 select from (select distinct organization_id, %1$I as stage_id from gained order by 1, 2) g
                 where g.stage_id is not null
                   and not exists (select from journey_stage s
                                   where s.organization_id = g.organization_id and s.id = g.stage_id for key share))',
            named) into missing;
        if missing then
            raise foreign_key_violation using table = tg_table_name,
                constraint = format('%s_organization_id_%s_fkey', tg_table_name, named),
                message = format('a row of %s names a stage that does not exist', tg_table_name);
        end if;
    end loop;
    return null;
end
$$;
create trigger refer_on_insert after insert on journey referencing new table as gained
for each statement execute function refer_to_stages('stage_id', 'previous_stage_id');
create trigger refer_on_update after update on journey referencing new table as gained
for each statement execute function refer_to_stages('stage_id', 'previous_stage_id');
create trigger refer_on_insert after insert on stage_transition referencing new table as gained
for each statement execute function refer_to_stages('from_stage_id', 'to_stage_id');

-- Stages are closed and kept; one that somebody stands in, or stood in, cannot be deleted.
create function keep_stages_named() returns trigger
language plpgsql security definer set search_path = public, pg_temp
as $$
begin
    if exists (select from gone g join journey j
               on j.organization_id = g.organization_id and g.id in (j.stage_id, j.previous_stage_id))
       or exists (select from gone g join stage_transition t
                  on t.organization_id = g.organization_id and g.id in (t.from_stage_id, t.to_stage_id))
    then
        raise foreign_key_violation using table = 'journey_stage',
            constraint = 'stage_transition_organization_id_to_stage_id_fkey',
            message = 'a stage that customers are or were in cannot be deleted';
    end if;
    return null;
end
$$;
create trigger keep_stages_named after delete on journey_stage referencing old table as gone
for each statement execute function keep_stages_named();
revoke all on function refer_to_stages, keep_stages_named from public;

create policy definer on journey for select to wayfare_owner using (true);
create policy definer on stage_transition for select to wayfare_owner using (true);
create policy definer on segment_due to wayfare_owner using (true);

create or replace function delete_with_customers() returns trigger
language plpgsql security definer set search_path = public, pg_temp
as $$
begin
    delete from segment_membership m using gone g
    where m.organization_id = g.organization_id and m.customer_id = g.id;
    delete from segment_membership_change h using gone g
    where h.organization_id = g.organization_id and h.customer_id = g.id;
    delete from dirty_customer d using gone g
    where d.organization_id = g.organization_id and d.customer_id = g.id;
    delete from segment_due d using gone g
    where d.organization_id = g.organization_id and d.customer_id = g.id;
    return null;
end
$$;

reset role;
