set role wayfare_owner;

-- Which automatic segments a customer is in, as bits: what a refresh compares with what the conditions say. The slot of a
-- segment is its bit: 60 to a word, the lowest that no other segment of the organization has. It follows
-- segment_membership in the transaction that changes it, whoever does, because triggers keep it (docs/decisions/0019).
alter table segment add column slot INTEGER,
    add CONSTRAINT segment_organization_id_slot_key UNIQUE (organization_id, slot);

create table segment_mask (
    organization_id UUID NOT NULL,
    customer_id UUID NOT NULL,
    word INTEGER NOT NULL,
    mask BIGINT NOT NULL,
    CONSTRAINT segment_mask_pkey PRIMARY KEY (organization_id, customer_id, word),
    CONSTRAINT segment_mask_organization_id_customer_id_fkey FOREIGN KEY(organization_id, customer_id) REFERENCES customer (organization_id, id) ON DELETE CASCADE
) with (fillfactor = 80);
select protect_tenant_table('segment_mask');
select limit_to_brands('segment_mask', 'false', 'select');
create policy definer on segment_mask to wayfare_owner using (true) with check (true);
create policy definer on segment for select to wayfare_owner using (true);

create function word_of(slot integer) returns integer language sql immutable parallel safe return slot / 60;
create function bit_of(slot integer) returns bigint language sql immutable parallel safe return 1::bigint << (slot % 60);

-- Manual segments are never compared with anything.
create function give_segment_slot() returns trigger
language plpgsql security definer set search_path = public, pg_temp
as $$
begin
    new.slot := (
        select min(n) from generate_series(0, (select count(*) from segment s where s.organization_id = new.organization_id)) n
        where not exists (select from segment s where s.organization_id = new.organization_id and s.slot = n));
    return new;
end
$$;
create trigger give_slot before insert on segment for each row when (new.type = 'AUTOMATIC')
execute function give_segment_slot();

create function clear_segment_slots() returns trigger
language plpgsql security definer set search_path = public, pg_temp
as $$
begin
    update segment_mask m set mask = m.mask & ~g.bits
    from (select organization_id, word_of(slot) as word, bit_or(bit_of(slot)) as bits
          from gone where slot is not null group by 1, 2) g
    where m.organization_id = g.organization_id and m.word = g.word and m.mask & g.bits <> 0;
    return null;
end
$$;
create trigger clear_slots after delete on segment referencing old table as gone
for each statement execute function clear_segment_slots();

create function add_to_masks() returns trigger
language plpgsql security definer set search_path = public, pg_temp
as $$
begin
    insert into segment_mask as m (organization_id, customer_id, word, mask)
    select g.organization_id, g.customer_id, word_of(s.slot), bit_or(bit_of(s.slot))
    from gained g join segment s on s.organization_id = g.organization_id and s.id = g.segment_id
    where s.slot is not null
    group by 1, 2, 3
    order by 1, 2, 3
    on conflict (organization_id, customer_id, word) do update set mask = m.mask | excluded.mask;
    return null;
end
$$;
create trigger add_to_masks after insert on segment_membership referencing new table as gained
for each statement execute function add_to_masks();

-- A segment that is deleted has no slot to be found any more: clear_slots does it.
create function take_from_masks() returns trigger
language plpgsql security definer set search_path = public, pg_temp
as $$
begin
    update segment_mask m set mask = m.mask & ~g.bits
    from (select l.organization_id, l.customer_id, word_of(s.slot) as word, bit_or(bit_of(s.slot)) as bits
          from lost l join segment s on s.organization_id = l.organization_id and s.id = l.segment_id
          where s.slot is not null
          group by 1, 2, 3) g
    where m.organization_id = g.organization_id and m.customer_id = g.customer_id and m.word = g.word;
    return null;
end
$$;
create trigger take_from_masks after delete on segment_membership referencing old table as lost
for each statement execute function take_from_masks();

-- Updates change whose decision a membership is; only those that make it another one's concern the masks.
create function move_in_masks() returns trigger
language plpgsql security definer set search_path = public, pg_temp
as $$
begin
    if exists (select organization_id, segment_id, customer_id from gained
               except select organization_id, segment_id, customer_id from lost) then
        update segment_mask m set mask = m.mask & ~g.bits
        from (select l.organization_id, l.customer_id, word_of(s.slot) as word, bit_or(bit_of(s.slot)) as bits
              from lost l join segment s on s.organization_id = l.organization_id and s.id = l.segment_id
              where s.slot is not null
              group by 1, 2, 3) g
        where m.organization_id = g.organization_id and m.customer_id = g.customer_id and m.word = g.word;
        insert into segment_mask as m (organization_id, customer_id, word, mask)
        select g.organization_id, g.customer_id, word_of(s.slot), bit_or(bit_of(s.slot))
        from gained g join segment s on s.organization_id = g.organization_id and s.id = g.segment_id
        where s.slot is not null
        group by 1, 2, 3
        order by 1, 2, 3
        on conflict (organization_id, customer_id, word) do update set mask = m.mask | excluded.mask;
    end if;
    return null;
end
$$;
create trigger move_in_masks after update on segment_membership referencing old table as lost new table as gained
for each statement execute function move_in_masks();

revoke all on function give_segment_slot, clear_segment_slots, add_to_masks, take_from_masks, move_in_masks from public;

reset role;

-- As whoever migrates, who may see every organization; where that role may not, the nightly check makes up for it.
update segment s set slot = numbered.slot
from (select organization_id, id, row_number() over (partition by organization_id order by id) - 1 as slot
      from segment where type = 'AUTOMATIC') numbered
where s.organization_id = numbered.organization_id and s.id = numbered.id;

insert into segment_mask (organization_id, customer_id, word, mask)
select m.organization_id, m.customer_id, word_of(s.slot), bit_or(bit_of(s.slot))
from segment_membership m join segment s on s.organization_id = m.organization_id and s.id = m.segment_id
where s.slot is not null
group by 1, 2, 3;
