-- Settling: what the references of memberships and marks cost who writes many.
set role wayfare_owner;

-- As in 0013: it refers to a customer, and so to an organization.
alter table segment_due drop constraint segment_due_organization_id_fkey;

-- Marks are made by a statement that reads the customers, and one of a customer who is gone since is settled in vain.
alter table dirty_customer drop constraint dirty_customer_organization_id_customer_id_fkey;

-- A customer who changes enters and leaves several segments, each of which is a membership and a line of the history:
-- looking up the customer and the segment for each of them was two fifths of what writing them costs. Statements
-- look up each once, below, and hold them as a reference does (docs/decisions/0026).
alter table segment_membership drop constraint segment_membership_organization_id_segment_id_fkey;
alter table segment_membership drop constraint segment_membership_organization_id_customer_id_fkey;
alter table segment_membership_change drop constraint segment_membership_change_organization_id_segment_id_fkey;
alter table segment_membership_change drop constraint segment_membership_change_organization_id_customer_id_fkey;

-- The sub-selects that lock are looked up by key for each row, whatever sizes a remembered plan was made for. Whoever
-- deletes one of these rows at the same moment is waited for, and the row is not there then.
create function refer_to_customers_and_segments() returns trigger
language plpgsql set search_path = public, pg_temp
as $$
begin
    if exists (
        select from (select distinct organization_id, customer_id from gained order by 1, 2) g
        where not exists (select from customer c
                          where c.organization_id = g.organization_id and c.id = g.customer_id for key share))
    then
        raise foreign_key_violation using table = tg_table_name,
            constraint = format('%s_organization_id_customer_id_fkey', tg_table_name),
            message = format('a row of %s names a customer who does not exist', tg_table_name);
    end if;
    if exists (
        select from (select distinct organization_id, segment_id from gained order by 1, 2) g
        where not exists (select from segment s
                          where s.organization_id = g.organization_id and s.id = g.segment_id for key share))
    then
        raise foreign_key_violation using table = tg_table_name,
            constraint = format('%s_organization_id_segment_id_fkey', tg_table_name),
            message = format('a row of %s names a segment that does not exist', tg_table_name);
    end if;
    return null;
end
$$;
create trigger refer_on_insert after insert on segment_membership referencing new table as gained
for each statement execute function refer_to_customers_and_segments();
create trigger refer_on_update after update on segment_membership referencing new table as gained
for each statement execute function refer_to_customers_and_segments();
create trigger refer_on_insert after insert on segment_membership_change referencing new table as gained
for each statement execute function refer_to_customers_and_segments();
create trigger refer_on_update after update on segment_membership_change referencing new table as gained
for each statement execute function refer_to_customers_and_segments();

-- What is deleted with a customer or a segment is deleted for everybody.
create policy definer on segment_membership to wayfare_owner using (true);
create policy definer on segment_membership_change to wayfare_owner using (true);
create policy definer on dirty_customer to wayfare_owner using (true);

create function delete_with_customers() returns trigger
language plpgsql security definer set search_path = public, pg_temp
as $$
begin
    delete from segment_membership m using gone g
    where m.organization_id = g.organization_id and m.customer_id = g.id;
    delete from segment_membership_change h using gone g
    where h.organization_id = g.organization_id and h.customer_id = g.id;
    delete from dirty_customer d using gone g
    where d.organization_id = g.organization_id and d.customer_id = g.id;
    return null;
end
$$;
create trigger delete_with_customers after delete on customer referencing old table as gone
for each statement execute function delete_with_customers();

create function delete_with_segments() returns trigger
language plpgsql security definer set search_path = public, pg_temp
as $$
begin
    delete from segment_membership m using gone g
    where m.organization_id = g.organization_id and m.segment_id = g.id;
    delete from segment_membership_change h using gone g
    where h.organization_id = g.organization_id and h.segment_id = g.id;
    return null;
end
$$;
create trigger delete_with_segments after delete on segment referencing old table as gone
for each statement execute function delete_with_segments();

revoke all on function refer_to_customers_and_segments, delete_with_customers, delete_with_segments from public;

reset role;
