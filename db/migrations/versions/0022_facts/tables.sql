-- Facts: what the reference of a fact to its customer costs who tells many.
set role wayfare_owner;

-- Whoever tells facts holds their customers already; looking each up once more was a third of what writing them costs.
-- As with memberships (0015), a statement looks up each of its customers once.
alter table fact drop constraint fact_organization_id_customer_id_fkey;

create function refer_to_customers() returns trigger
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
    return null;
end
$$;
create trigger refer_on_insert after insert on fact referencing new table as gained
for each statement execute function refer_to_customers();
create trigger refer_on_update after update on fact referencing new table as gained
for each statement execute function refer_to_customers();
revoke all on function refer_to_customers from public;

-- What is deleted with a customer is deleted for everybody.
create policy definer on fact to wayfare_owner using (true);

create or replace function delete_with_customers() returns trigger
language plpgsql security definer set search_path = public, pg_temp
as $$
begin
    delete from fact f using gone g
    where f.organization_id = g.organization_id and f.customer_id = g.id;
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
