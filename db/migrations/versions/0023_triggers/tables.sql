-- Triggers of facts and memberships: what looking up whom they name, and masks that are there already, cost.
set role wayfare_owner;

-- One join holds all whom a statement names, where a sub-select began anew for each. A loop over their keys, in order,
-- whatever sizes a remembered plan was made for.
create or replace function refer_to_customers() returns trigger
language plpgsql set search_path = public, pg_temp
set enable_hashjoin = off set enable_mergejoin = off set enable_seqscan = off set enable_bitmapscan = off
as $$
begin
    if (select count(*) from (select distinct organization_id, customer_id from gained) g) > (
        select count(*) from (
            select from (select distinct organization_id, customer_id from gained order by 1, 2) g
            join customer c on c.organization_id = g.organization_id and c.id = g.customer_id
            for key share of c) held)
    then
        raise foreign_key_violation using table = tg_table_name,
            constraint = format('%s_organization_id_customer_id_fkey', tg_table_name),
            message = format('a row of %s names a customer who does not exist', tg_table_name);
    end if;
    return null;
end
$$;

create function refer_to_segments() returns trigger
language plpgsql set search_path = public, pg_temp
set enable_hashjoin = off set enable_mergejoin = off set enable_seqscan = off set enable_bitmapscan = off
as $$
begin
    if (select count(*) from (select distinct organization_id, segment_id from gained) g) > (
        select count(*) from (
            select from (select distinct organization_id, segment_id from gained order by 1, 2) g
            join segment s on s.organization_id = g.organization_id and s.id = g.segment_id
            for key share of s) held)
    then
        raise foreign_key_violation using table = tg_table_name,
            constraint = format('%s_organization_id_segment_id_fkey', tg_table_name),
            message = format('a row of %s names a segment that does not exist', tg_table_name);
    end if;
    return null;
end
$$;
revoke all on function refer_to_segments from public;

create trigger refer_to_customers_on_insert after insert on segment_membership referencing new table as gained
for each statement execute function refer_to_customers();
create trigger refer_to_customers_on_update after update on segment_membership referencing new table as gained
for each statement execute function refer_to_customers();
create trigger refer_to_segments_on_insert after insert on segment_membership referencing new table as gained
for each statement execute function refer_to_segments();
create trigger refer_to_segments_on_update after update on segment_membership referencing new table as gained
for each statement execute function refer_to_segments();
create trigger refer_to_customers_on_insert after insert on segment_membership_change referencing new table as gained
for each statement execute function refer_to_customers();
create trigger refer_to_customers_on_update after update on segment_membership_change referencing new table as gained
for each statement execute function refer_to_customers();
create trigger refer_to_segments_on_insert after insert on segment_membership_change referencing new table as gained
for each statement execute function refer_to_segments();
create trigger refer_to_segments_on_update after update on segment_membership_change referencing new table as gained
for each statement execute function refer_to_segments();

drop trigger refer_on_insert on segment_membership;
drop trigger refer_on_update on segment_membership;
drop trigger refer_on_insert on segment_membership_change;
drop trigger refer_on_update on segment_membership_change;
drop function refer_to_customers_and_segments;

-- Most have a mask: ON CONFLICT would lock it before it is written, which is another record in the log.
create or replace function add_to_masks() returns trigger
language plpgsql security definer set search_path = public, pg_temp
as $$
begin
    with added as materialized (
        select g.organization_id, g.customer_id, word_of(s.slot) as word, bit_or(bit_of(s.slot)) as bits
        from gained g join segment s on s.organization_id = g.organization_id and s.id = g.segment_id
        where s.slot is not null
        group by 1, 2, 3
        order by 1, 2, 3
    ),
    updated as (
        update segment_mask m set mask = m.mask | a.bits
        from added a
        where m.organization_id = a.organization_id and m.customer_id = a.customer_id and m.word = a.word
        returning m.organization_id, m.customer_id, m.word
    )
    insert into segment_mask as m (organization_id, customer_id, word, mask)
    select a.organization_id, a.customer_id, a.word, a.bits
    from added a
    where (a.organization_id, a.customer_id, a.word) not in (select organization_id, customer_id, word from updated)
    -- Somebody else may have begun it at the same moment.
    on conflict (organization_id, customer_id, word) do update set mask = m.mask | excluded.mask;
    return null;
end
$$;

reset role;
